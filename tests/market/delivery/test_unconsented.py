"""What a person's fallen consent holds: every kind of delivery, from the next access on, and no other."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlmodel import delete

from market.customs.errors import CustomsRouteNotOpen
from market.customs.gate import require_clearance
from market.customs.networks import ASKED_FROM
from market.customs.tables import NetworksRow
from market.delivery.access import Declared
from market.delivery.downloads import Opened, _still_open
from market.delivery.errors import DeliverySuspended, ListingNotDeliverable
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.service import authorise_use
from market.delivery.rules import EntitlementStatus
from market.delivery.service import freeze_entitlement, require_deliverable, unfreeze_entitlement
from market.delivery.unconsented import service
from market.delivery.unconsented.holds import hold_right, release_right
from market.delivery.unconsented.service import hold, let_go_on
from market.listings.repository import get_listing
from market.listings.rules import ListingState
from market.orders.handover import DeliveryMode
from market.orders.repository import get_trade
from market.orders.rules import TradeState
from registry.grading.errors import ConsentMissing
from registry.subjects.rules import ConsentKind
from registry.withheld.service import let_go, withhold
from registry.withheld.tables import WithheldRow
from tests.market.customs.test_gate import declared, moved_to
from tests.market.delivery.test_meter import shared
from tests.market.delivery.test_recipients import named
from tests.registry.assessments.passed import passed
from tests.standstill import refused

MODES = {
    DeliveryKind.SHARE: DeliveryMode.SHARE,
    DeliveryKind.API: DeliveryMode.CREDENTIAL,
    DeliveryKind.QUERY: DeliveryMode.SANDBOX,
}


async def personal(deal, **changes):
    """The deal's listing says that its data are of persons."""
    async with deal.house.database.write() as s:
        row = await get_listing(s, listing_id=deal.listing.listing_id)
        now = deal.house.house.clock.now()
        said = row.materials["personal"] | {"contained": True, "consented": True} | changes
        row.materials = row.materials | {"personal": said}
        s.add(row)
    about = {"holder_id": deal.seller.org_id, "object_id": deal.listing.product_id}
    await passed(deal.house.database, **about, now=now)


def fallen(deal, given_id="sgc_1", **changes):
    """A consent that has fallen, as the market sees it."""
    said = {
        "given_id": given_id,
        "object_id": deal.listing.product_id,
        "holder_id": deal.seller.org_id,
        "kind": ConsentKind.PROCESS,
        "recipients": [],
    }
    return SimpleNamespace(**(said | changes))


async def held(deal, given):
    async with deal.house.database.write() as s:
        return await hold(s, given, at=deal.house.house.clock.now())


async def go_on(deal, monkeypatch, given_id, recorded_at):
    async def record(*_, **__):
        return SimpleNamespace(recorded_at=recorded_at)

    monkeypatch.setattr(service, "consent_of", record)
    async with deal.house.database.write() as s:
        act = deal.house.house.exchange_act()
        return await let_go_on(s, act, given_id=given_id, consent_id="cns_1")


async def withheld(deal, **changes):
    """A person's consent for the deal's product has fallen, and what carries the person is withheld."""
    about = {"object_id": deal.listing.product_id, "holder_id": deal.seller.org_id}
    async with deal.house.database.write() as s:
        await withhold(s, given_id="sgc_1", since=deal.house.house.clock.now(), **about, **changes)


async def status(deal):
    return (await deal.entitlement()).status


@pytest.mark.parametrize("kind", MODES)
async def test_a_share_an_interface_and_questions_stop_at_the_next_access(deal, kind, monkeypatch):
    await shared(deal, MODES[kind])
    await personal(deal)

    async def next_use():
        entitlement_id = (await deal.entitlement()).entitlement_id
        async with deal.house.database.read() as s:
            about = {"kind": kind, "by": deal.buyer.org_id, "declared": Declared("RESEARCH")}
            now = deal.house.house.clock.now()
            return await authorise_use(s, entitlement_id=entitlement_id, **about, now=now)

    await next_use()
    assert await held(deal, fallen(deal)) == {deal.trade_id: [deal.buyer.org_id]}
    with pytest.raises(DeliverySuspended):
        await next_use()
    later = deal.house.house.clock.now() + timedelta(days=1)
    freed = await go_on(deal, monkeypatch, "sgc_1", later)
    assert freed == ([deal.trade_id] if kind is DeliveryKind.API else []), "only what answers anew goes on"
    if kind is DeliveryKind.API:
        await next_use()
    else:
        assert await status(deal) is EntitlementStatus.FROZEN


