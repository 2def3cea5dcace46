"""What the clock does to a trade that waits, asked for as durable jobs."""

from datetime import datetime, timedelta
from typing import Final

from base.db import WriteSession
from base.jobs import cancel, enqueue, schedule
from market.orders.tables import Trade

TIMEOUT_JOB: Final = "trade.timeout"
FUND_TIMEOUT_JOB: Final = "trade.fund-timeout"


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
