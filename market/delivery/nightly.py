"""Each night the uses of metered rights are stated (`market.delivery.meter.rollup`): when the next one is."""

from datetime import datetime, time, timedelta
from typing import Final

from base.calendar import at_shanghai, shanghai_day
from base.db import WriteSession
from base.jobs import enqueue

ROUND_JOB: Final = "delivery.usage-round"
_AT: Final = time(0, 30)
_A_DAY: Final = timedelta(days=1)


async def begin_rounds(s: WriteSession, *, now: datetime) -> None:
    """Have the next night's round made, if it is not asked for: a right that is metered begins."""
    day = shanghai_day(now) + _A_DAY
    await enqueue(s, kind=ROUND_JOB, key=day.isoformat(), run_at=at_shanghai(day, _AT), payload={})
