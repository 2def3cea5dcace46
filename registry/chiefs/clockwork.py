"""What the durable scheduler does when the term of a chief data officer is over."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.chiefs.service import TERM_JOB, term_over


def chief_handlers(house: House) -> Handlers:
    """The terms of chief data officers, on this node."""

    async def on_over(s: WriteSession, job: Job) -> None:
        await term_over(s, house.exchange_act(), **job.payload)

    return {TERM_JOB: on_over}
