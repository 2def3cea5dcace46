"""What the platform gives back out of its fee account: heard of when it does not come in, and given again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from market.disputes.rules import Fault
from market.orders.rules import TradeState
from market.settlement.errors import (
    ClaimPaidBefore,
    EscrowAmountMismatch,
    NothingToPayAgain,
    PaymentUnderWay,
    SettlementNotInstructed,
)
from market.settlement.mending import pay_again
from market.settlement.plan import Payee
from market.settlement.repository import claims_of, instructions_of, open_work_items_of
from market.settlement.tables import Claim, ClaimStatus, Instruction, InstructionState
from tests.market.disputes.staging import post_refund, void, work
from tests.market.settlement.bank_side import ESCROW, PAYER, Mood, credit_entry
from tests.market.settlement.going_back import claim_back
from tests.market.trade.scene import PLATFORM_FEE, PRICE, Scene
from tests.standstill import refused

DUE = datetime(2026, 12, 18, 1, 0, tzinfo=UTC)
TERM = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)  # three working days after Monday
KEPT = frozenset({"market_bank_messages"})


@pytest.fixture
async def claim(scene) -> Claim:
    """What the platform owes of a refund after release, instructed and taken by the bank."""
    await claim_back(scene, scene.trades["SETTLED"], PRICE, DUE)
    await scene.run_jobs()
    return await platforms(scene)


async def platforms(scene: Scene) -> Claim:
    async with scene.database.read() as s:
        found = await claims_of(s, trade_id=scene.trades["SETTLED"])
    return next(one for one in found if one.payee == Payee.PLATFORM)


async def backs(scene: Scene) -> list[tuple[str, InstructionState]]:
    """The instructions to give the fee back, by end-to-end id."""
    async with scene.database.read() as s:
        found = await instructions_of(s, trade_id=scene.trades["SETTLED"])
    return [(one.payouts[0]["end_to_end_id"], one.status) for one in found[1:]]


async def comes_in(
    scene: Scene,
    claim: Claim,
    name: str,
    amount_minor: int = PLATFORM_FEE,
    *,
    payer: str = ESCROW.fee_account,
):
    """The bank asks about a transfer out of the fee account, or of a stranger's."""
    now = scene.clock.now()
    entry = credit_entry(claim.claim_id, amount_minor, on=now.date().isoformat())
    entry = replace(entry, end_to_end_id=name, party_account=payer)
    return await scene.hear(scene.bank.notification([entry], at=now))


async def again(scene: Scene):
    scene.clock.advance(timedelta(minutes=1))
    trade_id = scene.trades["SETTLED"]
    await scene.house.operator.do(pay_again, attempted="PAY.REQUEUE", object_id=trade_id, trade_id=trade_id)
    await scene.run_jobs()


async def test_a_fee_that_the_bank_returned_is_missed_by_the_clock_and_given_under_a_new_id(scene, claim):
    trade_id, name = scene.trades["SETTLED"], claim.claim_id
    async with refused(scene.database, PaymentUnderWay):
        await again(scene)
    await scene.run_jobs(TERM + timedelta(minutes=2))
    assert await backs(scene) == [(name, InstructionState.EXPIRED)]
    async with scene.database.read() as s:
        (item,) = await open_work_items_of(s, trade_id=trade_id)
    assert (item.kind, item.facts["claim_id"], item.facts["expected_minor"]) == (
        "fee-not-back",
        name,
        str(PLATFORM_FEE),
    )
    await again(scene)
    assert await work(scene, trade_id) == []
    assert await backs(scene) == [
        (name, InstructionState.EXPIRED),
        (f"{name}/2", InstructionState.INSTRUCTED),
    ]
    assert f"<EndToEndId>{name}/2</EndToEndId>".encode() in (await scene.instruction(trade_id)).xml
    assert (await comes_in(scene, claim, f"{name}/2"))["outcome"] == "claim-paid"
    assert (await platforms(scene)).status is ClaimStatus.PAID
    assert (await backs(scene))[-1] == (f"{name}/2", InstructionState.PAID)
    async with refused(scene.database, NothingToPayAgain):
        await again(scene)


async def test_a_fee_that_comes_in_otherwise_is_returned_by_the_bank_and_heard_of_at_once(scene, claim):
    money = await scene.totals()
    with pytest.raises(EscrowAmountMismatch):
        await comes_in(scene, claim, claim.claim_id, PLATFORM_FEE - 1)
    assert await scene.totals() == money
    assert await backs(scene) == [(claim.claim_id, InstructionState.REJECTED)]
    assert await work(scene, claim.trade_id) == ["fee-not-back"]
    await again(scene)
    assert (await comes_in(scene, claim, f"{claim.claim_id}/2"))["outcome"] == "claim-paid"
    assert await work(scene, claim.trade_id) == []


async def test_a_strangers_payment_under_our_name_says_nothing_about_ours(scene, claim):
    """A payer writes the end-to-end id; its account the bank writes."""
    async with refused(scene.database, EscrowAmountMismatch, but=KEPT):
        await comes_in(scene, claim, claim.claim_id, 1, payer=PAYER)
    assert await backs(scene) == [(claim.claim_id, InstructionState.INSTRUCTED)]
    assert await work(scene, claim.trade_id) == []
    assert (await comes_in(scene, claim, claim.claim_id))["outcome"] == "claim-paid"


async def test_two_returns_of_one_fee_pay_it_once_and_the_other_goes_back(scene, claim):
    await scene.run_jobs(TERM + timedelta(minutes=2))
    await again(scene)
    assert (await comes_in(scene, claim, claim.claim_id))["outcome"] == "claim-paid"  # the first, after all
    money = await scene.totals()
    async with refused(scene.database, ClaimPaidBefore, but=KEPT | {"market_instructions"}):
        await comes_in(scene, claim, f"{claim.claim_id}/2")
    assert await scene.totals() == money
    assert [status for _, status in await backs(scene)] == [InstructionState.PAID, InstructionState.REJECTED]
    assert await work(scene, claim.trade_id) == []


async def test_a_rejected_fee_is_given_again_though_a_later_payment_was_made(scene):
    """Two claims on the platform: the second was paid, the first was not, and is not forgotten."""
    trade_id = scene.trades["SETTLED"]
    scene.bank.mood = Mood.REJECTS
    await post_refund(scene, trade_id, refund_minor=PRICE // 2, fault=[Fault.PLATFORM])
    await scene.run_jobs()
    scene.bank.mood = Mood.PAYS
    scene.clock.advance(timedelta(minutes=5))
    await void(scene, trade_id)
    await scene.run_jobs()
    first, second = await backs(scene)
    assert (first[1], second[1]) == (InstructionState.REJECTED, InstructionState.INSTRUCTED)
    given: Instruction = await scene.instruction(trade_id)
    await scene.fund(second[0], int(given.payouts[0]["amount_minor"]))
    assert (await backs(scene))[1][1] is InstructionState.PAID
    await again(scene)
    assert (await backs(scene))[2] == (f"{first[0]}/2", InstructionState.INSTRUCTED)
    assert (await scene.trade(trade_id)).status is TradeState.VOIDED


async def test_a_debit_that_names_the_return_of_a_fee_settles_nothing(scene, claim):
    given = await scene.instruction(claim.trade_id)
    async with refused(scene.database, SettlementNotInstructed):
        await scene.hear(scene.bank.debit(given, at=scene.clock.now()))
