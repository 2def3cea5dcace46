"""What is in doubt about a payment: the kinds of work items that say so, and what waits for them."""

from collections.abc import Sequence
from typing import Final

from base.db import ReadSession
from market.settlement import repository
from market.settlement.errors import PaymentInDoubt
from market.settlement.tables import Instruction, InstructionKind, InstructionState, WorkItem

EXPIRED: Final = "instruction-expired"
UNCONFIRMED: Final = "payment-unconfirmed"
REJECTED: Final = "instruction-rejected"
NOT_MADE: Final = "payment-not-made"
FEE_NOT_BACK: Final = "fee-not-back"
UNKNOWN_ENTRY: Final = "unknown-entry"
OTHERWISE: Final = "paid-otherwise"
AFTER_REJECTION: Final = "paid-after-rejection"
REJECTED_PAID: Final = "rejected-after-payment"
AFTER_ALL: Final = "paid-after-all"
TWICE: Final = "paid-twice"
LET_GO: Final = frozenset({REJECTED, EXPIRED, NOT_MADE})
PAYABLE_AGAIN: Final = LET_GO | {FEE_NOT_BACK}
CONTRADICTIONS: Final = frozenset({AFTER_REJECTION, REJECTED_PAID, OTHERWISE, AFTER_ALL, TWICE})
DOUBTS: Final = CONTRADICTIONS | {EXPIRED, UNCONFIRMED}


async def contradictions_of(s: ReadSession, *, trade_id: str) -> list[str]:
    """The kinds of open work items by which the bank contradicts itself about a trade, in order of name."""
    items = await repository.open_work_items_of(s, trade_id=trade_id)
    return sorted(item.kind for item in items if item.kind in CONTRADICTIONS)


async def waits_for_a_person(s: ReadSession, *, trade_id: str) -> bool:
    """Whether a payment of a trade was let go, or is in doubt: it is paid again on a person's word alone."""
    items = await repository.open_work_items_of(s, trade_id=trade_id)
    return any(item.kind in DOUBTS | LET_GO for item in items)


async def require_nothing_in_doubt(s: ReadSession, *, trade_id: str) -> None:
    """Refuse to give money another way while it may have left already; PaymentInDoubt.

    The bank never answered an instruction, or contradicts itself, until officers of the exchange have found
    what its statements show (`market.settlement.ascertaining`), or a person has said what came of a
    contradiction (`market.settlement.mending`). To have it paid again closes its work item and decides
    nothing: the bank may reject the second one because it has paid the first. The caller holds the trade's
    lock.
    """
    items = await repository.open_work_items_of(s, trade_id=trade_id)
    doubtful = {item.kind for item in items if item.kind in DOUBTS}
    for given in await repository.out_of_escrow(s, trade_id=trade_id):
        if await is_unanswered(s, given):
            doubtful.add(EXPIRED)
    if doubtful:
        raise PaymentInDoubt(
            "whether the bank has paid is not known", trade_id=trade_id, kinds=sorted(doubtful)
        )


async def is_unanswered(s: ReadSession, instruction: Instruction) -> bool:
    """Whether a payment was given up without an answer, and neither officers nor its twin tell what it did.

    Of those with the same end-to-end ids the bank pays one: where another was paid, this one was not.
    """
    return (
        instruction.status is InstructionState.EXPIRED
        and instruction.kind is not InstructionKind.FEE_BACK
        and not await repository.paid_already(s, instruction=instruction)
    )


def about(items: Sequence[WorkItem], message_id: str) -> list[WorkItem]:
    """Those of a trade's work items that are about one instruction, or do not say about which."""
    return [item for item in items if item.facts.get("instruction_id", message_id) == message_id]
