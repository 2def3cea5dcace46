"""A promised level of service that was measured and missed is disputed by itself; one that was held not."""

from datetime import timedelta

import orjson
import pytest
from sqlmodel import update

from base.jobs import run_due
from ledger.acts import perform
from market.delivery.acceptance import Call, Facts
from market.delivery.repository import checks_of
from market.delivery.service import SILENT_ACCEPT_JOB
from market.disputes.repository import dispute_of
from market.listings.categories import ProductType
from market.listings.tables import Listing
from market.orders.rules import TradeState
from market.trade.checking import check_copy
from market.trade.clockwork import handlers
from tests.market.delivery.gateway.bought import bought
from tests.market.delivery.gateway.provider import providing


async def used(deal, tool, *, good=0, broken=0, oversize=0):
    """Calls of an interface that is sold as one, by the usual promise: ten of ten good, 99 % of them."""
    async with deal.house.database.write() as s:
        await s.exec(update(Listing).values(product_type=ProductType.API))
    for path, many in (("/ok", good), ("/broken", broken), ("/large", oversize)):
        for _ in range(many):
            await tool.call(path)


async def window_over(deal):
    """The acceptance window ends, and the clock asks what becomes of who said nothing."""
    house = deal.house.house
    house.clock.move_to((await deal.trade()).accept_by + timedelta(hours=1))
    silence = {SILENT_ACCEPT_JOB: handlers(house, None, None)[SILENT_ACCEPT_JOB]}
    await run_due(house.database, house.clock.now(), silence)


async def found(deal):
    async with deal.house.database.read() as s:
        return [
            (one.role, one.passed, orjson.loads(one.report)["failed"])
            for one in await checks_of(s, trade_id=deal.trade_id)
        ]


async def test_a_level_that_was_missed_is_disputed_before_silence_accepts(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        await used(deal, tool, good=11, broken=2)
        await window_over(deal)
        assert await found(deal) == [("EXCHANGE_OPERATOR", False, ["available_bp"])]
        assert (await deal.trade()).status is TradeState.DISPUTED
        async with deal.house.database.read() as s:
            dispute = await dispute_of(s, trade_id=deal.trade_id)
        assert dispute.ground.value == "QUALITY"


@pytest.mark.parametrize("calls", [{"good": 12, "oversize": 4}, {"good": 3, "broken": 6}])
async def test_a_level_that_was_held_or_hardly_measured_is_accepted_by_silence(deal, calls):
    async with providing() as provider, bought(deal, provider) as tool:
        await used(deal, tool, **calls)
        await window_over(deal)
        assert (await deal.trade()).status is TradeState.ACCEPTED_GOODS
        assert await found(deal) == []


async def test_a_buyers_test_takes_what_was_measured_and_only_that_disputes(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        await used(deal, tool, good=11, broken=2)
        house = deal.house.house

        async def told(facts):
            async def bound(s, act):
                return await check_copy(s, act, trade_id=deal.trade_id, facts=facts)

            act = deal.buyer.act("BUYER")
            return await perform(house, act, bound, attempted="DLV.CHECK", object_id=deal.trade_id)

        said = await told(Facts(calls=[Call(ok=False, latency_ms=9_000)] * 20))
        assert not said.passed
        assert (await deal.trade()).status is TradeState.DELIVERED  # its own word disputes nothing by itself
        measured = await told(Facts())
        assert orjson.loads(measured.report)["failed"] == ["available_bp"]
        assert (await deal.trade()).status is TradeState.DISPUTED
