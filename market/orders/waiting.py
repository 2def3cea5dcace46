"""What the clock does to a trade that waits, asked for as durable jobs."""

from datetime import datetime, timedelta
from typing import Final

from base.db import ReadSession, WriteSession
from base.jobs import cancel, enqueue, schedule
from market.orders import repository
from market.orders.deadlines import DELIVER_WORKING_DAYS, due_in
from market.orders.states import TradeState
from market.orders.tables import Trade

TIMEOUT_JOB: Final = "trade.timeout"
FUND_TIMEOUT_JOB: Final = "trade.fund-timeout"
DELIVERY_FAIL_JOB: Final = "trade.delivery-fail"


def after(deadline: datetime) -> datetime:
    """The first moment that is late: the deadline itself is in time."""
    return deadline + timedelta(milliseconds=1)


async def await_answer(s: WriteSession, trade: Trade) -> None:
    """Have the trade lapse when nobody answers; each offer sets the term going anew."""
    assert trade.answer_by is not None
    await schedule(
        s,
        kind=TIMEOUT_JOB,
        key=trade.trade_id,
        run_at=after(trade.answer_by),
        payload={"trade_id": trade.trade_id},
    )


async def stop_awaiting_answer(s: WriteSession, trade: Trade, now: datetime) -> None:
    """The negotiation has ended: nothing is left to lapse."""
    await cancel(s, kind=TIMEOUT_JOB, key=trade.trade_id, now=now)


async def await_funds(s: WriteSession, trade: Trade) -> None:
    """Have the contract end when the escrow is not funded in time."""
    assert trade.fund_by is not None
    await enqueue(
        s,
        kind=FUND_TIMEOUT_JOB,
        key=trade.trade_id,
        run_at=after(trade.fund_by),
        payload={"trade_id": trade.trade_id},
    )


async def delivery_deadline(s: ReadSession, trade: Trade, *, since: datetime) -> datetime:
    """Until when a trade that is funded at a moment is to be delivered, by the offer that was accepted."""
    offer = await repository.latest_offer(s, trade_id=trade.trade_id)
    days = (offer and offer.delivery_days) or DELIVER_WORKING_DAYS
    due = due_in(TradeState.FUNDED, since, delivery_days=days)
    assert due is not None
    return due.deadline.at


async def await_delivery(s: WriteSession, trade: Trade, *, again: str | None = None) -> None:
    """Have a funded trade fail when it is not delivered in time; `again` names a deadline that was moved."""
    if trade.deliver_by is None:
        return
    await enqueue(
        s,
        kind=DELIVERY_FAIL_JOB,
        key=trade.trade_id if again is None else f"{trade.trade_id}:{again}",
        run_at=after(trade.deliver_by),
        payload={"trade_id": trade.trade_id},
    )
