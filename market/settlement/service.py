"""What the bank reports takes effect: escrow is funded exactly, a trade is settled as instructed.

The platform holds no money: what happens at the bank is mirrored in postings, and every posting names
the statement, and the statement the digest of the bank's message, that it rests on.
"""

from typing import Any, Final

from base.calendar import shanghai_day
from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.jobs import cancel
from base.signing import Envelope
from ledger.accounts import Leg, escrow_of, held
from ledger.balances import balance, reserved_legs
from ledger.posting import book, post_reserved
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft, envelope_bytes
from market.orders import repository as trades
from market.orders.errors import TradeUnknown
from market.orders.rules import TradeEvent, TradeState, may_move
from market.orders.service import FUND_TIMEOUT_JOB, named
from market.orders.states import MOVES
from market.orders.tables import Trade
from market.orders.waiting import await_delivery, delivery_deadline
from market.settlement import repository
from market.settlement.claims import is_claim, pay_claim
from market.settlement.doubts import AFTER_ALL, TWICE
from market.settlement.errors import (
    AccountNotOurs,
    BankMessageChanged,
    BankMessageMalformed,
    EscrowAmountMismatch,
    EscrowFundedBefore,
    FundingFrozen,
    FundingLate,
    HeldTooLittle,
    NothingInDoubt,
    PaymentsCross,
    PaymentUnknown,
    SettlementNotInstructed,
)
from market.settlement.instructing import Escrow
from market.settlement.messages import Movement, Notification
from market.settlement.reconciling import queue_reconciliation
from market.settlement.refunding import refunded, settled_in_part
from market.settlement.settling import oddity, settled
from market.settlement.tables import (
    GIVEN_UP,
    BankMessage,
    BankMovement,
    Instruction,
    InstructionKind,
    InstructionState,
)
from market.settlement.work import mismatch

_BY: Final = {
    InstructionKind.SETTLE: TradeEvent.SETTLE,
    InstructionKind.SPLIT: TradeEvent.SETTLE,
    InstructionKind.REFUND: TradeEvent.REFUND,
}


async def receive_notification(
    s: WriteSession, act: Act, *, envelope: Envelope, notification: Notification, escrow: Escrow
) -> dict[str, Any]:
    """Take in a camt.054 whose signature was verified and which was read; the same again, the same answer.

    A credit funds its trade or is refused, and the bank returns it. A debit settles the trade whose
    instruction it answers. Raises PaymentUnknown, EscrowAmountMismatch, EscrowFundedBefore,
    FundingFrozen, FundingLate, AccountNotOurs, EntryKnown, SettlementNotInstructed, BankMessageChanged,
    TradeWrongState. What was refused before is for the caller to remember (`market.settlement.inbox`).
    """
    digest = sha256_hex(envelope.payload)
    await repository.lock_message(s, message_id=notification.message_id)
    known = await repository.get_message(s, message_id=notification.message_id)
    if known is not None:
        if known.payload_sha256 != digest:
            raise BankMessageChanged(
                "this message id came before with other content", message_id=notification.message_id
            )
        return known.outcome
    if notification.account != escrow.account:
        raise AccountNotOurs("a movement on another account", account=notification.account)
    if not notification.movements:
        raise BankMessageMalformed("a notification has an entry", message_id=notification.message_id)
    if all(movement.credit for movement in notification.movements):
        outcome = await _credit(s, act, notification, digest)
    else:
        outcome = await _settle(s, act, notification, digest)
    s.add(
        BankMessage(
            message_id=notification.message_id,
            payload_sha256=digest,
            envelope=envelope_bytes(envelope),
            outcome=outcome,
            received_at=act.now,
        )
    )
    await s.flush()
    return outcome


