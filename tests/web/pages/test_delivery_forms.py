"""A delivery on the page of its trade: stopped, let go on, ended and tested by forms, and what came of it."""

from datetime import timedelta

from market.delivery.repository import checks_of
from market.listings.categories import ProductType
from market.listings.tables import Listing
from market.orders.states import TradeState
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_trade_room import state_of


async def test_the_exchange_stops_a_delivery_by_a_form_and_lets_it_go_on(market: Market) -> None:
    trade_id = market.ids["delivering"]
    operator, buyer = Browser(market.served, market.operator), Browser(market.served, market.buyer)
    page = await operator.get(f"/trades/{trade_id}")
    await market.served.prove(market.operator)
    page = await operator.send(page, "/suspend-delivery", {"reason_code": "not a code"}, expect=422)
    assert await state_of(market, trade_id) is TradeState.DELIVERING
    await operator.send(page, "/suspend-delivery", {"reason_code": "CONSENT_WITHDRAWN"})
    assert await state_of(market, trade_id) is TradeState.DELIVERY_SUSPENDED
    page = await buyer.get(f"/trades/{trade_id}")
    assert "CONSENT_WITHDRAWN" in page.words
    assert "The delivery goes on when its cause is cleared." in page.words
    assert not [form for form in page.named("form") if "resume-delivery" in form.get("action", "")]
    page = await operator.get(f"/trades/{trade_id}")
    await market.served.prove(market.operator)
    await operator.send(page, "/resume-delivery", {"reason_code": "CAUSE_CLEARED"})
    assert await state_of(market, trade_id) is TradeState.DELIVERING
    assert "CONSENT_WITHDRAWN" not in (await buyer.get(f"/trades/{trade_id}")).words.partition("What was")[0]


async def test_a_buyer_ends_a_late_delivery_by_a_form(market: Market) -> None:
    trade_id = market.ids["delivering"]
    page = await Browser(market.served, market.buyer).get(f"/trades/{trade_id}")
    assert "Say that the delivery has failed" not in page.words
    market.served.clock.advance(timedelta(days=10))
    buyer = Browser(market.served, market.buyer)
    page = await buyer.get(f"/trades/{trade_id}")
    await market.served.prove(market.buyer)
    await buyer.send(page, "/delivery-failed")
    assert await state_of(market, trade_id) is TradeState.REFUND_PENDING
    assert "The bank pays the buyer back." in (await buyer.get(f"/trades/{trade_id}")).words


async def test_a_buyer_signs_milestones_off_by_a_form(market: Market) -> None:
    trade_id, node = market.ids["delivered"], market.served.node
    async with node.database.write() as s:
        listing = await s.get(Listing, market.ids["listed"])
        assert listing is not None
        listing.product_type = ProductType.SERVICE
        s.add(listing)
    await node.run_jobs()
    buyer = Browser(market.served, market.buyer)
    page = await buyer.get(f"/trades/{trade_id}")
    assert "Sign off the milestones that were reached." in page.words
    await market.served.prove(market.buyer)
    await buyer.send(page, "/checks", {"there": "清洗\n标注\n", "missing": "复核"})
    async with node.database.read() as s:
        checks = {check.role: check for check in await checks_of(s, trade_id=trade_id)}
    assert (checks["EXCHANGE_OPERATOR"].passed, checks["BUYER"].passed) == (True, False)
    assert await state_of(market, trade_id) is TradeState.DELIVERED
    page = await buyer.get(f"/trades/{trade_id}")
    assert "Acceptance tests" in page.words
    assert "not passed" in page.words
    links = [link["href"] for link in page.named("a") if "/checks/" in link.get("href", "")]
    assert links == [f"/api/v1/trades/{trade_id}/checks/{check.check_id}" for check in checks.values()]
