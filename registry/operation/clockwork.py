"""What the durable scheduler does when something of a grant falls due."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.operation.guarding import fall_due
from registry.operation.moving import DUE_JOB


def operation_handlers(house: House) -> Handlers:
    """The clocks of grants, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        await fall_due(s, house.exchange_act(), **job.payload)

    return {DUE_JOB: on_due}
