"""Money goes back: all that is held, or part of the price, exactly, once, and only on the bank's word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bank.amounts import account_number
from base.errors import Malformed
from ledger.balances import balance
from ledger.reader import opening, statements_of
from market.orders.rules import TradeEvent, TradeState
from market.settlement.errors import EntryKnown, EscrowFundedBefore, PaymentUnderWay
from market.settlement.mending import pay_again
from market.settlement.payees import set_payee_account
from market.settlement.refunding import queue_refund
from market.settlement.repository import instructions_of, open_work_items_of
from market.settlement.tables import InstructionKind, InstructionState
from tests.market.settlement.bank_side import ESCROW, PAYER, Mood
from tests.market.settlement.going_back import fail, partly
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, PRICE, SELLER_PART, Scene
from tests.market.trade.test_freezing import freeze, unfreeze
from tests.standstill import refused, untouched

T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
QUARTER = PRICE // 4


async def books(scene: Scene, account: str) -> int:
    async with scene.database.read() as s:
        return await balance(s, account)


async def said_last(scene: Scene, trade_id: str, event: str) -> tuple[dict, dict]:
    async with scene.database.read() as s:
        (said,) = [one for one in await statements_of(s, object_id=trade_id) if one.event == event]
        return said.predicate, await opening(s, sha256=said.opening_sha256)


@pytest.fixture
async def failed(scene) -> str:
    """A trade that was funded and not delivered; its buyer has named no account."""
    trade_id = scene.trades["FUNDED"]
    await fail(scene, trade_id)
    return trade_id


async def test_what_is_held_goes_back_to_where_it_came_from(scene, failed):
    at_bank, _ = await scene.totals()
    put_in = await books(scene, f"escrow:{scene.buyer.org_id}")
    await scene.run_jobs()
    instruction = await scene.instruction(failed)
    assert (instruction.kind, instruction.status) == (InstructionKind.REFUND, InstructionState.INSTRUCTED)
    assert instruction.payouts == [
        {"end_to_end_id": f"{failed}/R", "amount_minor": str(PRICE), "account": PAYER}
    ]
    assert await scene.held(failed) == PRICE  # reserved, not moved
    outcome = await scene.settle(failed)
    assert outcome["outcome"] == "refunded"
    assert (await scene.trade(failed)).status is TradeState.REFUNDED
    assert await scene.held(failed) == 0
    assert await scene.totals() == (at_bank - PRICE, PRICE - at_bank)
    assert await books(scene, f"escrow:{scene.buyer.org_id}") == put_in - PRICE
    public, private = await said_last(scene, failed, "TRD.REFUND")
    assert (public["from"], public["to"]) == ("REFUND_PENDING", "REFUNDED")
    assert public["instruction_sha256"] == instruction.xml_sha256
    assert {name: value for name, value in private.items() if name.endswith("_minor")} == {
        "amount_minor": str(PRICE)
    }


async def test_a_buyer_with_an_account_on_record_is_paid_there(scene, failed):
    await scene.buyer.do(
        set_payee_account, attempted="PAY.ACCOUNT", account=account_number(30), holder="湾区普惠银行"
    )
    await scene.run_jobs()
    assert [p["account"] for p in (await scene.instruction(failed)).payouts] == [account_number(30)]


async def test_a_refund_is_instructed_and_paid_once(scene, failed):
    await scene.run_jobs()
    first = await scene.instruction(failed)
    await fail_again(scene, failed)
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert [row.message_id for row in await instructions_of(s, trade_id=failed)] == [first.message_id]
    told = scene.bank.debit(first, at=scene.clock.now())
    assert await scene.hear(told) == await scene.hear(told)
    await fail_again(scene, failed)
    await scene.run_jobs()
    assert (await scene.instruction(failed)).message_id == first.message_id
    assert await scene.held(failed) == 0


async def fail_again(scene: Scene, trade_id: str) -> None:
    await scene.house.operator.do(queue_refund, attempted="TRD.REFUND", trade_id=trade_id)


async def test_the_escrow_of_a_refunded_trade_is_not_funded_again(scene, failed):
    async with refused(scene.database, EscrowFundedBefore, but={"market_bank_messages"}):
        await scene.fund(failed)


async def test_a_refund_otherwise_than_instructed_moves_nothing_and_asks_for_a_person(scene, failed):
    await scene.run_jobs()
    money = await scene.totals()
    told = scene.bank.debit_otherwise(await scene.instruction(failed), at=scene.clock.now(), delta_minor=-1)
    assert (await scene.hear(told))["outcome"] == "mismatch"
    assert (await scene.trade(failed)).status is TradeState.REFUND_PENDING
    assert (await scene.totals(), await scene.held(failed)) == (money, PRICE)
    async with scene.database.read() as s:
        (item,) = await open_work_items_of(s, trade_id=failed)
    assert (item.kind, item.facts) == (
        "paid-otherwise",
        {
            "instruction_id": (await scene.instruction(failed)).message_id,
            "booked_on": "2026-11-16",
            "expected_minor": str(PRICE),
            "actual_minor": str(PRICE - 1),
        },
    )


async def test_a_rejected_refund_is_paid_again_on_the_operators_word(scene, failed):
    scene.bank.mood = Mood.REJECTS
    await scene.run_jobs()
    scene.bank.mood = Mood.PAYS
    assert (await scene.instruction(failed)).status is InstructionState.REJECTED
    scene.clock.advance(timedelta(minutes=1))
    await scene.house.operator.do(pay_again, attempted="PAY.REQUEUE", object_id=failed, trade_id=failed)
    await scene.run_jobs()
    again = await scene.instruction(failed)
    assert (again.status, again.payouts[0]["end_to_end_id"]) == (
        InstructionState.INSTRUCTED,
        f"{failed}/R",
    )
    await scene.settle(failed)
    assert (await scene.trade(failed)).status is TradeState.REFUNDED


async def test_a_frozen_refund_waits_and_goes_on(scene, failed):
    await freeze(scene, failed, scene.samr)
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert await instructions_of(s, trade_id=failed) == []
    await unfreeze(scene, failed, scene.samr)
    await scene.run_jobs()
    await scene.settle(failed)
    assert (await scene.trade(failed)).status is TradeState.REFUNDED


async def test_a_refund_under_way_is_not_frozen(scene, failed):
    await scene.run_jobs()
    async with refused(scene.database, PaymentUnderWay):
        await freeze(scene, failed, scene.samr)


async def test_what_a_void_contract_left_in_escrow_goes_back_and_it_stays_void(scene):
    trade_id = scene.trades["DELIVERED"]
    await fail(scene, trade_id, TradeEvent.VOID, scene.samr)
    await scene.run_jobs()
    await scene.settle(trade_id)
    trade = await scene.trade(trade_id)
    assert (trade.status, await scene.held(trade_id)) == (TradeState.VOIDED, 0)
    public, _ = await said_last(scene, trade_id, "TRD.REFUND")
    assert (public["from"], public["to"]) == ("VOIDED", "VOIDED")


async def test_a_void_trade_that_was_never_funded_pays_nothing(scene):
    trade_id = scene.trades["CONTRACTED"]
    await fail(scene, trade_id, TradeEvent.VOID, scene.samr)
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert await instructions_of(s, trade_id=trade_id) == []


async def test_part_of_the_price_goes_back_in_one_instruction(scene):
    trade_id = scene.trades["DELIVERED"]
    at_bank, _ = await scene.totals()
    await partly(scene, trade_id, QUARTER, T_PLUS_1)
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert await instructions_of(s, trade_id=trade_id) == []  # not before its moment
    await scene.run_jobs(T_PLUS_1)
    instruction = await scene.instruction(trade_id)
    parts = [SELLER_PART * 3 // 4, COMMISSION * 3 // 4, PLATFORM_FEE * 3 // 4, QUARTER]
    accounts = [account_number(11), account_number(12), ESCROW.fee_account, PAYER]
    assert instruction.kind is InstructionKind.SPLIT
    assert instruction.payouts == [
        {"end_to_end_id": f"{trade_id}/{suffix}", "amount_minor": str(amount), "account": account}
        for suffix, amount, account in zip("SBPR", parts, accounts, strict=True)
    ]
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.SETTLED
    assert await scene.held(trade_id) == 0
    assert await scene.totals() == (at_bank - PRICE, PRICE - at_bank)
    _, private = await said_last(scene, trade_id, "TRD.SETTLE")
    assert {name: value for name, value in private.items() if name.endswith("_minor")} == {
        "amount_minor": str(PRICE),
        "seller_minor": str(parts[0]),
        "commission_minor": str(parts[1]),
        "platform_fee_minor": str(parts[2]),
        "refund_minor": str(QUARTER),
    }


@pytest.mark.parametrize("refund_minor", [0, -1, PRICE, PRICE + 1])
async def test_a_part_is_more_than_nothing_and_less_than_all(scene, refund_minor):
    async with untouched(scene.database, Malformed):
        await partly(scene, scene.trades["DELIVERED"], refund_minor, T_PLUS_1)


async def test_an_entry_of_the_bank_is_told_once_also_in_a_refund(scene, failed):
    await scene.run_jobs()
    instruction = await scene.instruction(failed)
    told = scene.bank.debit(instruction, at=scene.clock.now())
    await scene.hear(told)
    other = scene.trades["DELIVERING"]
    await fail(scene, other)
    await scene.run_jobs()
    (entry,) = scene.bank.booked[-1:]
    mixed = replace(
        entry,
        message_id=(await scene.instruction(other)).message_id,
        end_to_end_id=f"{other}/R",
        reference=other,
    )
    async with refused(scene.database, EntryKnown):
        await scene.hear(scene.bank.notification([mixed], at=scene.clock.now()))
