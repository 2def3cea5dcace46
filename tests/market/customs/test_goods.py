"""A clearance opens the goods that it is about, and no stricter route than its own."""

from types import SimpleNamespace

import pytest

from market.customs.errors import CustomsRouteNotOpen
from market.customs.gate import require_clearance
from market.customs.routing import Way, carries
from market.customs.rules import Decision, DeliveryFacts, Needs, Route
from market.customs.service import clear_customs
from market.orders.repository import get_trade
from registry.rules import Level, PersonalData
from tests.market.customs.test_gate import declared, moved_to
from tests.market.delivery.funded import Deal


async def test_a_trades_clearance_opens_no_other_trade_of_its_product(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    async with deal.house.database.read() as s:
        trade = await get_trade(s, trade_id=deal.trade_id)
    other = SimpleNamespace(
        trade_id="trd_other",
        listing_id=trade.listing_id,
        product_id=trade.product_id,
        seller_id=trade.seller_id,
        buyer_id=trade.buyer_id,
    )
    asked = {"recipient_id": trade.buyer_id, "now": deal.house.clock.now()}
    async with deal.house.database.read() as s:
        with pytest.raises(CustomsRouteNotOpen):
            await require_clearance(s, trade=other, **asked)
        crossing = await require_clearance(s, trade=trade, **asked)
    assert crossing is not None
    assert crossing.declaration_id == row.declaration_id
    whole = await declared(deal, trade_id=None, product_id=trade.product_id)  # of the product: opens both
    async with deal.house.database.read() as s:
        crossing = await require_clearance(s, trade=other, **asked)
    assert crossing is not None
    assert crossing.declaration_id == whole.declaration_id


@pytest.mark.parametrize(
    "facts",
    [{"level": Level.CORE}, {"level": Level.IMPORTANT}, {"level": Level.GENERAL_4, "sensitive": True}, {}],
)
async def test_what_is_refused_is_not_carried_by_a_clearance_of_nothing_personal(deal: Deal, facts):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    assert row.way is Way.EXEMPT_NO_PERSONAL
    usual = {"level": Level.GENERAL_3, "personal": PersonalData(contained=True)}
    known = DeliveryFacts(exporter_region="440100", recipient_region="810000", **(usual | facts))

    async def bound(s, act):
        trade = await get_trade(s, trade_id=deal.trade_id)
        return await clear_customs(s, act, trade=trade, facts=known)

    decided = await deal.seller.do(bound, attempted="XBD.AUTO_ROUTE", object_id=deal.trade_id)
    assert (decided.route, decided.clearance_id) == ("REFUSED", None)


def test_each_need_is_carried_by_ways_at_least_as_strict_and_what_is_prohibited_by_none():
    def carried(needs, rule_id="XBD-R12"):
        decided = Decision(Route.REFUSED, rule_id, "", "", "HK", needs)
        return {way for way in Way if carries(way, decided)}

    proved = {way for way in Way if way.exempt} - {Way.EXEMPT_SMALL, Way.EXEMPT_NO_PERSONAL}
    filed = {Way.ASSESSMENT, Way.CONTRACT_OR_CERTIFICATION, Way.GBA_STANDARD_CONTRACT}
    assert carried(Needs.PROHIBITED, "XBD-R1") == set()
    assert carried(Needs.ASSESSMENT, "XBD-R2") == {Way.ASSESSMENT}
    assert carried(Needs.ASSESSMENT, "XBD-R10") == {Way.ASSESSMENT} | proved
    assert carried(Needs.CONTRACT_OR_CERTIFICATION) == filed | proved
    assert carried(Needs.COUNT_OF_PERSONS) == filed | proved | {Way.EXEMPT_SMALL}
    assert Way.EXEMPT_NO_PERSONAL not in carried(Needs.GBA_CONTRACT)
