"""Each day the exchange looks which settled trades are not invoiced or filed in time.

A round a day finds the days of settlement whose term has passed since the last round, also when that was long
ago, and has each looked after by a job of its own. Settling costs nothing for it.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from base.calendar import at_shanghai, end_of_day_shanghai, shanghai_day
from base.clock import SHANGHAI, rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from market.filing import repository
from market.filing.duties import late
from market.filing.rules import Overdue
from market.filing.service import end_licence
from market.orders import repository as trades
from market.orders.deadlines import file_by, invoice_by
from market.orders.rules import TradeState

ROUND_JOB: Final = "filing.round"
WATCH_JOB: Final = "filing.watch"
_A_DAY: Final = timedelta(days=1)
_LONGEST_TERM: Final = timedelta(days=40)  # the month, and five working days over any holiday
_AT_ONCE: Final = 50


async def begin_rounds(s: WriteSession, *, now: datetime) -> None:
    """Have the next round made, if it is not asked for: something is being paid out."""
    await _next_round(s, now)


async def make_round(s: WriteSession, act: Act, *, since: datetime) -> None:
    """Have the days looked after whose terms have passed since the last round, and the next round made."""
    for day, term in terms_between(since, act.now):
        key = f"{day.isoformat()}:{term.date().isoformat()}"
        await enqueue(s, kind=WATCH_JOB, key=key, run_at=act.now, payload={"day": day.isoformat()})
    await _next_round(s, act.now)


async def _next_round(s: WriteSession, now: datetime) -> None:
    day = shanghai_day(now) + _A_DAY
    run_at = at_shanghai(day, datetime.min.time())
    await enqueue(s, kind=ROUND_JOB, key=day.isoformat(), run_at=run_at, payload={"since": rfc3339(now)})


def terms_between(since: datetime, now: datetime) -> Iterator[tuple[date, datetime]]:
    """The days of settlement with a term that was not over at `since` and is at `now`, and the term. Pure."""
    day = shanghai_day(since - _LONGEST_TERM)
    while day <= shanghai_day(now):
        last = end_of_day_shanghai(day)
        for term in sorted({invoice_by(last), file_by(last)}):
            if since <= term < now:
                yield day, term.astimezone(SHANGHAI)
        day += _A_DAY


async def watch_settled(s: WriteSession, act: Act, *, day: date, beyond: str = "") -> None:
    """State what is overdue of the trades settled on a day; of many a slice, and a job for the rest.

    A licence that has ended in the meantime has its data destroyed, invoice or not.
    """
    last = end_of_day_shanghai(day)
    found = await repository.settled_on(s, day=day, after=beyond, limit=_AT_ONCE)
    for trade_id in found:
        await _look_after(s, act, trade_id, invoice_due_at=invoice_by(last), file_due_at=file_by(last))
    if len(found) == _AT_ONCE:
        payload = {"day": day.isoformat(), "beyond": found[-1]}
        key = f"{day.isoformat()}:{rfc3339(act.now)}:{found[-1]}"
        await enqueue(s, kind=WATCH_JOB, key=key, run_at=act.now, payload=payload)


async def _look_after(
    s: WriteSession, act: Act, trade_id: str, *, invoice_due_at: datetime, file_due_at: datetime
) -> None:
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.SETTLED:
        return
    if act.now > invoice_due_at and await repository.invoice_of(s, trade_id=trade_id) is None:
        await late(s, act, trade_id, Overdue.INVOICE, org_id=trade.seller_id, due_at=invoice_due_at)
    if act.now > file_due_at:
        exchange = act.exchange.actor.org_id
        await late(s, act, trade_id, Overdue.FILING, org_id=exchange, due_at=file_due_at)
    await end_licence(s, act, trade_id=trade_id)
