"""Money in doubt, over real HTTP beside a real bank that tells wrongly, and returns what it should pay in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ledger.balances import totals
from tests.identity.unmoved import statements
from tests.web.api.live import live
from tests.web.api.test_undone import (
    COMMISSION,
    PRICE,
    SELLER_PART,
    Undone,
    at,
    audited,
    officer,
    peopled,
)


@pytest.fixture
async def doubtful(tmp_path: Path) -> AsyncIterator[Undone]:
    async with live(tmp_path, at(9, 9)) as world:
        yield await peopled(world)


async def plant(undone: Undone, **fault: Any) -> None:
    await asyncio.to_thread(undone.world.bank.control, "POST", "faults", fault)


async def test_what_the_bank_tells_wrongly_or_not_at_all_is_cleared_up_to_the_fen(doubtful: Undone) -> None:
    trade_id = await doubtful.trade("DELIVERED")
    await doubtful.buyer.act(f"/trades/{trade_id}/accept-goods", {})
    await found_paid(doubtful, trade_id)
    await a_fee_is_returned(doubtful, trade_id)
    async with doubtful.world.node.database.read() as s:
        assert await totals(s) == (0, 0)
    await audited(doubtful.world)


async def found_paid(undone: Undone, trade_id: str) -> None:
    """The bank pays rightly and tells another amount: its statement is believed, by two officers."""
    world, operator = undone.world, undone.world.operator
    await plant(undone, kind="wrong_notice", match=trade_id)
    await world.move_to(at(11, 9))  # T+1
    await world.work()
    assert await undone.state(trade_id) == "ACCEPTED_GOODS"
    (doubt,) = await operator.get("/payments/in-doubt")
    assert (doubt["trade_id"], doubt["shown"], doubt["waits_for"]) == (
        trade_id,
        None,
        "bank-statement-missing",
    )
    await world.move_to(at(12, 3))
    await world.work()
    (doubt,) = await operator.get("/payments/in-doubt")
    assert (doubt["shown"], doubt["day"], doubt["amount_minor"]) == ("PAID", "2026-11-11", PRICE)
    path = f"/payments/{doubt['instruction_id']}/ascertain"
    word = {"found": "PAID", "statement_sha256": doubt["statement_sha256"], "note": "对账单已核对"}
    officers = [await officer(world, f"officer-{number}") for number in range(2)]
    wrong = await officers[0].call("POST", path, word | {"found": "NOT_PAID"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "bank-statement-contradicts")
    for one in officers:
        await one.act(path, word)
    assert await undone.state(trade_id) == "SETTLED"
    assert await operator.get("/payments/in-doubt") == []
    told = await statements(world.node.database, "PAY.ASCERTAIN")
    assert [one["predicate"]["words"] for one in told] == [1, 2]


async def a_fee_is_returned(undone: Undone, trade_id: str) -> None:
    """The platform's fee goes back, the bank returns it and says nothing: it is missed, and given again."""
    world, operator = undone.world, undone.world.operator
    await operator.act(
        f"/trades/{trade_id}/post-refund",
        {"ground": "ILLEGAL_SOURCE", "refund_minor": PRICE, "fault": ["SELLER"]},
    )
    owed = (await undone.provider.get(f"/trades/{trade_id}/refund"))["claims"]
    claims = {one["payee"]: one["claim_id"] for one in owed}
    await plant(undone, kind="reject", match=claims["PLATFORM"], on="credit")
    await world.work()
    for desk, payee, amount in (
        (undone.provider, "SELLER", SELLER_PART),
        (undone.broker, "BROKER", COMMISSION),
    ):
        await world.pay(desk, amount_minor=amount, reference=claims[payee], name=f"BACK{payee}")
    await world.move_to(at(17, 10))  # three working days
    await world.work()
    items = [one for one in await operator.get("/work-items") if one["kind"] == "fee-not-back"]
    assert [one["facts"]["claim_id"] for one in items] == [claims["PLATFORM"]]
    assert await undone.state(trade_id) == "REFUND_PENDING"
    await operator.act(f"/trades/{trade_id}/pay-again")
    await world.work()
    assert await undone.state(trade_id) == "REFUNDED"
