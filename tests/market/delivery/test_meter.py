"""A use is counted once for its key, before its answer leaves, and only while its right stands."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select, update

from ledger.acts import perform
from ledger.recording import Act
from ledger.tree import inclusion_proof, root_of, verify_inclusion
from market.delivery import errors
from market.delivery.access import Declared
from market.delivery.kinds import DeliveryKind, kind_of
from market.delivery.meter.receipts import leaf_of, receipt_of
from market.delivery.meter.repository import uses_of
from market.delivery.meter.service import Counted, Metered, authorise_use, count_use, use_act
from market.delivery.meter.tables import Use
from market.delivery.rules import EntitlementStatus
from market.delivery.service import freeze_entitlement, revoke_entitlement
from market.listings.tables import Listing
from market.orders.errors import PurposeNotPermitted
from market.orders.handover import DeliveryMode
from market.orders.rules import TradeState
from market.orders.tables import Offer
from tests.houses import Party
from tests.market.delivery.funded import Deal
from tests.market.delivery.test_recipients import named
from tests.market.listings.goods import said
from tests.standstill import refused

ONCE = Metered(key="q-1", request_sha256="11" * 32, answer_sha256="22" * 32, bytes=40)
TWICE = replace(ONCE, key="q-2")
RESEARCH = Declared("RESEARCH")


async def shared(deal: Deal, mode: DeliveryMode = DeliveryMode.SHARE) -> None:
    """The deal's delivery, agreed as a share of the table, has started."""
    async with deal.house.database.write() as s:
        of_it = col(Offer.trade_id) == deal.trade_id
        await s.exec(update(Offer).where(of_it).values(delivery_mode=mode.value))
    await deal.start()


async def use(
    deal: Deal, metered: Metered = ONCE, *, party: Party | None = None, declared: Declared = RESEARCH
) -> Counted:
    who, entitlement = party or deal.buyer, await deal.entitlement()

    async def bound(s: Any, act: Act) -> Counted:
        return await count_use(
            s,
            act,
            entitlement_id=entitlement.entitlement_id,
            kind=DeliveryKind.SHARE,
            metered=metered,
            declared=declared,
        )

    act = use_act(deal.house.house, who.actor)
    return await perform(
        deal.house.house, act, bound, attempted="DLV.USE", object_id=entitlement.entitlement_id
    )


async def counted(deal: Deal) -> list[Use]:
    entitlement = await deal.entitlement()
    async with deal.house.database.read() as s:
        return list(await uses_of(s, entitlement_id=entitlement.entitlement_id))


async def asked(deal: Deal, *, party: Party | None = None, kind: DeliveryKind = DeliveryKind.SHARE) -> Any:
    entitlement = await deal.entitlement()
    async with deal.house.database.read() as s:
        return await authorise_use(
            s,
            entitlement_id=entitlement.entitlement_id,
            kind=kind,
            by=(party or deal.buyer).org_id,
            declared=RESEARCH,
            now=deal.house.clock.now(),
        )


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (DeliveryMode.DOWNLOAD, DeliveryKind.FILE),
        (DeliveryMode.MILESTONE, DeliveryKind.FILE),
        (DeliveryMode.LEASE, DeliveryKind.FILE),
        (DeliveryMode.VERIFICATION, DeliveryKind.FILE),
        (DeliveryMode.SHARE, DeliveryKind.SHARE),
        (DeliveryMode.CREDENTIAL, DeliveryKind.API),
        (DeliveryMode.SANDBOX, DeliveryKind.QUERY),
    ],
)
def test_each_mode_is_of_one_kind(mode: DeliveryMode, kind: DeliveryKind) -> None:
    assert kind_of(mode) is kind


async def test_the_first_use_of_the_buyer_delivers_and_the_same_key_is_one_use(deal):
    await named(deal)
    await shared(deal)
    first = await use(deal)
    assert (first.fresh, first.use.number, first.use.purpose) == (True, 1, "RESEARCH")
    assert (await deal.trade()).status is TradeState.DELIVERED
    delivered, _ = await said(deal.house.database, "TRD.DELIVERED", deal.trade_id)
    assert (delivered["mode"], delivered["bytes"]) == ("metered", 0)
    again = await use(deal)
    assert (again.fresh, again.use.use_id) == (False, first.use.use_id)
    assert [row.number for row in await counted(deal)] == [1]
    async with refused(deal.house.database, errors.UseKeyReused):
        await use(deal, replace(ONCE, request_sha256="33" * 32))
    assert (await use(deal, TWICE)).use.number == 2
    ended = await deal.entitlement()
    assert (ended.used, ended.status) == (2, EntitlementStatus.USED_UP)
    async with refused(deal.house.database, errors.EntitlementUsedUp):
        await use(deal, replace(ONCE, key="q-3"))
    with pytest.raises(errors.EntitlementUsedUp):
        await asked(deal)
    assert not (await use(deal, TWICE)).fresh  # what was counted is answered again