async def test_a_file_goes_on_only_where_the_person_was_never_in_it(deal, monkeypatch):
    await deal.start()
    await personal(deal)
    assert (await deal.open()).download_id is not None
    for given_id in ("sgc_1", "sgc_2"):
        await held(deal, fallen(deal, given_id))
    async with refused(deal.house.database, DeliverySuspended):
        await deal.open()
    granted = (await deal.entitlement()).granted_at
    assert await go_on(deal, monkeypatch, "sgc_1", granted + timedelta(seconds=1)) == []
    assert await go_on(deal, monkeypatch, "sgc_1", granted) == [deal.trade_id]
    assert await status(deal) is EntitlementStatus.FROZEN, "another person holds it still"
    assert await go_on(deal, monkeypatch, "sgc_2", granted) == [deal.trade_id]
    assert (await deal.open()).download_id is not None


async def test_of_accesses_at_the_moment_of_a_withdrawal_none_goes_on(deal):
    await deal.start()
    await personal(deal)
    opening = (deal.open() for _ in range(3))
    stopped, *opened = await asyncio.gather(held(deal, fallen(deal)), *opening, return_exceptions=True)
    assert stopped == {deal.trade_id: [deal.buyer.org_id]}
    assert {type(one) for one in opened} <= {Opened, DeliverySuspended}
    assert await status(deal) is EntitlementStatus.FROZEN
    async with refused(deal.house.database, DeliverySuspended):
        await deal.open()
    with pytest.raises(DeliverySuspended):
        right = (await deal.entitlement()).entitlement_id
        await _still_open(deal.house.house, deal.buyer.actor, right)


async def test_whoever_lifts_an_order_does_not_lift_a_persons_hold(deal):
    await deal.start()
    await personal(deal)
    database, trade_id = deal.house.database, deal.trade_id
    async with database.write() as s:
        await freeze_entitlement(s, trade_id=trade_id)
    await held(deal, fallen(deal))
    async with database.write() as s:
        assert await unfreeze_entitlement(s, trade_id=trade_id) is None
        with pytest.raises(ConsentMissing):
            await require_deliverable(
                s, await get_trade(s, trade_id=trade_id), now=deal.house.house.clock.now()
            )
    assert await status(deal) is EntitlementStatus.FROZEN


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": ConsentKind.PUBLISH},
        {"kind": ConsentKind.EXPORT},  # the buyer is at home
        {"recipients": ["org_another"]},
        {"object_id": "prd_another"},
        {"holder_id": "org_another"},
    ],
)
async def test_what_the_consent_did_not_carry_goes_on(deal, changes):
    await deal.start()
    await personal(deal)
    assert await held(deal, fallen(deal, **changes)) == {}
    assert await status(deal) is EntitlementStatus.ACTIVE
    await personal(deal, anonymised=True)
    assert await held(deal, fallen(deal)) == {}, "what is anonymous is nobody's (PIPL 4)"


async def test_a_delivery_that_has_not_started_does_not_start_on_a_fallen_consent(deal):
    friend = await named(deal)
    await personal(deal)
    for recipients in ([], [deal.buyer.org_id], [friend.org_id, "org_another"]):
        await withheld(deal, recipients=recipients)
        async with refused(deal.house.database, ConsentMissing):
            await deal.start()
        assert (await deal.trade()).status is TradeState.FUNDED
        async with deal.house.database.write() as s:
            await s.exec(delete(WithheldRow))
    await withheld(deal, recipients=["org_another"])
    await deal.start()
    assert (await deal.open(declared=Declared("RESEARCH"))).download_id is not None


