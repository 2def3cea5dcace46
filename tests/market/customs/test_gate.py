"""An attacker at the gate: every kind of delivery uncleared, halted, expired, to another, above volume."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, update

from base.age import Identity
from base.errors import DomainError
from base.jobs import run_due
from identity.tables import OrganisationRow
from ledger.acts import perform
from ledger.reader import statements_of
from market.customs import deciding, declaring, entering
from market.customs.declared import Recipient
from market.customs.errors import (
    CustomsRouteNotOpen,
    DeclarationMalformed,
    DeclaredVolumeExceeded,
)
from market.customs.repository import egress_of, get_declaration
from market.customs.states import DeclarationState
from market.customs.tables import DeclarationRow
from market.delivery.access import Declared
from market.delivery.downloads import _still_open
from market.delivery.keys import issue_key
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.service import Metered, authorise_use, count_use, use_act
from market.delivery.packages.service import fetch_package, release_key
from market.delivery.sandbox.service import _standing as asks_sandbox
from market.delivery.sharing.service import _require_standing as reads_share
from market.delivery.tables import AccessKey, Entitlement
from market.trade.clockwork import handlers
from registry.rules import Level
from tests.houses import Party
from tests.market.customs.flows import flow
from tests.market.delivery.funded import MASTER_KEY, SECRET_ROWS, Deal
from tests.market.delivery.test_recipients import named
from tests.standstill import refused

METERED = (DeliveryKind.API, DeliveryKind.SHARE, DeliveryKind.QUERY)
Attack = Callable[[Deal], Awaitable[Any]]


async def moved_to(deal: Deal, party: Party, region: str) -> None:
    async with deal.house.database.write() as s:
        of_it = col(OrganisationRow.org_id) == party.org_id
        await s.exec(update(OrganisationRow).where(of_it).values(region=region))


async def declared(deal: Deal, *, to: Party | None = None, **changes: Any) -> DeclarationRow:
    """The seller declares the trade to its buyer in Hong Kong; nothing in it is personal."""
    who = to or deal.buyer
    recipient = Recipient(name="香港金融", country="HK", contact="dpo@hk.example", org_id=who.org_id)
    usual = {"trade_id": deal.trade_id, "level": Level.GENERAL_2}
    said = flow(recipient=recipient, storage_place="HK", **(usual | changes))
    row = await deal.seller.do(declaring.declare, attempted="XBD.DECLARE", declaration=said)
    if row.status is DeclarationState.UNDER_CHECK:
        cac = await officer(deal)
        await cac.do(deciding.take, declaration_id=row.declaration_id)
        await cac.do(deciding.clear, declaration_id=row.declaration_id, reason="checked")
    return await row_of(deal, row)


async def row_of(deal: Deal, row: DeclarationRow) -> DeclarationRow:
    async with deal.house.database.read() as s:
        return await get_declaration(s, declaration_id=row.declaration_id)


async def officer(deal: Deal) -> Party:
    return await deal.house.admit("省网信办", {"CAC"})


async def as_kind(deal: Deal, kind: DeliveryKind) -> str:
    entitlement = await deal.entitlement()
    async with deal.house.database.write() as s:
        of_it = col(Entitlement.entitlement_id) == entitlement.entitlement_id
        await s.exec(update(Entitlement).where(of_it).values(kind=kind))
    return entitlement.entitlement_id


async def use(deal: Deal, kind: DeliveryKind, *, key: str = "k", size: int = 40, party: Party | None = None):
    entitlement_id, who = await as_kind(deal, kind), party or deal.buyer
    metered = Metered(key=key, request_sha256="1" * 64, answer_sha256="2" * 64, bytes=size)

    async def bound(s, act):
        return await count_use(
            s, act, entitlement_id=entitlement_id, kind=kind, metered=metered, declared=Declared()
        )

    act = use_act(deal.house.house, who.actor)
    return await perform(deal.house.house, act, bound, attempted="DLV.USE", object_id=entitlement_id)


async def authorise(deal: Deal, kind: DeliveryKind) -> Any:
    entitlement_id = await as_kind(deal, kind)
    async with deal.house.database.read() as s:
        return await authorise_use(
            s,
            entitlement_id=entitlement_id,
            kind=kind,
            by=deal.buyer.org_id,
            declared=Declared(),
            now=deal.house.clock.now(),
        )


async def read_share(deal: Deal) -> Any:
    entitlement_id, now = await as_kind(deal, DeliveryKind.SHARE), deal.house.clock.now()
    key = AccessKey(
        key_id="key_x", entitlement_id=entitlement_id, org_id=deal.buyer.org_id, issued_at=now, expires_at=now
    )
    async with deal.house.database.read() as s:
        return await reads_share(s, key, now=now)


async def ask_sandbox(deal: Deal) -> Any:
    entitlement_id = await as_kind(deal, DeliveryKind.QUERY)
    async with deal.house.database.read() as s:
        return await asks_sandbox(s, entitlement_id, org_id=deal.buyer.org_id, now=deal.house.clock.now())


async def go_on(deal: Deal) -> Any:
    """A stream under way asks whether it may."""
    entitlement_id = await as_kind(deal, DeliveryKind.FILE)
    await _still_open(deal.house.house, deal.buyer.actor, entitlement_id)


async def new_key(deal: Deal) -> Any:
    entitlement_id = (await deal.entitlement()).entitlement_id
    return await deal.buyer.do(
        issue_key, entitlement_id=entitlement_id, declared=Declared(), days=7, object_id=entitlement_id
    )


async def package(deal: Deal) -> Any:
    entitlement_id = await as_kind(deal, DeliveryKind.FILE)
    return await fetch_package(
        deal.house.house,
        deal.files,
        MASTER_KEY,
        deal.buyer.actor,
        entitlement_id=entitlement_id,
        declared=Declared(),
    )


async def package_key(deal: Deal) -> Any:
    entitlement_id = await as_kind(deal, DeliveryKind.FILE)
    return await deal.buyer.do(
        release_key,
        object_id=entitlement_id,
        master=MASTER_KEY,
        entitlement_id=entitlement_id,
        age_recipient=Identity.generate().recipient,
        declared=Declared(),
    )


async def download(deal: Deal) -> Any:
    await as_kind(deal, DeliveryKind.FILE)
    return await deal.open()


ATTACKS: dict[str, Attack] = {
    "download": download,
    "stream under way": go_on,
    "package": package,
    "key of a package": package_key,
    "access key": new_key,
    "share": read_share,
    "sandbox": ask_sandbox,
    **{f"authorise {kind}": lambda deal, kind=kind: authorise(deal, kind) for kind in METERED},
    **{f"count {kind}": lambda deal, kind=kind: use(deal, kind) for kind in METERED},
}


async def attacked(deal: Deal) -> dict[str, type[Exception] | None]:
    """What each attack comes to; what was refused has moved nothing that counts."""
    found: dict[str, type[Exception] | None] = {}
    before = (await deal.entitlement()).used, len(await deal.downloads())
    for name, attack in ATTACKS.items():
        try:
            await attack(deal)
        except DomainError as refusal:
            found[name] = type(refusal)
        else:
            found[name] = None
    assert ((await deal.entitlement()).used, len(await deal.downloads())) == before
    return found


SHUT = dict.fromkeys(ATTACKS, CustomsRouteNotOpen)


async def test_no_kind_of_delivery_leaves_without_a_clearance_that_lives(deal: Deal):
    await deal.start()  # within the mainland; then the buyer moves abroad
    await moved_to(deal, deal.buyer, "810000")
    assert await attacked(deal) == SHUT
    other = await deal.house.admit("澳门金融", {"BUYER"})
    await moved_to(deal, other, "820000")
    with pytest.raises(DeclarationMalformed):  # another's trade
        await declared(deal, to=other)
    elsewhere = Recipient(name="x", country="SG", contact="x", org_id=deal.buyer.org_id)
    with pytest.raises(DeclarationMalformed):  # the buyer does not sit there
        await deal.seller.do(
            declaring.declare,
            declaration=flow(recipient=elsewhere, trade_id=deal.trade_id, level=Level.GENERAL_2),
        )
    row = await declared(deal)
    await as_kind(deal, DeliveryKind.FILE)
    assert await deal.take() == SECRET_ROWS
    left = await row_of(deal, row)
    assert (left.status, left.sent_bytes, left.sent_uses) == ("IN_TRANSIT", len(SECRET_ROWS), 1)
    cac = await officer(deal)
    about = {"declaration_id": row.declaration_id}
    await cac.do(deciding.halt, reason_code="INCIDENT", reason="the recipient was broken into", **about)
    assert await attacked(deal) == SHUT
    await cac.do(deciding.resume, reason="mended", **about)
    await go_on(deal)
    await ask_sandbox(deal)
    await moved_to(deal, deal.buyer, "820000")  # where nothing was cleared to
    assert await attacked(deal) == SHUT
    await moved_to(deal, deal.buyer, "810000")
    await go_on(deal)
    await cac.do(deciding.halt, reason_code="OVERRUN", reason="again", **about)
    await cac.do(deciding.revoke, reason_code="OVERRUN", reason="for good", **about)
    assert await attacked(deal) == SHUT


async def test_what_has_ended_opens_nothing_also_before_the_clock_says_so(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    async with refused(deal.house.database, CustomsRouteNotOpen):
        await deal.start()
    row = await declared(deal)
    await deal.start()
    await deal.take(range_field="bytes=0-9")
    assert (await row_of(deal, row)).sent_bytes == 10
    async with deal.house.database.write() as s:
        of_it = col(DeclarationRow.declaration_id) == row.declaration_id
        await s.exec(update(DeclarationRow).where(of_it).values(valid_to=deal.house.clock.now()))
    await go_on(deal)  # the last moment belongs to it
    deal.house.clock.advance(timedelta(milliseconds=1))
    assert await attacked(deal) == SHUT


async def test_nobody_at_home_takes_for_somebody_abroad_to_whom_nothing_is_cleared(deal: Deal):
    friend = await named(deal, territory=("CN", "HK"), region="810000")
    await deal.start()
    for asked in (
        {"declared": Declared("RESEARCH", friend.org_id)},
        {"party": friend, "declared": Declared("RESEARCH")},
    ):
        async with refused(deal.house.database, CustomsRouteNotOpen):
            await deal.open(**asked)


async def test_to_receive_abroad_is_to_export_wherever_one_sits(deal: Deal):
    await deal.start()
    await deal.buyer.do(entering.declare_endpoint, region="SG")
    assert await attacked(deal) == SHUT
    await deal.buyer.do(entering.declare_endpoint, region="440300")
    await go_on(deal)


async def test_no_more_leaves_than_was_declared_also_of_two_at_once(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal, volume_bytes=100, volume_uses=3)
    await deal.start()
    async with deal.house.database.write() as s:
        of_it = col(Entitlement.trade_id) == deal.trade_id
        await s.exec(update(Entitlement).where(of_it).values(max_downloads=50))
    await as_kind(deal, DeliveryKind.API)
    async with refused(deal.house.database, DeclaredVolumeExceeded):
        await use(deal, DeliveryKind.API, size=101)
    await use(deal, DeliveryKind.API, key="a", size=60)
    both = await asyncio.gather(
        use(deal, DeliveryKind.API, key="b", size=40),
        use(deal, DeliveryKind.API, key="c", size=40),
        return_exceptions=True,
    )
    assert [type(one) for one in both if isinstance(one, Exception)] == [DeclaredVolumeExceeded]
    kept = await row_of(deal, row)
    assert (kept.sent_bytes, kept.sent_uses) == (100, 2)
    async with refused(deal.house.database, DeclaredVolumeExceeded):  # given again, it would leave again
        await use(deal, DeliveryKind.API, key="a", size=60)
    await use(deal, DeliveryKind.API, key="d", size=0)
    async with refused(deal.house.database, DeclaredVolumeExceeded):  # three uses were declared
        await use(deal, DeliveryKind.API, key="e", size=0)
    assert (await row_of(deal, row)).sent_uses == 3


async def test_the_customs_log_tells_each_departure_once(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    await deal.start()
    async with deal.house.database.write() as s:
        of_it = col(Entitlement.trade_id) == deal.trade_id
        await s.exec(update(Entitlement).where(of_it).values(max_downloads=50))
    for n in range(4):
        await use(deal, DeliveryKind.API, key=str(n), size=10)
    async with deal.house.database.read() as s:
        left = await egress_of(s, declaration_id=row.declaration_id)
        told = [
            one
            for one in await statements_of(s, object_id=row.declaration_id)
            if one.event == "XBD.TRANSFER_LOGGED"
        ]
    assert ([one.bytes for one in left], len(told)) == ([10] * 4, 1)
    assert sum(one.told is None for one in left) == 3
    deal.house.clock.advance(timedelta(days=1))
    while await run_due(deal.house.database, deal.house.clock.now(), handlers(deal.house.house, None, None)):
        pass
    async with deal.house.database.read() as s:
        left = await egress_of(s, declaration_id=row.declaration_id)
        told = [
            one
            for one in await statements_of(s, object_id=row.declaration_id)
            if one.event == "XBD.TRANSFER_LOGGED"
        ]
    assert all(one.told for one in left)
    assert len(told) == 2
