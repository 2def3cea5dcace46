"""What the durable scheduler does when something of an asset certificate falls due."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.vouchers.holding import fall_due
from registry.vouchers.moving import DUE_JOB


def voucher_handlers(house: House) -> Handlers:
    """The clocks of asset certificates, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        await fall_due(s, house.exchange_act(), **job.payload)

    return {DUE_JOB: on_due}
