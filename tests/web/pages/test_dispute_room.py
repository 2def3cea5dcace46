"""Disputes and refunds by forms alone: the sides, the exchange's panel, what supervisors see."""

from datetime import timedelta

from base.clock import rfc3339
from market.disputes.repository import dispute_of, late_refund_of
from market.orders.states import TradeState
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_trade_room import by_own_key, refusals, state_of

DIGEST = "ab" * 32


def links(page: Page) -> set[str]:
    """Where a page leads."""
    return {a["href"] for a in page.named("a")}


async def opened(market: Market) -> str:
    """The delivered trade, disputed by its buyer with a form; answers its page."""
    buyer, room = Browser(market.served, market.buyer), f"/en/trades/{market.ids['delivered']}"
    await market.served.prove(market.buyer)
    page = await buyer.get(room)
    assert "#to-dispute" in links(page)
    assert "to-dispute" in {one.get("id") for one in page.named("section")}
    sent = {"ground": "QUALITY", "text": "三个字段为空", "evidence": f"profile of it.json {DIGEST}\n"}
    await buyer.send(page, "/dispute", sent)
    assert buyer.location == room
    assert await state_of(market, market.ids["delivered"]) is TradeState.DISPUTED
    return room


async def test_a_dispute_ends_by_agreement_with_forms_alone(market: Market) -> None:
    room = await opened(market)
    buyer, provider = Browser(market.served, market.buyer), Browser(market.served, market.provider)
    page = await buyer.get(room)
    for word in ("In dispute", "Quality below the promise", "三个字段为空", "profile of it.json", "0 of 3"):
        assert word in page.words, word
    assert not [form for form in page.forms if form.action.endswith("/accept-goods")]
    async with market.served.node.database.read() as s:
        until = (await dispute_of(s, trade_id=market.ids["delivered"])).mediate_by
    said = [time["datetime"] for time in page.named("time")]
    assert said.count(rfc3339(until)) == 2  # in the next step too, not in the dispute alone
    assert "#propose" in links(page)
    assert "It is your turn." in page.words
    assert room in links(await buyer.get("/buy"))
    page = await buyer.send(page, "/proposals", {"outcome": "PARTIAL", "refund_minor": ""}, expect=422)
    await market.served.prove(market.buyer)
    await buyer.send(
        page, "/proposals", {"outcome": "PARTIAL", "refund_minor": "1,000.50", "note": "退一部分"}
    )
    page = await buyer.get(room)
    assert "You need not do anything now." in page.words
    assert room not in links(await buyer.get("/buy"))
    page = await provider.get(room)
    assert "It is your turn." in page.words
    assert "#dispute" in links(page)
    assert "CN¥1,000.50" in page.words
    assert "退一部分" in page.words
    await provider.send(page, "/agree")
    await by_own_key(market, provider)
    assert await state_of(market, market.ids["delivered"]) is TradeState.PARTIAL_SETTLE
    async with market.served.node.database.read() as s:
        assert (await dispute_of(s, trade_id=market.ids["delivered"])).refund_minor == 100_050
    assert "by agreement: Part of the price goes back" in " ".join((await buyer.get(room)).words.split())


async def test_the_exchange_sees_open_disputes_and_its_officer_votes(market: Market) -> None:
    room = await opened(market)
    operator, samr = Browser(market.served, market.operator), Browser(market.served, market.samr)
    assert "Quality below the promise" in (await samr.get("/en/disputes")).words
    page = await operator.get("/en/disputes")
    assert "粤能数科 – 湾区普惠银行" in page.words
    assert not [form for form in (await samr.get(room)).forms if form.action.endswith("/votes")]
    await market.served.prove(market.operator)
    await operator.send(await operator.get(room), "/votes", {"outcome": "REFUND", "reasons": "抽样属实"})
    page = await operator.get(room)
    assert "1 of 3" in page.words
    assert "抽样属实" in page.words
    assert "抽样属实" not in (await Browser(market.served, market.buyer).get(room)).words
    await market.served.prove(market.operator)
    page = await operator.send(page, "/votes", {"outcome": "REFUND", "reasons": "again"}, expect=409)
    assert "This officer has voted" in page.words
    await market.served.prove(market.operator)
    await operator.send(await operator.get("/en/disputes"), "/recuse", {"org_id": market.buyer.org_id})
    assert operator.location == "/en/disputes"


async def test_the_exchange_has_a_settled_trade_paid_back(market: Market) -> None:
    trade_id = market.ids["settled"]
    room, operator = f"/en/trades/{trade_id}", Browser(market.served, market.operator)
    await market.served.prove(market.operator)
    much = {"ground": "ILLEGAL_SOURCE", "refund_minor": "999999999"}
    page = await operator.send(await operator.get(room), "/post-refund", much, expect=409)
    assert "more than what was paid" in page.words
    assert await refusals(market, trade_id) == ["refund-beyond-paid"]
    await market.served.prove(market.operator)
    sent = {"ground": "ILLEGAL_SOURCE", "refund_minor": "100", "fault": "SELLER"}
    await operator.send(await operator.get(room), "/post-refund", sent)
    assert await state_of(market, trade_id) is TradeState.REFUND_PENDING
    async with market.served.node.database.read() as s:
        refund = await late_refund_of(s, trade_id=trade_id)
    assert refund is not None
    assert (refund.refund_minor, refund.fault) == (10_000, ["SELLER"])
    page = await Browser(market.served, market.provider).get(room)
    for word in ("Refund after settlement", "Illegal source", "Payment reference", "CN¥100.00"):
        assert word in page.words, word
    assert "Claims that are overdue None." in (await operator.get("/en/disputes")).words
    market.served.clock.advance(timedelta(days=20))
    page = await Browser(market.served, market.samr).get("/en/disputes")
    assert "粤能数科 trd_" in page.words
    overdue = await market.served.api(market.samr, "GET", "/claims/overdue")
    assert {claim["trade_id"] for claim in overdue} == {trade_id}
    assert sum(claim["amount_minor"] for claim in overdue) == 10_000
    assert {claim["overdue"] for claim in overdue} == {True}
