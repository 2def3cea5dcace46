"""A bank that never answers: the reservation ends by the clock, a person is asked, nothing is paid twice."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.reader import statements_of
from market.orders.rules import TradeState
from market.settlement.errors import NothingToPayAgain, PaymentsCross
from market.settlement.instructing import note_status
from market.settlement.mending import pay_again
from market.settlement.repository import instructions_of, open_work_items_of, under_way
from market.settlement.tables import Instruction, InstructionState
from tests.market.disputes.staging import void
from tests.market.settlement.bank_side import Mood
from tests.market.trade.scene import PRICE, Scene
from tests.market.trade.test_freezing import freeze
from tests.standstill import refused, untouched

T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
IN_TIME = datetime(2026, 11, 20, 0, 59, tzinfo=UTC)
EXPIRES = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


@pytest.fixture
async def silent(scene) -> str:
    """A trade whose instruction the bank has not answered."""
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs(T_PLUS_1)
    return scene.trades["ACCEPTED_GOODS"]


async def kinds(scene: Scene, trade_id: str) -> list[str]:
    async with scene.database.read() as s:
        return [item.kind for item in await open_work_items_of(s, trade_id=trade_id)]


async def reserved(scene: Scene, trade_id: str) -> Instruction | None:
    async with scene.database.read() as s:
        return await under_way(s, trade_id=trade_id)


async def again(scene: Scene, trade_id: str) -> None:
    scene.clock.advance(timedelta(minutes=1))
    await scene.house.operator.do(pay_again, attempted="PAY.REQUEUE", object_id=trade_id, trade_id=trade_id)
    await scene.run_jobs()


async def test_what_the_bank_does_not_answer_is_let_go_by_the_clock(scene, silent):
    money = await scene.totals()
    await scene.run_jobs(IN_TIME)
    assert await reserved(scene, silent) is not None
    await scene.run_jobs(EXPIRES)
    instruction = await scene.instruction(silent)
    assert (instruction.status, instruction.expires_at) == (InstructionState.EXPIRED, EXPIRES)
    assert await reserved(scene, silent) is None
    assert (await scene.totals(), await scene.held(silent)) == (money, PRICE)
    assert await kinds(scene, silent) == ["instruction-expired"]
    async with scene.database.read() as s:
        said = [one.event for one in await statements_of(s, object_id=silent)][-2:]
    assert said == ["PAY.EXPIRE", "PAY.MISMATCH"]
    scene.bank.mood, sent = Mood.PAYS, len(scene.bank.received)
    await scene.run_jobs(EXPIRES + timedelta(days=2))
    assert len(scene.bank.received) == sent  # what has expired is not sent any more


async def test_an_expired_payment_is_made_again_and_settles_once(scene, silent):
    await scene.run_jobs(EXPIRES)
    scene.bank.mood = Mood.PAYS
    await again(scene, silent)
    assert await kinds(scene, silent) == []
    async with scene.database.read() as s:
        first, second = await instructions_of(s, trade_id=silent)
    assert (first.status, second.status) == (InstructionState.EXPIRED, InstructionState.INSTRUCTED)
    assert first.payouts == second.payouts  # the same end-to-end ids: the bank pays each once
    await scene.settle(silent)
    assert ((await scene.trade(silent)).status, await scene.held(silent)) == (TradeState.SETTLED, 0)


async def test_what_the_bank_paid_after_all_counts_whenever_it_says_so(scene, silent):
    at_bank, _ = await scene.totals()
    await scene.run_jobs(EXPIRES)
    await scene.settle(silent)
    assert ((await scene.trade(silent)).status, await scene.held(silent)) == (TradeState.SETTLED, 0)
    assert (await scene.totals())[0] == at_bank - PRICE
    assert (await scene.instruction(silent)).status is InstructionState.PAID
    async with refused(scene.database, NothingToPayAgain):
        await scene.house.operator.do(pay_again, attempted="PAY.REQUEUE", object_id=silent, trade_id=silent)


async def test_two_instructions_for_one_payment_pay_it_once(scene, silent):
    """The bank had carried out the first; it says so late, and rejects the second by the end-to-end ids."""
    at_bank, _ = await scene.totals()
    await scene.run_jobs(EXPIRES)
    first = await scene.instruction(silent)
    scene.bank.mood = Mood.IS_DOWN
    await again(scene, silent)
    told = scene.bank.debit(first, at=scene.clock.now())
    async with untouched(scene.database, PaymentsCross):  # 503: the bank tells it again
        await scene.hear(told)
    second = await scene.instruction(silent)
    report = scene.bank.report(second.xml, "DU04", at=scene.clock.now())
    await scene.house.operator.do(note_status, message_id=second.message_id, envelope=report)
    assert (await scene.hear(told))["outcome"] == "settled"
    assert ((await scene.trade(silent)).status, await scene.held(silent)) == (TradeState.SETTLED, 0)
    assert (await scene.totals())[0] == at_bank - PRICE


async def test_a_refund_that_the_bank_makes_twice_is_released_once(scene):
    """A void contract stays void when it is refunded: its state alone keeps no second refund out."""
    trade_id = scene.trades["FUNDED"]
    await void(scene, trade_id)
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs()
    first = await scene.instruction(trade_id)
    await scene.run_jobs(first.expires_at)
    scene.bank.mood = Mood.PAYS
    await again(scene, trade_id)
    await scene.settle(trade_id)
    money = await scene.totals()
    assert await scene.held(trade_id) == 0
    told = await scene.hear(scene.bank.debit(first, at=scene.clock.now()))
    assert told == {"outcome": "mismatch", "trade_id": trade_id}
    assert (await scene.held(trade_id), await scene.totals()) == (0, money)
    assert "paid-after-all" in await kinds(scene, trade_id)


async def test_what_the_bank_took_and_never_confirmed_is_kept_and_asks_for_a_person(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    await scene.run_jobs(T_PLUS_1)
    await scene.run_jobs(EXPIRES)
    assert await reserved(scene, trade_id) is not None
    assert await kinds(scene, trade_id) == ["payment-unconfirmed"]
    await scene.run_jobs(EXPIRES + timedelta(days=7))
    assert await kinds(scene, trade_id) == ["payment-unconfirmed"]  # once
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.SETTLED


async def test_a_trade_whose_payment_expired_can_be_frozen(scene, silent):
    await scene.run_jobs(EXPIRES)
    await freeze(scene, silent, scene.samr)
    assert (await scene.trade(silent)).status is TradeState.FROZEN
