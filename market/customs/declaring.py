"""An exporter declares; what it says is held against the form, the recipient, and what the registry knows."""

from dataclasses import replace
from datetime import time
from typing import Any

from base.calendar import at_shanghai, end_of_day_shanghai, shanghai_day
from base.db import WriteSession
from identity.groups import group_of
from identity.repository import get_organisation, lock_organisation
from identity.service import require_member
from ledger.recording import Act
from market.customs import repository
from market.customs.assessed import require_assessed
from market.customs.carrying import own_declaration
from market.customs.counting import Tally
from market.customs.declared import (
    Declaration,
    check_declaration,
    require_declared,
    require_persons,
    sample_of,
)
from market.customs.destroying import drop_lists
from market.customs.errors import DeclarationContradicted, DeclarationMalformed
from market.customs.known import held_level
from market.customs.moving import Said, begin, step
from market.customs.reading import declaration_from
from market.customs.releasing import route, route_or_count
from market.customs.risk import lot_commitment
from market.customs.routing import counting_year
from market.customs.rules import country_of
from market.customs.selling_on import bought_before, known_of
from market.customs.states import DeclarationEvent, DeclarationState, may_move
from market.customs.tables import DeclarationRow, PersonListRow
from market.listings import repository as listings
from market.listings.service import materials_of
from market.orders.repository import get_trade
from registry.errors import NoReport
from registry.rules import Level
from registry.service import bound_report

_E = DeclarationEvent
_S = DeclarationState


async def declare(
    s: WriteSession,
    act: Act,
    *,
    declaration: Declaration,
    persons_file_id: str | None = None,
    sensitive_file_id: str | None = None,
) -> DeclarationRow:
    """Declare a flow over the border (XBD.DECLARE), as its exporter; the system routes it.

    The files are lists of persons, one hash a line, uploaded before. Raises DeclarationMalformed,
    DeclarationContradicted, `member-not-active`, and what a trade or product that is another's raises.
    """
    may_move(None, _E.DECLARE, act.role)
    await require_member(s, org_id=act.actor.org_id)
    row = await _row(s, act, declaration, exporter_id=act.actor.org_id)
    s.add(row)
    await s.flush()
    await _keep_lists(s, row, persons_file_id, sensitive_file_id)
    await begin(s, act, row, await _said(s, row))
    await route_or_count(s, act, row)
    return row


async def redeclare(
    s: WriteSession,
    act: Act,
    *,
    declaration_id: str,
    declaration: Declaration,
    persons_file_id: str | None = None,
    sensitive_file_id: str | None = None,
) -> DeclarationRow:
    """Declare in full again what was returned, or whose list was refused (XBD.REDECLARE)."""
    row = await own_declaration(s, act, declaration_id, _E.REDECLARE)
    fresh = await _row(s, act, declaration, exporter_id=row.exporter_id)
    before = await repository.lists_of(s, declaration_ids=[declaration_id])
    again = {persons_file_id, sensitive_file_id} - {None}
    await drop_lists(s, act.as_exchange(), before, reason="REPLACED", but=again)
    await _keep_lists(s, row, persons_file_id, sensitive_file_id)
    kept = {
        *("declaration_id", "exporter_id", "status", "declared_at", "sent_bytes", "sent_uses", "sent_year"),
        *("trace", "counts", "risk", "evidence", "taken_by", "taken_org", "taken_at", "way", "rule_id"),
        "due_at",
    }
    values = {name: value for name, value in fresh.model_dump().items() if name not in kept}
    cleared: dict[str, Any] = {
        "way": None,
        "rule_id": None,
        "taken_by": None,
        "taken_org": None,
        "taken_at": None,
        "due_at": None,
    }
    if row.reason_code == repository.RETURNED:  # customs sent it back, and sees it again
        cleared["reason_code"] = row.reason_code
    said = await _said(s, row, fresh)
    await step(s, act, _E.REDECLARE, row, said, values=values | cleared)
    await route_or_count(s, act, row)
    return row


async def declare_by_contract(s: WriteSession, act: Act, *, declaration: Declaration) -> DeclarationRow:
    """What the exchange declares itself of a contract whose data is neither personal nor important.

    Its route is exempt by the law; it is on the customs log like any other, so that it can be halted.
    """
    trade = await get_trade(s, trade_id=declaration.trade_id or "")
    row = await _row(s, act, declaration, exporter_id=trade.seller_id)
    s.add(row)
    await s.flush()
    await begin(s, act, row, await _said(s, row))
    await route(s, act, row, Tally(), by_contract=True)
    return row


