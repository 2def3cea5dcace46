"""Stopping a trade by a signed order, and letting it go on.

A frozen trade takes no step: no offer, signature, payment, delivery or download, and its clock stands
still. The right to receive its data is frozen with it.
"""

from datetime import datetime, timedelta
from typing import Final

from base.calendar import deadline_after, shanghai_day, working_days_between
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery.repository import stop_of
from market.delivery.service import SILENT_ACCEPT_JOB, freeze_entitlement, unfreeze_entitlement
from market.disputes.service import resume_mediation
from market.orders import repository
from market.orders.deadlines import OPERATOR_FREEZE_WORKING_DAYS
from market.orders.rules import TradeEvent, TradeState, may_move, resumed
from market.orders.service import FUND_TIMEOUT_JOB, TIMEOUT_JOB, named
from market.orders.signing import conclude_signed
from market.orders.tables import Trade
from market.orders.waiting import after, await_delivery
from market.settlement.instructing import INSTRUCT_JOB, require_nothing_under_way
from market.settlement.refunding import queue_refund
from market.trade.checking import queue_mismatch
from market.trade.suspending import queue_look

FREEZE_OVER_JOB: Final = "trade.freeze-over"
_BEFORE_DELIVERED: Final = frozenset(
    {TradeState.FUNDED, TradeState.DELIVERING, TradeState.DELIVERY_SUSPENDED}
)
OPERATOR: Final = "EXCHANGE_OPERATOR"
_LATE: Final = timedelta(milliseconds=1)


async def freeze_trade(
    s: WriteSession, act: Act, *, trade_id: str, order_id: str, reason_code: str, case_id: str | None = None
) -> Trade:
    """Stop a trade by a signed order; deadlines stand still and no money leaves (TRD.FREEZE).

    The exchange's own freeze ends by itself after ten working days; a regulator's does not, also where it
    takes over the exchange's. Raises TradeWrongState, TradeWrongRole, PaymentUnderWay.
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    may_move(trade.status, TradeEvent.FREEZE, act.role)
    await require_nothing_under_way(s, trade_id=trade_id)
    before = trade.status
    await repository.freeze(s, trade=trade, role=act.role, at=act.occurred_at)
    await freeze_entitlement(s, trade_id=trade_id)
    await record(
        s,
        act,
        _order_step(trade, "TRD.FREEZE", before, order_id=order_id, case_id=case_id, reason_code=reason_code),
    )
    if act.role == OPERATOR:
        await enqueue(
            s,
            kind=FREEZE_OVER_JOB,
            key=f"{trade_id}:{order_id}",
            run_at=_operator_limit(act.occurred_at) + _LATE,
            payload={"trade_id": trade_id, "order_id": order_id},
        )
    return trade


async def unfreeze_trade(
    s: WriteSession, act: Act, *, trade_id: str, order_id: str, reason_code: str, case_id: str | None = None
) -> Trade:
    """Let a frozen trade go on; its deadlines are moved by the working days it stood still (TRD.UNFREEZE).

    Raises TradeWrongState, and TradeWrongRole for the exchange where a regulator froze it.
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    may_move(trade.status, TradeEvent.UNFREEZE, act.role)
    before = trade.status
    frozen_at = trade.frozen_at
    assert frozen_at is not None
    await repository.unfreeze(s, trade=trade, role=act.role, values=_moved_deadlines(trade, act))
    if trade.status is TradeState.DELIVERY_SUSPENDED:
        await _give_back(s, trade, frozen_at, act)
    elif trade.status is TradeState.DISPUTED:
        await resume_mediation(s, act, trade=trade, frozen_at=frozen_at)
    else:
        await unfreeze_entitlement(s, trade_id=trade_id)
    await record(
        s,
        act,
        _order_step(
            trade, "TRD.UNFREEZE", before, order_id=order_id, case_id=case_id, reason_code=reason_code
        ),
    )
    await _resume_jobs(s, act, trade)
    await conclude_signed(s, act.as_exchange(), trades=[trade])  # its mandate may have ended meanwhile
    return trade


