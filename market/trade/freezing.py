"""Stopping a trade by a signed order, and letting it go on."""

from datetime import timedelta

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery.service import SILENT_ACCEPT_JOB
from market.orders import repository
from market.orders.rules import TradeState, resumed
from market.orders.service import FUND_TIMEOUT_JOB, TIMEOUT_JOB, named
from market.orders.tables import Trade
from market.settlement.instructing import (
    INSTRUCT_JOB,
    require_nothing_under_way,
)


async def freeze_trade(
    s: WriteSession, act: Act, *, trade_id: str, order_id: str, reason_code: str, case_id: str | None = None
) -> Trade:
    """Stop a trade by a signed order; deadlines stand still and no money leaves (TRD.FREEZE).

    Raises TradeWrongState, TradeWrongRole, PaymentUnderWay.
    """
    trade = await repository.get_trade(s, trade_id=trade_id)
    await require_nothing_under_way(s, trade_id=trade_id)
    before = trade.status
    await repository.freeze(s, trade=trade, role=act.role, at=act.occurred_at)
    await record(
        s,
        act,
        _order_step(trade, "TRD.FREEZE", before, order_id=order_id, case_id=case_id, reason_code=reason_code),
    )
    return trade


async def unfreeze_trade(
    s: WriteSession, act: Act, *, trade_id: str, order_id: str, reason_code: str, case_id: str | None = None
) -> Trade:
    """Let a frozen trade go on; its deadlines are moved by the working days it stood still (TRD.UNFREEZE)."""
    trade = await repository.get_trade(s, trade_id=trade_id)
    frozen_at, before = trade.frozen_at, trade.status
    await repository.unfreeze(s, trade=trade, role=act.role)
    assert frozen_at is not None
    for name in ("answer_by", "fund_by", "accept_by", "settle_at"):
        deadline = getattr(trade, name)
        if deadline is not None and deadline >= frozen_at:
            moved = resumed(deadline, frozen_at=frozen_at, unfrozen_at=act.occurred_at)
            setattr(trade, name, max(moved.at, act.now))
    s.add(trade)
    await s.flush()
    await record(
        s,
        act,
        _order_step(
            trade, "TRD.UNFREEZE", before, order_id=order_id, case_id=case_id, reason_code=reason_code
        ),
    )
    await _resume_jobs(s, act, trade)
    return trade


def _order_step(trade: Trade, event: str, before: TradeState, **order: str | None) -> Draft:
    public = named(trade) | order
    return Draft(event, trade.trade_id, public=public, before=before.value, after=trade.status.value)


async def _resume_jobs(s: WriteSession, act: Act, trade: Trade) -> None:
    """Queue the clock's next event anew: the job that fell due during the freeze found nothing to do."""
    key = f"{trade.trade_id}:{act.new_id('job')}"
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
    if at is None:
        return
    late = at if kind == INSTRUCT_JOB else at + timedelta(milliseconds=1)
    await enqueue(s, kind=kind, key=key, run_at=late, payload={"trade_id": trade.trade_id})