async def _credit(s: WriteSession, act: Act, notification: Notification, digest: str) -> dict[str, Any]:
    """Money comes in: the price of a trade, or what is claimed back, by its payment reference."""
    if any(is_claim(movement.reference) for movement in notification.movements):
        outcome = await pay_claim(s, act, notification=notification, digest=digest)
        await _note_movements(s, act, notification, outcome["trade_id"])
        return outcome
    return await _fund(s, act, notification, digest)


async def _fund(s: WriteSession, act: Act, notification: Notification, digest: str) -> dict[str, Any]:
    """CONTRACTED → FUNDED, by the exact amount and in time (`rules.md` §2.7).

    In time is what the bank has booked on the last day, whenever it reaches us: our own standstill is not the
    buyer's delay. Once the contract has ended (`market.settlement.lapsing`) the money goes back.
    """
    if len(notification.movements) != 1:
        raise BankMessageMalformed("a credit is notified by itself", message_id=notification.message_id)
    movement = notification.movements[0]
    trade = await _awaiting(s, act, movement)
    assert trade.fund_by is not None
    assert trade.price_minor is not None
    if movement.amount_minor != trade.price_minor:
        raise EscrowAmountMismatch(
            "the amount is not the price of the contract",
            trade_id=trade.trade_id,
            expected_minor=str(trade.price_minor),
            received_minor=str(movement.amount_minor),
        )
    if act.now > trade.fund_by and movement.booked_on > shanghai_day(trade.fund_by):
        raise FundingLate("the payment comes late", trade_id=trade.trade_id, fund_by=rfc3339(trade.fund_by))
    await repository.require_unknown(s, notification=notification)
    before = trade.status
    await trades.move(
        s,
        trade=trade,
        event=TradeEvent.FUND,
        role=act.role,
        values={
            "funded_at": act.occurred_at,
            "deliver_by": await delivery_deadline(s, trade, since=act.occurred_at),
        },
    )
    recorded = await record(
        s,
        act,
        Draft(
            "TRD.FUND",
            trade.trade_id,
            public=named(trade) | {"bank_message_sha256": digest},
            opening={"amount_minor": str(movement.amount_minor), "payer_account": movement.party_account},
            subjects={"bank-message": digest},
            before=before.value,
            after=trade.status.value,
        ),
    )
    await book(
        s,
        batch_id=act.new_id("bat"),
        object_id=trade.trade_id,
        statement_id=recorded.statement_id,
        booked_at=act.now,
        legs=[
            Leg(escrow_of(trade.buyer_id), movement.amount_minor),
            Leg(held(trade.trade_id), -movement.amount_minor),
        ],
    )
    await _note_movements(s, act, notification, trade.trade_id)
    await cancel(s, kind=FUND_TIMEOUT_JOB, key=trade.trade_id, now=act.now)
    await await_delivery(s, trade)
    return {"outcome": "funded", "trade_id": trade.trade_id}


async def _awaiting(s: WriteSession, act: Act, movement: Movement) -> Trade:
    """The trade that waits for this payment, locked. The bank reads the codes of the refusals."""
    reference = movement.reference or ""
    try:
        trade = await trades.claim_trade(s, trade_id=reference)
    except TradeUnknown:
        raise PaymentUnknown("no trade waits for this payment", reference=reference) from None
    if trade.status is TradeState.FROZEN:
        raise FundingFrozen("an order stands on the trade", trade_id=trade.trade_id)
    if trade.funded_at is not None:
        raise EscrowFundedBefore("the escrow is funded already", trade_id=trade.trade_id)
    may_move(trade.status, TradeEvent.FUND, act.role)
    return trade


