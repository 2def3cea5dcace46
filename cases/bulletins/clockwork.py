"""What the durable scheduler does when a bulletin should have been read."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from cases.bulletins.issuing import REMIND_JOB, remind
from ledger.acts import House


def bulletin_handlers(house: House) -> Handlers:
    """The clocks of bulletins, on this node."""

    async def on_remind(s: WriteSession, job: Job) -> None:
        named = {name: str(job.payload[name]) for name in ("bulletin_id", "receive_by")}
        await remind(s, house.exchange_act(), **named)

    return {REMIND_JOB: on_remind}