async def _row(s: WriteSession, act: Act, said: Declaration, *, exporter_id: str) -> DeclarationRow:
    today = shanghai_day(act.now)
    check_declaration(said, today)
    await lock_organisation(s, org_id=exporter_id)
    country = await _check_recipient(s, said)
    said = await _named(s, said)
    product_id = await _check_goods(s, said, exporter_id)
    await require_assessed(s, said, exporter_id=exporter_id, product_id=product_id, now=act.now)
    return DeclarationRow(
        declaration_id=act.new_id("xbd"),
        exporter_id=exporter_id,
        group_id=await group_of(s, org_id=exporter_id),
        declared_by=act.actor.user_id,
        recipient_id=said.recipient.org_id,
        country=country,
        kind=said.kind,
        trade_id=said.trade_id,
        product_id=product_id,
        said=said.document(),
        lot_salt=act.nonce(),
        persons=said.persons,
        sensitive_persons=said.sensitive_persons,
        volume_bytes=said.volume_bytes,
        volume_uses=said.volume_uses,
        status=_S.DECLARED,
        year=counting_year(said, today),
        declared_at=act.occurred_at,
        valid_from=at_shanghai(said.period_from, time(0)),
        valid_to=end_of_day_shanghai(said.period_to),
    )


async def _named(s: WriteSession, said: Declaration) -> Declaration:
    """A member that receives goes by the name it was admitted under, whatever a form calls it."""
    if said.recipient.org_id is None:
        return said
    member = await get_organisation(s, org_id=said.recipient.org_id)
    assert member is not None
    return replace(said, recipient=replace(said.recipient, name=member.name))


async def _check_recipient(s: WriteSession, said: Declaration) -> str:
    """Where it goes. A member that receives is where it sits, or where it says that it reads from."""
    if said.recipient.org_id is None:
        return said.country
    places = await repository.places_of(s, org_id=said.recipient.org_id)
    if places is None:
        raise DeclarationMalformed("no such member", fields=["recipient.org_id"])
    real = {country_of(place) for place in places if place is not None} - {"CN"}
    if said.country not in real:
        raise DeclarationMalformed(
            "the recipient does not sit there, nor does it receive there", fields=["recipient.country"]
        )
    return said.country


async def _check_goods(s: WriteSession, said: Declaration, exporter_id: str) -> str | None:
    """What is sold is the exporter's, and what the registry knows of it does not contradict."""
    product_id = said.product_id
    if said.trade_id is not None:
        trade = await get_trade(s, trade_id=said.trade_id)
        if trade.seller_id != exporter_id or trade.buyer_id != said.recipient.org_id:
            raise DeclarationMalformed("another's trade, or to another buyer", fields=["trade_id"])
        product_id = trade.product_id
        listing = await listings.get_listing(s, listing_id=trade.listing_id)
        found = [listing]
    elif product_id is not None:
        of_seller = await listings.on_offer_of(s, product_id=product_id, seller_id=exporter_id)
        if not of_seller:
            raise DeclarationMalformed("no product of yours on offer", fields=["product_id"])
        found = [await listings.get_listing(s, listing_id=one) for one in of_seller]
    else:
        return None
    bought = await bought_before(s, seller_id=exporter_id, product_id=product_id)
    level, as_personal = await known_of(s, bought, said.level)
    if as_personal and not said.personal:
        raise DeclarationContradicted("it was bought here as personal information")
    require_declared(said, (), level)
    for listing in found:
        personal = materials_of(listing).personal
        if personal.contained and not personal.anonymised and not said.personal:
            raise DeclarationContradicted("the listing says that there is personal information")
        try:
            report = await bound_report(s, listing_id=listing.listing_id, report_sha256=listing.report_sha256)
        except NoReport:
            continue
        require_declared(said, report.hints, await held_level(s, said, product_id))
        require_persons(said, sample_of(said, report.hints, report.distinct, report.file_bytes))
    return product_id


async def _keep_lists(
    s: WriteSession, row: DeclarationRow, persons_file_id: str | None, sensitive_file_id: str | None
) -> None:
    for file_id, sensitive in ((persons_file_id, False), (sensitive_file_id, True)):
        if file_id is not None:
            file = await listings.get_file(s, file_id=file_id, owner_id=row.exporter_id)
            s.add(
                PersonListRow(
                    declaration_id=row.declaration_id, sensitive=sensitive, source_file_id=file.file_id
                )
            )
    await s.flush()


async def _said(s: WriteSession, row: DeclarationRow, fresh: DeclarationRow | None = None) -> Said:
    said = declaration_from((fresh or row).said)
    lists = await repository.lists_of(s, declaration_ids=[row.declaration_id])
    return Said(
        public={
            "trade_id": said.trade_id,
            "kind": said.kind.value,
            "personal": said.personal,
            "sensitive": said.sensitive,
            "important": said.level is Level.IMPORTANT,
            "channel": said.channel.value,
            "lists": len(lists),
            "lot_commitment": lot_commitment((fresh or row).lot_salt),
        },
        opening={
            "persons": said.persons,
            "sensitive_persons": said.sensitive_persons,
            "volume_bytes": str(said.volume_bytes),
            "volume_uses": str(said.volume_uses),
            "declaration": said.document(),
        },
        subjects={f"attached-{name}": sha for name, sha in sorted(said.attachments.items()) if _digest(sha)},
    )


def _digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")  # noqa: PLR2004