async def end_freeze(s: WriteSession, act: Act, *, trade_id: str, order_id: str) -> bool:
    """The clock's end of the exchange's own freeze; False where it was lifted, or a regulator's stands."""
    trade = await repository.claim_trade(s, trade_id=trade_id)
    stands = trade.status is TradeState.FROZEN and trade.frozen_by == OPERATOR
    if not stands or trade.frozen_at is None or act.now <= _operator_limit(trade.frozen_at):
        return False
    await unfreeze_trade(s, act, trade_id=trade_id, order_id=order_id, reason_code="TIME_LIMIT")
    return True


def _operator_limit(frozen_at: datetime) -> datetime:
    return deadline_after(frozen_at, OPERATOR_FREEZE_WORKING_DAYS).at


def _moved_deadlines(trade: Trade, act: Act) -> dict[str, datetime]:
    """The deadlines that ran when the trade was stopped, later by the working days it stood still.

    A party that has to answer, pay or check always gets a working day; a payment that is due is made.
    """
    assert trade.frozen_at is not None
    moved = {}
    for name in ("answer_by", "fund_by", "deliver_by", "accept_by", "settle_at"):
        deadline: datetime | None = getattr(trade, name)
        if deadline is None or deadline < trade.frozen_at:
            continue
        at = resumed(deadline, frozen_at=trade.frozen_at, unfrozen_at=act.now).at
        if at <= act.now:
            at = act.now if name == "settle_at" else deadline_after(act.now, 1).at
        moved[name] = at
    return moved


def _order_step(trade: Trade, event: str, before: TradeState, **order: str | None) -> Draft:
    public = named(trade) | order
    return Draft(event, trade.trade_id, public=public, before=before.value, after=trade.status.value)


async def _give_back(s: WriteSession, trade: Trade, frozen_at: datetime, act: Act) -> None:
    """A delivery that is still suspended has been given these days: its resumption adds the others."""
    stop = await stop_of(s, trade_id=trade.trade_id)
    assert stop is not None
    if trade.deliver_by is not None and trade.deliver_by >= frozen_at:
        stop.given_days += working_days_between(shanghai_day(frozen_at), shanghai_day(act.now))
        s.add(stop)
        await s.flush()


async def _resume_jobs(s: WriteSession, act: Act, trade: Trade) -> None:
    """Queue the clock's next event anew: the job that fell due during the freeze found nothing to do."""
    name = act.new_id("job")
    if trade.status in _BEFORE_DELIVERED:
        await await_delivery(s, trade, again=name)
    if trade.status in {TradeState.DELIVERING, TradeState.DELIVERY_SUSPENDED}:
        await queue_look(s, trade_id=trade.trade_id, name=name, at=act.now)
    if trade.status in {TradeState.REFUND_PENDING, TradeState.PARTIAL_SETTLE}:
        await queue_refund(s, act, trade_id=trade.trade_id)
    if trade.status is TradeState.DELIVERED:
        await queue_mismatch(s, act, trade_id=trade.trade_id)
    waiting = {
        TradeState.INQUIRED: (TIMEOUT_JOB, trade.answer_by),
        TradeState.NEGOTIATING: (TIMEOUT_JOB, trade.answer_by),
        TradeState.CONTRACTED: (FUND_TIMEOUT_JOB, trade.fund_by),
        TradeState.DELIVERED: (SILENT_ACCEPT_JOB, trade.accept_by),
        TradeState.ACCEPTED_GOODS: (INSTRUCT_JOB, trade.settle_at),
    }.get(trade.status)
    if waiting is None:
        return
    kind, at = waiting
    assert at is not None
    run_at = at if kind == INSTRUCT_JOB else after(at)
    await enqueue(
        s,
        kind=kind,
        key=f"{trade.trade_id}:{name}",
        run_at=run_at,
        payload={"trade_id": trade.trade_id},
    )
