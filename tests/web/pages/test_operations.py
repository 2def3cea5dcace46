"""The operator's work items, by the pages and over the API: closed with what came of them, paid again."""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

from base.calendar import end_of_day_shanghai, shanghai_day
from base.db import WriteSession
from base.jobs import JobStatus, enqueue, run_due
from base.signing import SigningKey
from ledger.acts import perform
from ledger.reader import statements_of
from ledger.recording import Act
from market.orders.repository import get_trade
from market.settlement.bank import NotTaken
from market.settlement.instructing import instruct, note_not_taken
from market.settlement.reconciling import reconcile_day
from market.settlement.repository import instructions_of, open_work_items
from market.settlement.work import mismatch
from tests.base.work import row
from tests.market.settlement.bank_side import BankSide, debit_entries
from tests.web.market import Market
from tests.web.nodes import Persona, some_id_number
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
    form = f"/ops/items/{item_id}/close"
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
    assert not [form for form in (await browser.get("/ops")).forms if "/ops/items/" in form.action]


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


async def unconfirmed_payment(market: Market) -> tuple[str, str, str]:
    """A payment that the bank has made and tells of in its statement only: the trade, it, the statement."""
    trade_id = market.ids["delivered"]
    served = market.served
    await served.api(market.buyer, "POST", f"/trades/{trade_id}/accept-goods", {})
    async with served.node.database.read() as s:
        settle_at = (await get_trade(s, trade_id=trade_id)).settle_at
    assert settle_at is not None
    served.clock.move_to(settle_at)
    escrow = served.node.escrow
    assert escrow is not None

    day = shanghai_day(settle_at)

    async def instructed(s: WriteSession, act: Act) -> Any:
        given = await instruct(s, act, trade_id=trade_id, escrow=escrow)
        assert given is not None
        facts = {"instruction_id": given.message_id, "booked_on": day.isoformat()}
        await mismatch(s, act, kind="paid-otherwise", trade_id=trade_id, facts=facts)
        return given

    given = await as_exchange(market, instructed)
    bank = BankSide(SigningKey.generate())
    told = bank.statement(day, debit_entries(given, on=day.isoformat()), escrow=escrow.account)
    served.clock.move_to(end_of_day_shanghai(day) + timedelta(hours=2))

    async def compared(s: WriteSession, act: Act) -> Any:
        return await reconcile_day(s, act, envelope=told, day=day, escrow=escrow)

    done = await as_exchange(market, compared)
    return trade_id, given.message_id, done.statement_sha256


async def another_officer(market: Market, name: str, *, by: Persona | None = None) -> Persona:
    """A further login at the exchange, of the person of this name."""
    served, operator = market.served, by or market.operator
    said = {"login": f"login-{secrets.token_hex(4)}", "name": name, "password": "a long passphrase of mine"}
    desk = await served.api(operator, "POST", f"/organisations/{operator.org_id}/people", said, expect=201)
    return replace(operator, user_id=desk["user_id"], login=said["login"], name=name)


async def test_a_payment_in_doubt_is_decided_by_an_officer_on_the_page_and_another_by_the_api(
    market: Market,
) -> None:
    trade_id, instruction_id, statement_sha256 = await unconfirmed_payment(market)
    served = market.served
    browser = Browser(served, market.operator)
    await served.prove(market.operator)
    page = await browser.get("/ops")
    assert "Payments in doubt" in page.words
    assert "Paid as instructed" in page.words
    form = f"/ops/payments/{instruction_id}/ascertain"
    page = await browser.send(page, form, {"note": "", "found": "PAID"}, expect=422)
    page = await browser.send(page, form, {"note": "seen in the statement", "found": "NOT_PAID"}, expect=409)
    assert "The bank's statement shows something else" in page.words
    await browser.send(page, form, {"note": "seen in the statement", "found": "PAID"})
    page = await browser.get("/ops")
    assert "One officer has said so: another has to." in page.words
    (doubt,) = await served.api(market.operator, "GET", "/payments/in-doubt")
    assert (doubt["instruction_id"], doubt["shown"], doubt["words"]) == (instruction_id, "PAID", 1)
    assert doubt["statement_sha256"] == statement_sha256
    body = {"found": "PAID", "statement_sha256": statement_sha256, "note": "seen as well"}
    path = f"/payments/{instruction_id}/ascertain"
    await served.api(market.samr, "GET", "/payments/in-doubt", expect=403)
    await served.api(market.samr, "POST", path, body, expect=403)
    again = await served.api(market.operator, "POST", path, body, expect=409)
    assert again["code"] == "said-before"
    registrar = await served.colleague(market.operator, "registrar")  # on the house's own word
    officer = await another_officer(market, "第二位审核员", by=registrar)
    await served.prove(officer)
    nobody = await served.api(officer, "POST", path, body, expect=403)
    assert nobody["code"] == "person-not-identified"
    identity = {"id_number": some_id_number()}
    await served.api(registrar, "POST", f"/people/{officer.user_id}/identity", identity)
    done = await served.api(officer, "POST", path, body)
    assert (done["status"], done["trade_id"]) == ("PAID", trade_id)
    async with served.node.database.read() as s:
        assert (await get_trade(s, trade_id=trade_id)).status.value == "SETTLED"
        assert [one.status.value for one in await instructions_of(s, trade_id=trade_id)] == ["PAID"]
    assert await served.api(market.operator, "GET", "/payments/in-doubt") == []


async def test_a_job_that_was_given_up_is_tried_again_from_the_page_and_over_the_api(market: Market) -> None:
    served, database = market.served, market.served.node.database

    async def fails(s: WriteSession, job: Any) -> None:
        raise RuntimeError("the disk is full")

    async def give_up() -> None:
        for _ in range(8):
            await run_due(database, served.clock.now(), {"test.work": fails})
            served.clock.advance(timedelta(hours=1))

    async with database.write() as s:
        await enqueue(s, kind="test.work", key="trd_1#2", run_at=served.clock.now(), payload={})
    await give_up()
    browser = Browser(served, market.operator)
    await served.prove(market.operator)
    page = await browser.get("/ops")
    assert "RuntimeError: the disk is full" in page.words
    await browser.send(page, "/ops/jobs/retry")
    assert (await row(database, "trd_1#2", "test.work")).status is JobStatus.QUEUED
    await give_up()
    (job,) = await served.api(market.operator, "GET", "/jobs/given-up")
    assert (job["kind"], job["key"], job["attempts"]) == ("test.work", "trd_1#2", 8)
    body = {"kind": "test.work", "key": "trd_1#2"}
    await served.api(market.samr, "POST", "/jobs/retry", body, expect=403)
    again = await served.api(market.operator, "POST", "/jobs/retry", body)
    assert again["status"] == "QUEUED"
    twice = await served.api(market.operator, "POST", "/jobs/retry", body, expect=409)
    assert twice["code"] == "job-not-given-up"
