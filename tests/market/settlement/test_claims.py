"""After release: each claim is paid in exactly and once, and when all are, the buyer gets it back."""

from datetime import UTC, datetime, timedelta

import pytest

from base.errors import Malformed
from ledger.balances import balance
from ledger.reader import opening, statements_of
from market.orders.rules import TradeState
from market.settlement.errors import (
    ClaimPaidBefore,
    EscrowAmountMismatch,
    PaymentUnknown,
)
from market.settlement.mending import pay_again
from market.settlement.plan import Payee
from market.settlement.repository import claims_of, instructions_of, open_work_items_of
from market.settlement.tables import Claim, ClaimStatus, InstructionKind, InstructionState
from tests.market.settlement.bank_side import ESCROW, PAYER, Mood
from tests.market.settlement.going_back import claim_back
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, PRICE, SELLER_PART, Scene
from tests.market.trade.test_freezing import freeze, unfreeze
from tests.standstill import refused, untouched

DUE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
KEPT = frozenset({"market_bank_messages"})


async def claims(scene: Scene, trade_id: str) -> dict[str, Claim]:
    async with scene.database.read() as s:
        return {claim.payee: claim for claim in await claims_of(s, trade_id=trade_id)}


@pytest.fixture
async def claimed(scene) -> dict[str, Claim]:
    """A settled trade of which the whole price is claimed back, the fees pro rata."""
    trade_id = scene.trades["SETTLED"]
    await claim_back(scene, trade_id, PRICE, DUE)
    return await claims(scene, trade_id)


async def test_everybody_who_was_paid_owes_what_it_was_paid(scene, claimed):
    assert {payee: (claim.debtor_id, claim.amount_minor) for payee, claim in claimed.items()} == {
        "SELLER": (scene.seller.org_id, SELLER_PART),
        "BROKER": (scene.broker.org_id, COMMISSION),
        "PLATFORM": (scene.house.operator.org_id, PLATFORM_FEE),
    }
    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id=claimed["SELLER"].claim_id)
        private = await opening(s, sha256=said.opening_sha256)
    assert (said.event, said.predicate["debtor_id"]) == ("PAY.CLAIM", scene.seller.org_id)
    assert (private["amount_minor"], said.predicate["payee"]) == (str(SELLER_PART), "SELLER")


async def test_when_all_claims_are_paid_the_buyer_gets_it_back(scene, claimed):
    trade_id = scene.trades["SETTLED"]
    at_bank, _ = await scene.totals()
    assert (await scene.fund(claimed["SELLER"].claim_id, SELLER_PART))["outcome"] == "claim-paid"
    await scene.run_jobs()
    assert await scene.held(trade_id) == SELLER_PART
    fee_back = await scene.instruction(trade_id)
    assert (fee_back.kind, fee_back.status) == (InstructionKind.FEE_BACK, InstructionState.INSTRUCTED)
    assert fee_back.payouts == [
        {
            "end_to_end_id": claimed["PLATFORM"].claim_id,
            "amount_minor": str(PLATFORM_FEE),
            "account": ESCROW.account,
        }
    ]
    await scene.fund(claimed["PLATFORM"].claim_id, PLATFORM_FEE)
    assert (await scene.instruction(trade_id)).status is InstructionState.PAID
    await scene.run_jobs()
    assert (await scene.instruction(trade_id)).kind is InstructionKind.FEE_BACK  # the broker has not paid
    await scene.fund(claimed["BROKER"].claim_id, COMMISSION)
    await scene.run_jobs()
    refund = await scene.instruction(trade_id)
    assert (refund.kind, refund.payouts) == (
        InstructionKind.REFUND,
        [{"end_to_end_id": f"{trade_id}/R", "amount_minor": str(PRICE), "account": PAYER}],
    )
    assert (await scene.settle(trade_id))["outcome"] == "refunded"
    assert (await scene.trade(trade_id)).status is TradeState.REFUNDED
    assert (await scene.held(trade_id), (await scene.totals())[0]) == (0, at_bank)
    async with scene.database.read() as s:
        paid = [await balance(s, f"escrow:{org.org_id}") for org in (scene.seller, scene.broker)]
        assert (paid, await balance(s, "fee:platform")) == ([0, 0], 0)


