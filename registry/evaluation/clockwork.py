"""What the durable scheduler does when a period of an evaluation is over."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.evaluation.moving import DUE_JOB
from registry.evaluation.service import fall_due


def evaluation_handlers(house: House) -> Handlers:
    """The clocks of evaluations, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        await fall_due(s, house.exchange_act(), **job.payload)

    return {DUE_JOB: on_due}
