"""Claims after release: what those who were paid out of a trade owe back into its escrow.

Each is paid in by itself, exactly, under its own id as payment reference, and is refused and returned like a
funding otherwise. When all claims of a trade are paid, what has come in is refunded to the buyer. What the
platform owes is instructed at once, out of its own fee account.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Refusal
from base.ids import is_id
from base.jobs import enqueue
from ledger.accounts import Leg, escrow_of, held, platform_fee
from ledger.posting import book
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders import repository as trades
from market.orders.tables import Trade
from market.settlement import repository
from market.settlement.doubts import FEE_NOT_BACK
from market.settlement.errors import (
    BankMessageMalformed,
    ClaimPaidBefore,
    EscrowAmountMismatch,
    PaymentUnknown,
)
from market.settlement.instructing import (
    SEND_JOB,
    Escrow,
    expires,
    instruct_draft,
    legs_of,
    queue_instruction,
)
from market.settlement.messages import (
    ESCROW_HOLDER,
    INITIATOR,
    Movement,
    Notification,
    Payout,
    write_instruction,
)
from market.settlement.plan import Payee
from market.settlement.tables import Claim, ClaimStatus, Instruction, InstructionKind, InstructionState
from market.settlement.work import mismatch

CLAIM_DUE_JOB: Final = "settlement.claim-due"
FEE_BACK_JOB: Final = "settlement.fee-back"


async def open_claims(
    s: WriteSession, act: Act, *, trade: Trade, owed: Mapping[Payee, int], due_at: datetime
) -> Sequence[Claim]:
    """Claim back what seller, broker and platform owe of a refund after release (PAY.CLAIM, one each).

    `owed` is fen by payee (`plan.owed_back`); the trade, locked by the caller, is in REFUND_PENDING. A claim
    that is not paid at `due_at` becomes a work item and stays open.
    """
    debtors = {
        Payee.SELLER: trade.seller_id,
        Payee.BROKER: trade.commission_to,
        Payee.PLATFORM: act.exchange.actor.org_id,
    }
    system, opened = act.as_exchange(), []
    for payee, amount_minor in owed.items():
        debtor_id = debtors[payee]
        assert debtor_id is not None
        claim_id = system.new_id("clm")
        recorded = await record(
            s,
            system,
            Draft(
                "PAY.CLAIM",
                claim_id,
                public=_named(claim_id, trade.trade_id, debtor_id, payee.value),
                opening={
                    "amount_minor": str(amount_minor),
                    "due_at": rfc3339(due_at),
                },
            ),
        )
        claim = Claim(
            claim_id=claim_id,
            trade_id=trade.trade_id,
            debtor_id=debtor_id,
            payee=payee.value,
            amount_minor=amount_minor,
            status=ClaimStatus.OPEN,
            opened_at=act.now,
            due_at=due_at,
            statement_id=recorded.statement_id,
        )
        s.add(claim)
        opened.append(claim)
        await s.flush()
        payload = {"claim_id": claim_id}
        await enqueue(s, kind=CLAIM_DUE_JOB, key=claim_id, run_at=due_at, payload=payload)
        if payee is Payee.PLATFORM:
            await enqueue(s, kind=FEE_BACK_JOB, key=claim_id, run_at=act.now, payload=payload)
    return opened


def is_claim(reference: str | None) -> bool:
    """Whether a payment reference has the form of a claim's."""
    return reference is not None and is_id(reference, "clm")


def _named(claim_id: str, trade_id: str, debtor_id: str, payee: str) -> dict[str, Any]:
    return {"claim_id": claim_id, "trade_id": trade_id, "debtor_id": debtor_id, "payee": payee}