async def _settle(s: WriteSession, act: Act, notification: Notification, digest: str) -> dict[str, Any]:
    """The trade moves to SETTLED or REFUNDED, when the bank has paid exactly what was instructed."""
    trade, instruction = await _instructed(s, notification)
    if instruction.status is InstructionState.PAID and await _is_known(s, notification, instruction):
        return {"outcome": "known", "trade_id": trade.trade_id}
    odd = oddity(notification, instruction)
    if instruction.status in GIVEN_UP:
        odd = await _paid_after_all(s, trade, instruction, odd)
    if odd is None or instruction.status not in GIVEN_UP:
        may_move(trade.status, event_of(instruction), act.role)
    if instruction.status is InstructionState.PAID and odd is None:
        odd = TWICE  # a void trade takes refunds, but none a second time
    await repository.require_unknown(s, notification=notification)
    if odd is not None:
        await mismatch(
            s,
            act,
            kind=odd,
            trade_id=trade.trade_id,
            facts={
                "instruction_id": instruction.message_id,
                "booked_on": max(m.booked_on for m in notification.movements).isoformat(),
                "expected_minor": str(instruction.total_minor),
                "actual_minor": str(-sum(m.signed_minor for m in notification.movements)),
            },
            bank_message_sha256=digest,
        )
        return {"outcome": "mismatch", "trade_id": trade.trade_id}
    await require_no_other(s, instruction)
    told = await release(s, act, trade=trade, instruction=instruction, digest=digest)
    await _note_movements(s, act, notification, trade.trade_id)
    outcome = "refunded" if instruction.kind is InstructionKind.REFUND else "settled"
    return {"outcome": outcome, "trade_id": trade.trade_id, "statement_id": told.statement_id}


async def _is_known(s: WriteSession, notification: Notification, instruction: Instruction) -> bool:
    """Whether a debit tells again what the bank's statement, or another message, has told."""
    entries = await repository.entries_known(s, entry_ids=[m.entry_id for m in notification.movements])
    known = {entry.entry_id: (entry.end_to_end_id, entry.signed_minor) for entry in entries}
    told = {m.entry_id: (m.end_to_end_id, m.signed_minor) for m in notification.movements}
    return known == told and oddity(notification, instruction) is None


async def _paid_after_all(
    s: WriteSession, trade: Trade, instruction: Instruction, odd: str | None
) -> str | None:
    """What it is when the bank pays what was given up: where it had never answered, its word still counts.

    Not where its statements showed that it had paid nothing, where the trade has gone another way since,
    where another instruction has paid the same, or where less is held by now: money has left then that is
    not the trade's.
    """
    if instruction.status is InstructionState.NOT_PAID:
        return AFTER_ALL
    if odd is not None or trade.status is TradeState.FROZEN:
        return odd
    waits = (trade.status, event_of(instruction)) in MOVES
    waits = waits and not await repository.paid_already(s, instruction=instruction)
    return None if waits and await _held_enough(s, instruction) else AFTER_ALL


async def _held_enough(s: WriteSession, instruction: Instruction) -> bool:
    return -await balance(s, held(instruction.trade_id)) >= instruction.total_minor


def event_of(instruction: Instruction) -> TradeEvent:
    """What a payment does to its trade. Raises SettlementNotInstructed for one that is not out of escrow."""
    event = _BY.get(instruction.kind)
    if event is None:
        raise SettlementNotInstructed(
            "this instruction pays nothing out of escrow", message_id=instruction.message_id
        )
    return event


async def require_no_other(s: WriteSession, instruction: Instruction) -> None:
    """Refuse, with PaymentsCross, what was given up while another one for the same is with the bank."""
    if instruction.status is InstructionState.INSTRUCTED:
        return
    if await repository.under_way(s, trade_id=instruction.trade_id) is not None:
        raise PaymentsCross("another instruction is with the bank", trade_id=instruction.trade_id)


async def require_not_paid(s: ReadSession, instruction: Instruction) -> None:
    """Refuse, with NothingInDoubt, what was paid, by it or by another instruction for the same."""
    if await repository.paid_already(s, instruction=instruction):
        raise NothingInDoubt("this payment was made before", instruction_id=instruction.message_id)