async def test_a_right_of_one_kind_opens_no_other_door(deal):
    await named(deal)
    await shared(deal)
    async with refused(deal.house.database, errors.DeliveredOtherwise):
        await deal.open(declared=RESEARCH)
    with pytest.raises(errors.DeliveredOtherwise):
        await asked(deal, kind=DeliveryKind.QUERY)
    assert (await deal.entitlement()).kind is DeliveryKind.SHARE


async def test_a_file_is_no_share(deal):
    await named(deal)
    await deal.start()
    async with refused(deal.house.database, errors.DeliveredOtherwise):
        await use(deal)
    assert await counted(deal) == []


async def test_a_recipient_uses_beside_the_buyer_and_not_the_last_use(deal):
    friend = await named(deal)
    await shared(deal)
    assert (await use(deal, party=friend)).use.taken_by == friend.org_id
    assert (await deal.trade()).status is TradeState.DELIVERING
    async with refused(deal.house.database, errors.UseKeptForBuyer):
        await use(deal, TWICE, party=friend)
    async with refused(deal.house.database, errors.UseKeyReused):
        await use(deal)  # the friend's key is none of the buyer's
    assert (await use(deal, TWICE)).use.number == 2
    assert (await deal.trade()).status is TradeState.DELIVERED


async def test_what_falls_stops_the_next_use_and_the_repeat(deal):
    await named(deal)
    await shared(deal)
    await use(deal)
    async with refused(deal.house.database, PurposeNotPermitted):
        await use(deal, TWICE, declared=Declared("MARKETING"))
    async with deal.house.database.write() as s:
        await freeze_entitlement(s, trade_id=deal.trade_id)
    for metered in (ONCE, TWICE):
        async with refused(deal.house.database, errors.DeliverySuspended):
            await use(deal, metered)
    async with deal.house.database.write() as s:
        await revoke_entitlement(s, trade_id=deal.trade_id)
    with pytest.raises(errors.EntitlementRevoked):
        await asked(deal)
    assert len(await counted(deal)) == 1


async def test_a_suspended_listing_and_an_ended_term_stop_it(deal):
    await named(deal)
    await shared(deal)
    async with deal.house.database.write() as s:
        of_it = col(Listing.listing_id) == deal.listing.listing_id
        await s.exec(update(Listing).where(of_it).values(status="SUSPENDED", suspended_by="x"))
    with pytest.raises(errors.ListingNotDeliverable):
        await asked(deal)
    async with refused(deal.house.database, errors.ListingNotDeliverable):
        await use(deal)
    deal.house.clock.advance(timedelta(days=800))
    async with refused(deal.house.database, errors.EntitlementExpired):
        await use(deal)


async def test_receipts_are_leaves_of_one_tree(deal):
    await named(deal)
    await shared(deal)
    await use(deal)
    await use(deal, TWICE)
    rows = await counted(deal)
    leaves = [leaf_of(row, trade_id=deal.trade_id) for row in rows]
    receipt = receipt_of(rows[1], trade_id=deal.trade_id)
    assert (receipt["number"], receipt["kind"], receipt["answer_sha256"]) == (2, "SHARE", "22" * 32)
    path = inclusion_proof(1, 2, lambda level, index: leaves[index] if level == 0 else root_of(leaves))
    verify_inclusion(1, 2, leaves[1], path, root_of(leaves))
    assert leaves[0] != leaves[1]


async def test_no_use_stands_for_a_right_that_is_not_there(deal):
    async with deal.house.database.read() as s:
        assert (await s.exec(select(Use))).all() == []
        with pytest.raises(errors.EntitlementUnknown):
            await authorise_use(
                s,
                entitlement_id="ent_" + "0" * 26,
                kind=DeliveryKind.SHARE,
                by=deal.buyer.org_id,
                declared=RESEARCH,
                now=deal.house.clock.now(),
            )
        with pytest.raises(errors.UseUnknown):
            from market.delivery.meter.repository import get_use

            await get_use(s, entitlement_id="ent_" + "0" * 26, number=1)
