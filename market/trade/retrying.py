"""A job that was given up is tried again on a person's word: the cause is gone, or somebody hopes so."""

from base.db import WriteSession
from base.errors import Conflict
from base.jobs import JobRow, take_up_again
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders.errors import TradeWrongRole

OPERATOR = "EXCHANGE_OPERATOR"


class JobNotGivenUp(Conflict):
    """It is done, waits for its time, or never was."""

    code = "job-not-given-up"
    title = "No job of this name was given up"


async def retry_job(s: WriteSession, act: Act, *, kind: str, key: str) -> JobRow:
    """Have a job that was given up tried again, at once and as often as a new one (JOB.RETRY).

    What it is about, and why it was given up, stay in the opening. A job that fails again is given up again.
    Raises TradeWrongRole, JobNotGivenUp.
    """
    if act.role != OPERATOR:
        raise TradeWrongRole("the exchange looks after its own work", role=act.role, roles=[OPERATOR])
    job = await take_up_again(s, kind=kind, key=key, now=act.now)
    if job is None:
        raise JobNotGivenUp("no such job was given up", kind=kind, key=key)
    await record(
        s,
        act,
        Draft(
            "JOB.RETRY",
            f"job/{kind}",
            public={"kind": kind},
            opening={"key": key, "last_error": job.last_error or ""},
        ),
    )
    return job