async def test_a_claim_is_paid_exactly_once_under_its_own_reference(scene, claimed):
    claim = claimed["SELLER"]
    for amount in (SELLER_PART - 1, SELLER_PART + 1, 1):
        async with refused(scene.database, EscrowAmountMismatch, but=KEPT):
            await scene.fund(claim.claim_id, amount)
    async with refused(scene.database, PaymentUnknown, but=KEPT):
        await scene.fund("clm_01m4psz9m0829hjv3f4xterv48", SELLER_PART)
    told = scene.bank.credit(claim.claim_id, SELLER_PART, at=scene.clock.now())
    assert await scene.hear(told) == await scene.hear(told)  # the same message, the same answer
    assert await scene.held(claim.trade_id) == SELLER_PART
    async with refused(scene.database, ClaimPaidBefore, but=KEPT):
        await scene.fund(claim.claim_id, SELLER_PART)
    assert (await claims(scene, claim.trade_id))["SELLER"].status is ClaimStatus.PAID


async def test_money_comes_back_to_a_frozen_trade_and_leaves_it_only_afterwards(scene, claimed):
    trade_id = scene.trades["SETTLED"]
    await scene.run_jobs()  # the platform's fee is on its way back
    await freeze(scene, trade_id, scene.samr)
    for claim in claimed.values():
        await scene.fund(claim.claim_id, claim.amount_minor)
    await scene.run_jobs()
    assert await scene.held(trade_id) == PRICE
    assert (await scene.instruction(trade_id)).kind is InstructionKind.FEE_BACK
    scene.clock.advance(timedelta(minutes=1))
    await unfreeze(scene, trade_id, scene.samr)
    await scene.run_jobs()
    assert (await scene.instruction(trade_id)).kind is InstructionKind.REFUND


async def test_an_unpaid_claim_becomes_a_work_item_and_may_still_be_paid(scene, claimed):
    claim = claimed["BROKER"]
    await scene.run_jobs(DUE)
    async with scene.database.read() as s:
        items = await open_work_items_of(s, trade_id=claim.trade_id)
    overdue = {item.facts["claim_id"] for item in items if item.kind == "claim-overdue"}
    assert overdue == {claimed[payee].claim_id for payee in ("SELLER", "BROKER", "PLATFORM")}
    scene.clock.advance(timedelta(days=1))
    await scene.fund(claim.claim_id, COMMISSION)
    assert (await claims(scene, claim.trade_id))["BROKER"].status is ClaimStatus.PAID


async def test_fees_that_are_not_returned_are_the_sellers_to_bear(scene):
    trade_id = scene.trades["SETTLED"]
    await claim_back(scene, trade_id, PRICE // 2, DUE, returning=frozenset({Payee.PLATFORM}))
    owed = {payee: claim.amount_minor for payee, claim in (await claims(scene, trade_id)).items()}
    assert owed == {"SELLER": PRICE // 2 - PLATFORM_FEE // 2, "PLATFORM": PLATFORM_FEE // 2}


async def test_no_more_is_claimed_back_than_was_released(scene):
    async with untouched(scene.database, Malformed):
        await claim_back(scene, scene.trades["SETTLED"], PRICE + 1, DUE)


async def test_a_rejected_return_of_the_fee_is_instructed_again_on_the_operators_word(scene, claimed):
    trade_id = scene.trades["SETTLED"]
    scene.bank.mood = Mood.REJECTS
    await scene.run_jobs()
    scene.bank.mood = Mood.PAYS
    assert (await scene.instruction(trade_id)).status is InstructionState.REJECTED
    scene.clock.advance(timedelta(minutes=1))
    await scene.house.operator.do(pay_again, attempted="PAY.REQUEUE", object_id=trade_id, trade_id=trade_id)
    await scene.run_jobs()
    async with scene.database.read() as s:
        backs = [row.status for row in await instructions_of(s, trade_id=trade_id)][1:]
    assert backs == [InstructionState.REJECTED, InstructionState.INSTRUCTED]
