"""Comparables on either database: contracts of the kind and the year, with who is left out and why."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.recording import record
from ledger.statement import Draft
from market.listings.repository import get_listing
from market.listings.tables import Listing
from market.orders.rules import TradeState
from market.trade.comparables import Comparable, comparables_of, enough_sellers, guide_price
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
    assert enough_sellers(others) is False  # all of one seller
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


def sales(*prices, sellers):
    return [
        Comparable(AT, price, 1, wash_flagged=False, related_party=False, seller=seller)
        for price, seller in zip(prices, sellers, strict=True)
    ]


AT = datetime(2026, 6, 1, tzinfo=UTC)
GOODS = Listing(listing_id="lst_1", product_id="prd_1", licence_class="internal", unit="copy")
NEAR = (1_234_567, 1_234_568, 1_234_569, 1_234_570, 1_234_571, 1_234_572)


@pytest.mark.parametrize(
    "sellers", [(0,) * 6, (0, 0, 0, 1, 1, 1), (0, 0, 0, 0, 1, 2)], ids=["one", "two", "more than half"]
)
def test_what_would_be_one_rivals_prices_is_told_nobody(sellers):
    with pytest.raises(ComparablesTooFew):
        guide_price(GOODS, sales(*NEAR, sellers=sellers), quantity=1)


def test_of_a_sale_no_more_is_told_than_two_digits():
    """Two markets that differ behind those are told the same, to the digest of the facts."""
    sellers = (0, 0, 0, 1, 1, 2)
    quote = guide_price(GOODS, sales(*NEAR, sellers=sellers), quantity=7, quality="0.93")
    other = guide_price(
        GOODS, sales(*(price - 9_999 for price in NEAR), sellers=sellers), quantity=7, quality="0.93"
    )
    assert quote == other
    assert quote.reasons[-1].document() == {"code": "comparables-rounded", "digits": 2}
    assert guide_price(GOODS, sales(*NEAR, sellers=sellers), quantity=1).results["mid_minor"] == 1_200_000
    assert [one.told_minor for one in sales(7, 99, 995, 1_249, 1_250, sellers=(0,) * 5)] == [
        7,
        99,
        1000,
        1200,
        1300,
    ]