async def release(
    s: WriteSession, act: Act, *, trade: Trade, instruction: Instruction, digest: str
) -> Recorded:
    """Move a trade whose bank has paid as instructed, and its money (TRD.SETTLE or TRD.REFUND).

    `digest` is that of the bank's message or statement. Trade and instruction are locked by the caller.
    Raises TradeWrongState, HeldTooLittle, and NothingInDoubt for what was paid before.
    """
    event = event_of(instruction)
    may_move(trade.status, event, act.role)
    await require_not_paid(s, instruction)
    if not await _held_enough(s, instruction):
        raise HeldTooLittle("less is held than was paid", trade_id=trade.trade_id)
    before = trade.status
    at = {"settled_at": act.occurred_at} if event is TradeEvent.SETTLE else {}
    await trades.move(s, trade=trade, event=event, role=act.role, values=at)
    recorded = await record(s, act, _said(trade, instruction, digest, before))
    await _release(s, act, instruction, statement_id=recorded.statement_id)
    instruction.status = InstructionState.PAID
    s.add(instruction)
    await s.flush()
    return recorded


def _said(trade: Trade, instruction: Instruction, digest: str, before: TradeState) -> Draft:
    if instruction.kind is InstructionKind.REFUND:
        return refunded(trade, instruction, digest, before)
    if instruction.kind is InstructionKind.SPLIT:
        return settled_in_part(trade, instruction, digest, before)
    return settled(trade, instruction, digest, before)


async def _release(s: WriteSession, act: Act, instruction: Instruction, *, statement_id: str) -> None:
    """Post what was reserved; of an instruction that was given up, and was paid after all, book it anew."""
    if instruction.status is not InstructionState.INSTRUCTED:
        await book(
            s,
            batch_id=act.new_id("bat"),
            object_id=instruction.trade_id,
            statement_id=statement_id,
            booked_at=act.now,
            legs=await reserved_legs(s, batch_id=instruction.batch_id),
        )
        return
    await post_reserved(
        s,
        batch_id=act.new_id("bat"),
        resolves=instruction.batch_id,
        statement_id=statement_id,
        booked_at=act.now,
    )


async def _instructed(s: WriteSession, notification: Notification) -> tuple[Trade, Instruction]:
    """The one instruction that a debit names and its trade, locked: first the trade, as everywhere."""
    named_ids = {movement.instruction_id for movement in notification.movements}
    message_id = named_ids.pop() if len(named_ids) == 1 else None
    if message_id is None:
        raise SettlementNotInstructed(
            "the bank reports a payment that was not instructed", message_id=notification.message_id
        )
    found = await repository.get_instruction(s, message_id=message_id)
    trade = await trades.claim_trade(s, trade_id=found.trade_id)
    instruction = await repository.claim_instruction(s, message_id=message_id)
    assert instruction is not None
    return trade, instruction


async def _note_movements(s: WriteSession, act: Act, notification: Notification, trade_id: str) -> None:
    """Keep what the bank has booked; a credit is booked on our word, so not before today (decision 0005).

    These days are compared from then on. A bank whose clock is years behind makes nobody compare years:
    nothing moved for a trade before its inquiry.
    """
    today = shanghai_day(act.now)
    booked = {
        m.entry_id: max(m.booked_on, today) if m.credit else m.booked_on for m in notification.movements
    }
    for movement in notification.movements:
        s.add(
            BankMovement(
                entry_id=movement.entry_id,
                message_id=notification.message_id,
                trade_id=trade_id,
                end_to_end_id=movement.end_to_end_id,
                signed_minor=movement.signed_minor,
                booked_on=booked[movement.entry_id],
            )
        )
    await s.flush()
    days = {*booked.values(), *(movement.booked_on for movement in notification.movements)}
    if min(days) < today:
        began = shanghai_day((await trades.get_trade(s, trade_id=trade_id)).inquired_at)
        days = {max(day, began) for day in days}
    for day in sorted(days):
        await queue_reconciliation(s, day=day)