async def pay_claim(s: WriteSession, act: Act, *, notification: Notification, digest: str) -> dict[str, Any]:
    """Take in the credit of a claim (PAY.CLAIM_PAID): exactly its amount, once.

    `digest` is of the bank's message. When it was the trade's last open claim the refund is queued. Raises
    PaymentUnknown, EscrowAmountMismatch, ClaimPaidBefore, BankMessageMalformed; the bank then returns the
    money. An order that stands on the trade keeps money in escrow, and refuses none that comes back to it.
    """
    if len(notification.movements) != 1:
        raise BankMessageMalformed("a credit is notified by itself", message_id=notification.message_id)
    movement = notification.movements[0]
    claim, trade = await _awaiting(s, movement)
    if movement.amount_minor != claim.amount_minor:
        raise EscrowAmountMismatch(
            "the amount is not that of the claim",
            claim_id=claim.claim_id,
            expected_minor=str(claim.amount_minor),
            received_minor=str(movement.amount_minor),
        )
    await repository.require_unknown(s, notification=notification)
    recorded = await record(
        s,
        act,
        Draft(
            "PAY.CLAIM_PAID",
            claim.claim_id,
            public=_named(claim.claim_id, trade.trade_id, claim.debtor_id, claim.payee)
            | {"bank_message_sha256": digest},
            opening={"amount_minor": str(movement.amount_minor), "payer_account": movement.party_account},
            subjects={"bank-message": digest},
        ),
    )
    platform = claim.payee == Payee.PLATFORM.value
    await book(
        s,
        batch_id=act.new_id("bat"),
        object_id=trade.trade_id,
        statement_id=recorded.statement_id,
        booked_at=act.now,
        legs=[
            Leg(platform_fee() if platform else escrow_of(claim.debtor_id), movement.amount_minor),
            Leg(held(trade.trade_id), -movement.amount_minor),
        ],
    )
    claim.status, claim.paid_at = ClaimStatus.PAID, act.occurred_at
    s.add(claim)
    await s.flush()
    await _fee_is_back(s, act, claim, movement)
    if not await repository.open_claims_of(s, trade_id=trade.trade_id):
        await queue_instruction(s, act, trade_id=trade.trade_id, at=act.now)
    return {"outcome": "claim-paid", "trade_id": trade.trade_id, "claim_id": claim.claim_id}


async def _awaiting(s: WriteSession, movement: Movement) -> tuple[Claim, Trade]:
    """The claim that waits for this payment and its trade, locked: the trade first, as everywhere."""
    reference = movement.reference or ""
    found = await s.get(Claim, reference)
    if found is None:
        raise PaymentUnknown("no claim waits for this payment", reference=reference)
    trade = await trades.claim_trade(s, trade_id=found.trade_id)
    claim = await repository.claim_claim(s, claim_id=reference)
    if claim.status is not ClaimStatus.OPEN:
        raise ClaimPaidBefore("this claim is paid already", claim_id=reference)
    return claim, trade


async def note_overdue(s: WriteSession, act: Act, *, claim_id: str) -> None:
    """A claim's term is over: where it is still open, a person of the exchange has to look after it."""
    found = await s.get(Claim, claim_id)
    if found is None:
        return
    await trades.claim_trade(s, trade_id=found.trade_id)
    claim = await repository.claim_claim(s, claim_id=claim_id)
    if claim.status is ClaimStatus.OPEN and act.now >= claim.due_at:
        await mismatch(
            s,
            act,
            kind="claim-overdue",
            trade_id=claim.trade_id,
            facts={
                "claim_id": claim_id,
                "debtor_id": claim.debtor_id,
                "expected_minor": str(claim.amount_minor),
                "actual_minor": "0",
            },
        )


async def queue_fee_back(s: WriteSession, act: Act, *, claim_id: str) -> None:
    """Have what the platform owes instructed (again), beside whatever was asked before."""
    key, payload = f"{claim_id}:{act.new_id('job')}", {"claim_id": claim_id}
    await enqueue(s, kind=FEE_BACK_JOB, key=key, run_at=act.now, payload=payload)


