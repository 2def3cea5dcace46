"""A delivery that does not come in time: the clock, or the buyer, ends it, and the money goes back."""

from typing import Final

from base.db import WriteSession
from base.jobs import cancel
from ledger.recording import Act, record
from market.delivery.service import end_stop
from market.disputes.undoing import undo
from market.orders import repository
from market.orders.deadlines import check_reached
from market.orders.errors import NotAParty
from market.orders.rules import TradeEvent, TradeState, may_move
from market.orders.service import step
from market.orders.tables import Trade
from market.orders.waiting import DELIVERY_FAIL_JOB, delivery_deadline

_WHY: Final = {
    TradeState.FUNDED: "NOT_BEGUN",
    TradeState.DELIVERING: "NOT_DELIVERED",
    TradeState.DELIVERY_SUSPENDED: "SUSPENDED_TOO_LONG",
}


async def say_delivery_failed(s: WriteSession, act: Act, *, trade_id: str) -> Trade:
    """The buyer's word, after the term, that the delivery has failed (TRD.DELIVERY_FAIL): it is paid back.

    Raises TradeUnknown, NotAParty, TradeWrongState, TradeWrongRole, DeadlineNotReached.
    """
    trade = await repository.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    may_move(trade.status, TradeEvent.DELIVERY_FAIL, act.role)
    if act.role != "BUYER" or act.actor.org_id != trade.buyer_id:
        raise NotAParty("this is an act of the trade's BUYER", role=act.role)
    assert trade.funded_at is not None
    deliver_by = trade.deliver_by or await delivery_deadline(s, trade, since=trade.funded_at)
    check_reached(TradeEvent.DELIVERY_FAIL, deliver_by, act.now)
    await _fail(s, act, trade)
    await cancel(s, kind=DELIVERY_FAIL_JOB, key=trade_id, now=act.now)
    return trade


async def fail_late_delivery(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The clock's end of a delivery whose term is over (TRD.DELIVERY_FAIL); False when it was overtaken."""
    trade = await repository.claim_trade(s, trade_id=trade_id)
    if trade.status not in _WHY or trade.deliver_by is None or act.now <= trade.deliver_by:
        return False
    await _fail(s, act, trade)
    return True


async def _fail(s: WriteSession, act: Act, trade: Trade) -> None:
    """The right to receive ends with the trade's state; a download that finished first has moved that."""
    before = trade.status
    await repository.move(s, trade=trade, event=TradeEvent.DELIVERY_FAIL, role=act.role)
    await end_stop(s, trade_id=trade.trade_id)
    await record(s, act, step(trade, TradeEvent.DELIVERY_FAIL, before, reason_code=_WHY[before]))
    await undo(s, act.as_exchange(), trade=trade)
