"""Samples: what is sold is held against what was declared, by an officer's order or of a night.

The registry has measured the file that is delivered; its report says which fields look personal or sensitive.
A field that was declared otherwise is stated (XBD.SCAN) and halts what lives.
"""

from typing import Final

from base.db import ReadSession, WriteSession
from identity.service import same_controller
from ledger.recording import Act
from market.customs import repository
from market.customs.declared import Declaration, Mode, Sample, Undeclared, sample_of, undeclared
from market.customs.errors import DeclarationWrongRole
from market.customs.moving import Said, step
from market.customs.reading import declaration_from
from market.customs.states import LIVE, DeclarationEvent, may_move
from market.customs.tables import DeclarationRow
from market.customs.transit import tell_egress
from market.listings import repository as listings
from market.listings.tables import Listing
from market.orders.repository import get_trade
from registry.errors import NoReport
from registry.report import Report
from registry.service import bound_report

UNDECLARED_FIELDS: Final = "UNDECLARED_FIELDS"
PERSONS: Final = "number of persons"


async def scan(s: WriteSession, act: Act, *, declaration_id: str) -> DeclarationRow:
    """Take a sample of a declaration's goods (XBD.SCAN), as an officer; what is hidden halts what lives.

    Raises DeclarationWrongState, DeclarationWrongRole.
    """
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    may_move(row.status, DeclarationEvent.SCAN, act.role)
    if await same_controller(s, act.actor.org_id, row.exporter_id):
        raise DeclarationWrongRole("nobody samples its own flow", declaration_id=declaration_id)
    await _state(s, act, row, await _sampled(s, row))
    return row


async def scan_again(s: WriteSession, act: Act, row: DeclarationRow) -> bool:
    """The night's look at what lives: stated only where a field shows that was not declared so."""
    if row.status not in LIVE:
        return False
    report_sha256, hidden = await _sampled(s, row)
    if hidden:
        await _state(s, act, row, (report_sha256, hidden))
    return bool(hidden)


async def _state(
    s: WriteSession, act: Act, row: DeclarationRow, found: tuple[str | None, tuple[Undeclared, ...]]
) -> None:
    report_sha256, hidden = found
    said = Said(
        public={"report_sha256": report_sha256, "hidden": len(hidden)},
        opening={"fields": [{"field": one.field, "kind": one.kind} for one in hidden]},
    )
    await step(s, act, DeclarationEvent.SCAN, row, said)
    if hidden and row.status in LIVE:
        await tell_egress(s, act, row, ends=True)
        public = {"reason_code": UNDECLARED_FIELDS, "bytes": str(row.sent_bytes), "uses": row.sent_uses}
        values = {
            "reason_code": UNDECLARED_FIELDS,
            "note": ", ".join(f"{one.field}: {one.kind}" for one in hidden)[:500],
        }
        await step(s, act.as_exchange(), DeclarationEvent.HALT, row, Said(public=public), values=values)


async def _sampled(s: ReadSession, row: DeclarationRow) -> tuple[str | None, tuple[Undeclared, ...]]:
    """The report of the goods, and what in it was not declared so; None where nothing is measured."""
    said = declaration_from(row.said)
    report_sha256: str | None = None
    hidden: dict[str, Undeclared] = {}
    for report in await _reports(s, row):
        report_sha256 = report.sha256
        hidden |= {one.field: one for one in undeclared(said, report.hints)}
        sample = sample_of(said, report.hints, report.distinct, report.file_bytes)
        if said.mode is Mode.FILE and said.persons + said.sensitive_persons < sample.fewest:
            hidden[PERSONS] = Undeclared(PERSONS, f"at least {sample.fewest}")
    return report_sha256, tuple(hidden[name] for name in sorted(hidden))


async def sampled_persons(s: ReadSession, row: DeclarationRow, said: Declaration) -> Sample:
    """How many persons the goods of a declaration show, of the version that shows most."""
    found = [
        sample_of(said, report.hints, report.distinct, report.file_bytes)
        for report in await _reports(s, row)
        if said.personal
    ]
    return max(found, key=lambda one: one.likely, default=Sample())


async def _reports(s: ReadSession, row: DeclarationRow) -> list[Report]:
    found = []
    for listing in await goods_of(s, row):
        try:
            found.append(
                await bound_report(s, listing_id=listing.listing_id, report_sha256=listing.report_sha256)
            )
        except NoReport:
            continue
    return found


async def goods_of(s: ReadSession, row: DeclarationRow) -> list[Listing]:
    """What goes under a declaration: the trade's version, or every version of the product on offer."""
    if row.trade_id is not None:
        trade = await get_trade(s, trade_id=row.trade_id)
        return [await listings.get_listing(s, listing_id=trade.listing_id)]
    if row.product_id is None:
        return []
    of_seller = await listings.on_offer_of(s, product_id=row.product_id, seller_id=row.exporter_id)
    return [await listings.get_listing(s, listing_id=one) for one in of_seller]
