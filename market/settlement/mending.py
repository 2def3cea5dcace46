"""What a person of the exchange does about money that does not fit: say what came of it, have it paid again.

Both are statements of the operator. Nothing is booked here: money moves only on the bank's word.
"""

from enum import StrEnum
from typing import Final

from base.db import WriteSession
from ledger.reader import statement
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders import repository as trades
from market.orders.officers import require_unrelated
from market.orders.rules import TradeState
from market.orders.states import MOVES
from market.orders.tables import Trade
from market.settlement import repository
from market.settlement.claims import Fees, fees_not_back, queue_fee_back
from market.settlement.doubts import DOUBTS, PAYABLE_AGAIN, about, contradictions_of, is_unanswered
from market.settlement.errors import (
    NothingToPayAgain,
    PaymentInDoubt,
    PaymentUnderWay,
    WorkItemClosed,
    WorkWrongRole,
)
from market.settlement.instructing import queue_instruction
from market.settlement.service import event_of
from market.settlement.tables import GIVEN_UP, Instruction, InstructionState, WorkItem

OPERATOR: Final = "EXCHANGE_OPERATOR"
OWING: Final = frozenset(
    {
        TradeState.ACCEPTED_GOODS,
        TradeState.PARTIAL_SETTLE,
        TradeState.REFUND_PENDING,
        TradeState.VOIDED,
    }
)
MAX_NOTE_CHARS: Final = 1000


class Resolution(StrEnum):
    """What came of a difference."""

    CORRECTED = "CORRECTED"  # the bank, or we, have put it right
    EXPLAINED = "EXPLAINED"  # money and books agree after all
    HANDED_OVER = "HANDED_OVER"  # to an authority or a court


async def close_work_item(
    s: WriteSession, act: Act, *, item_id: str, resolution: Resolution, note: str
) -> WorkItem:
    """Say what came of a work item, and close it (PAY.RESOLVE; the note stays in the opening).

    What waited for it on its trade is taken up again; what was let go is not (`pay_again`). What became of a
    payment that may still have left is for two officers to find (`market.settlement.ascertaining`). An item
    about a trade is for nobody who is related to a party. Raises WorkItemUnknown, WorkItemClosed,
    WorkWrongRole, OfficerRelated, PaymentInDoubt.
    """
    only_the_operator(act)
    item = await repository.claim_work_item(s, item_id=item_id)
    if item.closed_at is not None:
        raise WorkItemClosed("somebody has closed it", item_id=item_id)
    if item.trade_id is not None:
        await require_unrelated(s, act, await trades.get_trade(s, trade_id=item.trade_id))
    await _require_decided(s, item)
    item.closed_at = act.occurred_at
    s.add(item)
    await s.flush()
    mismatch = await statement(s, statement_id=item.statement_id)
    await record(
        s,
        act,
        Draft(
            "PAY.RESOLVE",
            item.item_id,
            public={
                "item_id": item.item_id,
                "trade_id": item.trade_id,
                "kind": item.kind,
                "resolution": resolution.value,
            },
            opening={"note": note},
            subjects={"mismatch": mismatch.envelope_sha256},
        ),
    )
    if item.trade_id is not None and item.kind in DOUBTS | PAYABLE_AGAIN:
        out = await repository.out_of_escrow(s, trade_id=item.trade_id)
        if not out or out[-1].status not in GIVEN_UP:
            await queue_instruction(s, act, trade_id=item.trade_id, at=act.now)
    return item


async def _require_decided(s: WriteSession, item: WorkItem) -> None:
    """Refuse, with PaymentInDoubt, to close a doubt about a payment of which nobody knows what became."""
    if item.kind not in DOUBTS or item.trade_id is None:
        return
    out = await repository.out_of_escrow(s, trade_id=item.trade_id)
    for one in out:
        if about([item], one.message_id) and await _is_open(s, one):
            raise PaymentInDoubt(
                "two officers find what became of it", trade_id=item.trade_id, kinds=[item.kind]
            )


async def _is_open(s: WriteSession, instruction: Instruction) -> bool:
    """Whether a payment is with the bank; or was never answered, and its trade would take it still."""
    if not await is_unanswered(s, instruction):
        return instruction.status is InstructionState.INSTRUCTED
    trade = await trades.get_trade(s, trade_id=instruction.trade_id)
    state = TradeState(trade.frozen_from) if trade.frozen_from else trade.status
    return (state, event_of(instruction)) in MOVES


async def pay_again(s: WriteSession, act: Act, *, trade_id: str) -> Trade:
    """Have a payment that the bank rejected, never answered or did not make instructed anew (PAY.REQUEUE).

    It may be a settlement, a refund or what the platform gives back; its work items close. The bank pays
    each end-to-end id once, so what it has paid after all is not paid twice; what the platform gives back
    gets a new one, and the bank asks before it comes in. Raises TradeUnknown, NothingToPayAgain,
    PaymentUnderWay, PaymentInDoubt, WorkWrongRole, OfficerRelated.
    """
    only_the_operator(act)
    trade = await trades.claim_trade(s, trade_id=trade_id)
    await require_unrelated(s, act, trade)
    again, fees = await _payable(s, trade)
    doubtful = await contradictions_of(s, trade_id=trade_id)
    if doubtful:
        raise PaymentInDoubt("what the bank said contradicts itself", trade_id=trade_id, kinds=doubtful)
    items = await repository.open_work_items_of(s, trade_id=trade_id)
    closed = [item for item in items if item.kind in PAYABLE_AGAIN]
    for item in closed:
        item.closed_at = act.occurred_at
        s.add(item)
    await s.flush()
    failed = again or fees[-1][1]
    await record(
        s,
        act,
        Draft(
            "PAY.REQUEUE",
            trade_id,
            public={
                "trade_id": trade_id,
                "instruction_sha256": failed.xml_sha256,
                "items": [item.item_id for item in closed],
            },
            subjects={"instruction": failed.xml_sha256},
        ),
    )
    for claim, _ in fees:
        await queue_fee_back(s, act, claim_id=claim.claim_id)
    if again is not None:
        waits_for = trade.settle_at if trade.status is TradeState.ACCEPTED_GOODS else None
        await queue_instruction(s, act, trade_id=trade_id, at=max(waits_for or act.now, act.now))
    return trade


async def _payable(s: WriteSession, trade: Trade) -> tuple[Instruction | None, Fees]:
    """What was let go of a trade (locked) and is due still: the last payment out of escrow, and fees.

    Raises NothingToPayAgain, PaymentUnderWay.
    """
    trade_id = trade.trade_id
    instructions = await repository.instructions_of(s, trade_id=trade_id)
    if trade.status not in OWING or not instructions:
        raise NothingToPayAgain("no rejected payment waits on this trade", trade_id=trade_id)
    fees = await fees_not_back(s, trade_id=trade_id)
    out = await repository.out_of_escrow(s, trade_id=trade_id)
    last = out[-1] if out else None
    if last is not None and last.status in GIVEN_UP:
        return last, fees
    if fees:
        return None, fees
    if any(one.status is InstructionState.INSTRUCTED for one in instructions):
        raise PaymentUnderWay("the payment is under way at the bank", trade_id=trade_id)
    raise NothingToPayAgain("the last payment of this trade was made", trade_id=trade_id)


def only_the_operator(act: Act) -> None:
    """Raises WorkWrongRole for anybody else."""
    if act.role != OPERATOR:
        raise WorkWrongRole("the exchange looks after its own work", role=act.role)
