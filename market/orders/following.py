"""A settled trade is looked after until it is filed: one durable job for all trades of a day.

`market.filing` does it; settlement asks for it in the transaction that settles.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from base.calendar import shanghai_day
from base.db import WriteSession
from base.jobs import enqueue, plan_job
from base.rows import Plan
from market.orders.deadlines import file_by, invoice_by

FILING_JOB: Final = "filing.watch"
_LATE: Final = timedelta(milliseconds=1)


async def await_filing(s: WriteSession, settled_at: datetime) -> None:
    """Have the trades settled on this day looked after when the first of their terms is over."""
    await enqueue(s, **_watch(settled_at))


def plan_filing(plan: Plan, settled_at: datetime) -> None:
    """`await_filing` as part of a plan."""
    plan_job(plan, **_watch(settled_at))


def _watch(settled_at: datetime) -> dict[str, Any]:
    day = shanghai_day(settled_at).isoformat()
    first = min(invoice_by(settled_at), file_by(settled_at))
    return {"kind": FILING_JOB, "key": day, "run_at": first + _LATE, "payload": {"day": day}}
