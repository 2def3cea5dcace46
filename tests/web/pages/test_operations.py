"""The operator's work items, by the pages and over the API: closed with what came of them, paid again."""

from typing import Any

from base.db import WriteSession
from ledger.acts import perform
from ledger.reader import statements_of
from ledger.recording import Act
from market.orders.repository import get_trade
from market.settlement.bank import NotTaken
from market.settlement.instructing import instruct, note_not_taken
from market.settlement.repository import open_work_items
from market.settlement.work import mismatch
from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def as_exchange(market: Market, verb: Any) -> Any:
    house = market.served.node.house
    return await perform(house, house.exchange_act(), verb, attempted="PAY.MISMATCH", object_id="day")


async def strange_entry(market: Market) -> str:
    """The bank's statement shows an entry of unknown origin; answers the work item's id."""

    async def told(s: WriteSession, act: Act) -> None:
        facts = {"entry_id": "trf_strange", "expected_minor": "0", "actual_minor": "700"}
        await mismatch(s, act, kind="unknown-entry", trade_id=None, facts=facts)

    await as_exchange(market, told)
    async with market.served.node.database.read() as s:
        return (await open_work_items(s))[0].item_id


async def rejected_payment(market: Market) -> str:
    """A trade whose payment the bank would not take; answers the trade's id."""
    trade_id = market.ids["delivered"]
    await market.served.api(market.buyer, "POST", f"/trades/{trade_id}/accept-goods", {})
    async with market.served.node.database.read() as s:
        settle_at = (await get_trade(s, trade_id=trade_id)).settle_at
    assert settle_at is not None
    market.served.clock.move_to(settle_at)
    escrow = market.served.node.escrow
    assert escrow is not None

    async def refused(s: WriteSession, act: Act) -> None:
        given = await instruct(s, act, trade_id=trade_id, escrow=escrow)
        assert given is not None
        await note_not_taken(s, act, message_id=given.message_id, answer=NotTaken("malformed"))

    await as_exchange(market, refused)
    return trade_id


async def test_a_work_item_is_closed_on_the_page_with_what_came_of_it(market: Market) -> None:
    item_id = await strange_entry(market)
    browser = Browser(market.served, market.operator)
    await market.served.prove(market.operator)
    page = await browser.get("/ops")
    assert "The bank shows an entry that we do not know" in page.words
    assert "¥7.00" in page.words
    form = f"/ops/work/{item_id}/close"
    page = await browser.send(page, form, {"note": ""}, expect=422)
    assert "Please correct what is marked" in page.words
    page = await browser.send(page, form, {"note": "a refund to another customer", "resolution": "CORRECTED"})
    assert browser.location.endswith("/ops")
    page = await browser.get("/ops")
    assert "Nothing waits for a person." in page.words
    async with market.served.node.database.read() as s:
        *_, said = await statements_of(s, object_id=item_id)
    assert (said.event, said.org_id) == ("PAY.RESOLVE", market.operator.org_id)


async def test_a_rejected_payment_is_made_again_from_the_page(market: Market) -> None:
    trade_id = await rejected_payment(market)
    browser = Browser(market.served, market.operator, "zh")
    await market.served.prove(market.operator)
    page = await browser.get("/ops")
    assert "银行拒绝了一项指令" in page.words or "重新发出支付指令" in page.words
    await browser.send(page, f"/ops/trades/{trade_id}/pay-again")
    async with market.served.node.database.read() as s:
        said = [one.event for one in await statements_of(s, object_id=trade_id)]
        assert await open_work_items(s) == []
    assert said[-1] == "PAY.REQUEUE"
    assert not [form for form in (await browser.get("/ops")).forms if "/ops/work/" in form.action]


async def test_the_api_lists_closes_and_refuses(market: Market) -> None:
    item_id = await strange_entry(market)
    served = market.served
    (item,) = await served.api(market.operator, "GET", "/work-items")
    assert (item["item_id"], item["kind"], item["closed_at"]) == (item_id, "unknown-entry", None)
    body = {"resolution": "HANDED_OVER", "note": "the police has it"}
    await served.api(market.samr, "GET", "/work-items", expect=403)
    await served.api(market.samr, "POST", f"/work-items/{item_id}/close", body, expect=403)
    closed = await served.api(market.operator, "POST", f"/work-items/{item_id}/close", body)
    assert closed["closed_at"] is not None
    again = await served.api(market.operator, "POST", f"/work-items/{item_id}/close", body, expect=409)
    assert again["code"] == "work-item-closed"