@pytest.mark.parametrize(("first", "over"), [("order", "person"), ("person", "person"), ("person", "order")])
async def test_a_right_lives_again_when_neither_order_nor_person_holds_it(deal, first, over, monkeypatch):
    await deal.start()
    await personal(deal)
    database, trade_id = deal.house.database, deal.trade_id

    async def ordered():
        async with database.write() as s:
            asked = {"trade_id": trade_id, "by": "ino_1", "at": deal.house.house.clock.now()}
            assert await hold_right(s, **asked)
            assert not await hold_right(s, **asked), "it holds once"

    async def lifted():
        async with database.write() as s:
            await release_right(s, trade_id=trade_id, by="ino_1")

    async def withdrew():
        await held(deal, fallen(deal))

    async def settled():
        await go_on(deal, monkeypatch, "sgc_1", (await deal.entitlement()).granted_at)

    for step in (ordered, withdrew) if first == "order" else (withdrew, ordered):
        await step()
    one, other = (lifted, settled) if over == "order" else (settled, lifted)
    await one()
    assert await status(deal) is EntitlementStatus.FROZEN
    async with database.write() as s:
        assert await unfreeze_entitlement(s, trade_id=trade_id) is None
    await other()
    assert await status(deal) is EntitlementStatus.ACTIVE


async def test_whence_the_person_withdraws_makes_no_receiver_abroad(deal):
    await deal.start()
    await personal(deal)
    async with deal.house.database.write() as s:
        networks = NetworksRow(
            version=1,
            entries=[{"cidr": "203.0.113.0/24", "region": "HK"}],
            source="test",
            entered_by=deal.seller.org_id,
            entered_at=deal.house.house.clock.now(),
        )
        s.add(networks)
    token = ASKED_FROM.set("203.0.113.9")
    try:
        assert await held(deal, fallen(deal, kind=ConsentKind.EXPORT)) == {}
    finally:
        ASKED_FROM.reset(token)
    assert await status(deal) is EntitlementStatus.ACTIVE
    await moved_to(deal, deal.buyer, "810000")
    assert await held(deal, fallen(deal, kind=ConsentKind.EXPORT)) == {deal.trade_id: [deal.buyer.org_id]}


async def test_a_fallen_consent_to_export_closes_the_gate_and_no_door_at_home(deal):
    await personal(deal)
    await withheld(deal, recipients=[deal.buyer.org_id], abroad=True)
    async with deal.house.database.read() as s:
        trade = await get_trade(s, trade_id=deal.trade_id)
    asked = {"trade": trade, "recipient_id": deal.buyer.org_id, "now": deal.house.house.clock.now()}
    async with deal.house.database.read() as s:
        assert await require_clearance(s, **asked) is None, "at home"
    await moved_to(deal, deal.buyer, "810000")
    await personal(deal, anonymised=True)
    await declared(deal)
    async with deal.house.database.read() as s:
        assert await require_clearance(s, **asked) is not None, "what is anonymous is nobody's"
    await personal(deal, anonymised=False)
    async with deal.house.database.read() as s:
        with pytest.raises(CustomsRouteNotOpen, match="withdrawn the consent"):
            await require_clearance(s, **asked)
    async with deal.house.database.write() as s:
        await let_go(s, given_id="sgc_1", recorded_at=deal.house.house.clock.now())
    async with deal.house.database.read() as s:
        assert await require_clearance(s, **asked) is not None, "shown since to lack the person"
        trade.delivered_at = deal.house.house.clock.now() - timedelta(days=1)
        with pytest.raises(CustomsRouteNotOpen, match="withdrawn the consent"):
            await require_clearance(s, **asked, kind="FILE")
        assert await require_clearance(s, **asked, kind="API") is not None, "it answers anew"


async def test_what_another_offers_of_the_same_product_leaves_the_offer_and_stops(deal):
    await deal.start()
    given = fallen(deal, holder_id="org_another")

    async def look():
        async with deal.house.database.write() as s:
            await service.suspend_resellers(s, deal.house.house.exchange_act(), given)
        async with deal.house.database.read() as s:
            return await get_listing(s, listing_id=deal.listing.listing_id)

    assert (await look()).status is ListingState.LISTED, "its data are of nobody"
    await personal(deal)
    row = await look()
    assert (row.status, row.reasons) == (ListingState.SUSPENDED, ["CONSENT_WITHDRAWN"])
    async with refused(deal.house.database, ListingNotDeliverable):
        await deal.open()