async def give_fee_back(s: WriteSession, act: Act, *, claim_id: str, escrow: Escrow) -> Instruction | None:
    """Instruct what the platform owes: out of its own fee account into escrow, under the claim's reference.

    It reserves nothing: the money is in escrow when the bank says so, by the camt.054 of the claim. What has
    not come in when its term is over, or was returned, is given again on a person's word, under a new
    end-to-end id. None where it is with the bank, or paid.
    """
    found = await s.get(Claim, claim_id)
    if found is None:
        return None
    trade = await trades.claim_trade(s, trade_id=found.trade_id)
    claim = await repository.claim_claim(s, claim_id=claim_id)
    if claim.status is not ClaimStatus.OPEN or await repository.fee_back_of(s, claim=claim) is not None:
        return None
    message_id = act.new_id("ins")
    number = len(await repository.fees_back_of(s, claim=claim)) + 1
    name = claim_id if number == 1 else f"{claim_id}/{number}"  # the bank takes each end-to-end id once
    payout = Payout(name, claim.amount_minor, ESCROW_HOLDER, escrow.account)
    xml = write_instruction(
        message_id=message_id,
        at=act.occurred_at,
        debtor=INITIATOR,
        debtor_account=escrow.fee_account,
        reference=claim_id,
        payouts=[payout],
    )
    digest = sha256_hex(xml)
    told = legs_of([payout])
    await record(s, act, instruct_draft(act, trade.trade_id, digest, told))
    instruction = Instruction(
        message_id=message_id,
        trade_id=trade.trade_id,
        number=await repository.next_number(s, trade_id=trade.trade_id),
        kind=InstructionKind.FEE_BACK,
        status=InstructionState.INSTRUCTED,
        batch_id="",
        payouts=told,
        xml=xml,
        xml_sha256=digest,
        instructed_at=act.occurred_at,
        expires_at=await expires(s, act),
    )
    s.add(instruction)
    await s.flush()
    await enqueue(s, kind=SEND_JOB, key=message_id, run_at=act.now, payload={"message_id": message_id})
    return instruction


Fees: TypeAlias = Sequence[tuple[Claim, Instruction]]


async def fees_not_back(s: WriteSession, *, trade_id: str) -> Fees:
    """Open claims on the platform of which nothing is with the bank, each with its last instruction."""
    found = []
    for claim in await repository.open_claims_of(s, trade_id=trade_id):
        given = await repository.fees_back_of(s, claim=claim)
        if given and await repository.fee_back_of(s, claim=claim) is None:
            found.append((claim, given[-1]))
    return found


async def note_fee_returned(
    s: WriteSession, act: Act, *, movement: Movement, refusal: Refusal, escrow: Escrow
) -> None:
    """What the platform gives back was refused here, and the bank returns it: a person has it given again.

    Anybody may write our end-to-end id; what the bank says is the payer's account tells whose payment it was.
    """
    found = await s.get(Claim, movement.reference or "")
    if found is None or movement.party_account != escrow.fee_account:
        return
    await trades.claim_trade(s, trade_id=found.trade_id)
    claim = await repository.claim_claim(s, claim_id=found.claim_id)
    for given in await repository.fees_back_of(s, claim=claim):
        named = given.payouts[0]["end_to_end_id"] == movement.end_to_end_id
        if named and given.status is InstructionState.INSTRUCTED:
            given.status = InstructionState.REJECTED
            s.add(given)
            await s.flush()
            if claim.status is ClaimStatus.OPEN:
                await fee_not_back(s, act, given, reason=refusal.code)


async def fee_not_back(s: WriteSession, act: Act, instruction: Instruction, *, reason: str) -> None:
    """State that the platform's fee is not back in escrow, and ask for a person."""
    payout = instruction.payouts[0]
    await mismatch(
        s,
        act,
        kind=FEE_NOT_BACK,
        trade_id=instruction.trade_id,
        facts={
            "instruction_id": instruction.message_id,
            "claim_id": payout["end_to_end_id"].partition("/")[0],
            "reasons": reason,
            "expected_minor": payout["amount_minor"],
            "actual_minor": "0",
        },
    )


async def _fee_is_back(s: WriteSession, act: Act, claim: Claim, movement: Movement) -> None:
    """What the platform gave back has come, by whichever payment; nobody has to look after it any more."""
    given = await repository.fees_back_of(s, claim=claim)
    named = [one for one in given if one.payouts[0]["end_to_end_id"] == movement.end_to_end_id]
    for one in named or [one for one in given if one.status is InstructionState.INSTRUCTED]:
        one.status = InstructionState.PAID
        s.add(one)
    for item in await repository.open_work_items_of(s, trade_id=claim.trade_id):
        if item.kind == FEE_NOT_BACK and item.facts.get("claim_id") == claim.claim_id:
            item.closed_at = act.occurred_at
            s.add(item)
    await s.flush()
