"""When the open list is checked next: at the end of a period, as long as anything stands in it."""

from datetime import date, datetime, timedelta
from typing import Final

from base.calendar import end_of_day_shanghai, shanghai_day
from base.db import WriteSession
from base.jobs import enqueue
from registry.opening.terms import term

CHECK_JOB: Final = "registry.open-check"
_NIGHT: Final = timedelta(hours=1)


async def wind_check(s: WriteSession, now: datetime) -> None:
    """Have the whole list checked when this period is over, once."""
    every = term("OPEN-CHECK", "every", now).whole
    period = shanghai_day(now).toordinal() // every
    last = date.fromordinal((period + 1) * every - 1)
    run_at = end_of_day_shanghai(last) + _NIGHT
    await enqueue(s, kind=CHECK_JOB, key=last.isoformat(), run_at=run_at, payload={})
