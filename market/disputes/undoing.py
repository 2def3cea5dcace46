"""What follows on a trade that is undone: the licence ends, copies are destroyed, money goes back."""

from typing import Final

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from market.delivery.service import revoke_entitlement
from market.orders.states import TradeState
from market.orders.tables import Trade
from market.settlement.refunding import queue_refund

DESTRUCTION_JOB: Final = "filing.require-destruction"  # `market.trade.clockwork` hands it to `market.filing`


async def undo(s: WriteSession, act: Act, *, trade: Trade) -> None:
    """End the licence of a trade that was just moved to REFUND_PENDING or VOIDED, by an act of the exchange.

    What escrow holds is paid back to the buyer; what was released is claimed back first
    (`market.disputes.refunds`, `market.disputes.voiding`).
    """
    await end_licence(s, act, trade=trade)
    await queue_refund(s, act, trade_id=trade.trade_id)


async def end_licence(s: WriteSession, act: Act, *, trade: Trade) -> None:
    """Revoke the right to receive for good, and ask for the proof that what was received is destroyed.

    Asking is a job: the duty is another room's, and comes with the invoice that has to be taken back.
    """
    await revoke_entitlement(s, trade_id=trade.trade_id)
    cause = "VOID" if trade.status is TradeState.VOIDED else "REFUND"
    await enqueue(
        s,
        kind=DESTRUCTION_JOB,
        key=f"{trade.trade_id}:{cause}",
        run_at=act.now,
        payload={"trade_id": trade.trade_id, "cause": cause},
    )
