"""A contract made void by an authority's decision or a judgment: from any state, and for good.

The licence ends, what the buyer had is destroyed, whatever the clock would have done is called off. What
escrow holds goes back to the buyer; what was released is claimed back from whoever had it.
"""

from typing import Final

from base.db import WriteSession
from base.jobs import cancel
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery.service import SILENT_ACCEPT_JOB, end_stop
from market.disputes import repository
from market.disputes.refunds import claim_everything_back
from market.disputes.rules import Basis, DisputeState
from market.disputes.service import close_dispute
from market.disputes.undoing import undo
from market.orders import repository as trades
from market.orders.statements import named
from market.orders.states import TradeEvent, may_move
from market.orders.tables import Trade
from market.orders.waiting import DELIVERY_FAIL_JOB, FUND_TIMEOUT_JOB, TIMEOUT_JOB
from market.settlement.doubts import require_nothing_in_doubt
from market.settlement.instructing import INSTRUCT_JOB, require_nothing_under_way

_CLOCKS: Final = (TIMEOUT_JOB, FUND_TIMEOUT_JOB, DELIVERY_FAIL_JOB, SILENT_ACCEPT_JOB, INSTRUCT_JOB)
_THAWED: Final = {"frozen_from": None, "frozen_by": None, "frozen_at": None}


async def void_trade(
    s: WriteSession, act: Act, *, trade_id: str, order_id: str, reason_code: str, case_id: str | None = None
) -> Trade:
    """Make a trade's contract void by a signed order (TRD.VOID); also a frozen one's.

    Raises TradeUnknown, TradeWrongState where it is void, TradeWrongRole, and PaymentUnderWay while the bank
    has an instruction of it, PaymentInDoubt while nobody knows whether it has paid: when that is answered
    the order can be given again.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    may_move(trade.status, TradeEvent.VOID, act.role)
    await require_nothing_under_way(s, trade_id=trade_id)
    await require_nothing_in_doubt(s, trade_id=trade_id)
    before = trade.status
    await trades.move(s, trade=trade, event=TradeEvent.VOID, role=act.role, values=dict(_THAWED))
    await record(
        s,
        act,
        Draft(
            "TRD.VOID",
            trade_id,
            public=named(trade) | {"order_id": order_id, "case_id": case_id, "reason_code": reason_code},
            before=before.value,
            after=trade.status.value,
        ),
    )
    system = act.as_exchange()
    for kind in _CLOCKS:
        await cancel(s, kind=kind, key=trade_id, now=act.now)
    dispute = await repository.find_dispute(s, trade_id=trade_id)
    if dispute is not None and dispute.status is DisputeState.OPEN:
        await close_dispute(s, system, dispute, basis=Basis.VOID, award=None)
    await end_stop(s, trade_id=trade_id)
    await claim_everything_back(s, system, trade=trade)
    await undo(s, system, trade=trade)
    return trade
