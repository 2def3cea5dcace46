"""Comparables on either database: contracts of the kind and the year, with who is left out and why."""

from datetime import timedelta

import pytest

from ledger.recording import record
from ledger.statement import Draft
from market.listings.repository import get_listing
from market.orders.rules import TradeState
from market.trade.comparables import comparables_of, guide_price, prices_may_be_shown
from pricing.errors import ComparablesTooFew
from tests.market.trade.scene import PRICE

CONTRACTED = (TradeState.CONTRACTED, TradeState.FUNDED, TradeState.DELIVERING, TradeState.SETTLED)


async def test_contracts_of_others_are_compared_and_flags_are_read_from_the_ledger(scene):
    trade = await scene.trade(scene.trades[TradeState.SETTLED])

    async def found(at=None, **changed):
        async with scene.database.read() as s:
            listing = await get_listing(s, listing_id=trade.listing_id)
            rival = listing.model_copy(update={"seller_id": "org_rival"} | changed)
            return await comparables_of(s, rival, at=at or scene.clock.now())

    others = await found()
    assert {(one.price_minor, one.seller, one.wash_flagged) for one in others} == {(PRICE, 0, False)}
    assert len(others) >= len(CONTRACTED)
    assert prices_may_be_shown(others) is False  # all of one seller
    assert await found(seller_id=trade.seller_id) == []  # one's own
    assert await found(unit="another") == []
    assert await found(at=scene.clock.now() + timedelta(days=400)) == []
    assert await found(at=trade.contracted_at - timedelta(days=300)) == []

    act = scene.house.house.exchange_act()
    said = {"trade_id": trade.trade_id, "case_id": "cse_1"}
    async with scene.database.write() as s:
        await record(s, act, Draft("FLG.SET", trade.trade_id, public=said))
    assert [one.wash_flagged for one in await found()].count(True) == 1
    with pytest.raises(ComparablesTooFew):
        async with scene.database.read() as s:
            guide_price(await get_listing(s, listing_id=trade.listing_id), others[:4], quantity=1)
