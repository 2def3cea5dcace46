"""What the durable scheduler does when something of the lists falls due."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.lists.moving import ITEM_DUE_JOB, SHARE_DUE_JOB
from registry.lists.sharing import share_fell_due
from registry.lists.sourcing import item_fell_due


def list_handlers(house: House) -> Handlers:
    """The clocks of items and of share requests, on this node."""

    async def on_item(s: WriteSession, job: Job) -> None:
        await item_fell_due(s, house.exchange_act(), **job.payload)

    async def on_share(s: WriteSession, job: Job) -> None:
        await share_fell_due(s, house.exchange_act(), **job.payload)

    return {ITEM_DUE_JOB: on_item, SHARE_DUE_JOB: on_share}
