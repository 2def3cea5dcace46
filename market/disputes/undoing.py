"""What follows on a trade that is undone: the licence ends, copies are destroyed, money goes back."""

from typing import Final

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from market.delivery.service import revoke_entitlement
from market.orders.tables import Trade
from market.settlement.refunding import queue_refund

DESTRUCTION_JOB: Final = "filing.require-destruction"  # `market.filing` handles it; siblings know no more


async def undo(s: WriteSession, act: Act, *, trade: Trade) -> None:
    """End the licence of a trade that was just moved to REFUND_PENDING or VOIDED, by an act of the exchange.

    The buyer has to prove within ten working days that what it had is destroyed, and what escrow holds is
    paid back to it. What was released is claimed back first (`market.disputes.refunds`).
    """
    await end_licence(s, act, trade_id=trade.trade_id)
    await queue_refund(s, act, trade_id=trade.trade_id)


async def end_licence(s: WriteSession, act: Act, *, trade_id: str) -> None:
    """Revoke the right to receive for good, and ask for the proof that what was received is destroyed."""
    if await revoke_entitlement(s, trade_id=trade_id) is not None:
        await enqueue(s, kind=DESTRUCTION_JOB, key=trade_id, run_at=act.now, payload={"trade_id": trade_id})
