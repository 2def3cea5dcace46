"""What the durable scheduler does when something of a registration falls due."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.registration import answering
from registry.registration.answering import REGISTRAR_DUE_JOB
from registry.registration.applying import fall_due
from registry.registration.lapsing import end_rights
from registry.registration.moving import DUE_JOB, RIGHT_DUE_JOB


def registration_handlers(house: House) -> Handlers:
    """The clocks of registrations, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        await fall_due(s, house.exchange_act(), **job.payload)

    async def on_right_due(s: WriteSession, job: Job) -> None:
        await end_rights(s, house.exchange_act(), **job.payload)

    async def on_registrar_due(s: WriteSession, job: Job) -> None:
        await answering.fall_due(s, house.exchange_act(), **job.payload)

    return {DUE_JOB: on_due, RIGHT_DUE_JOB: on_right_due, REGISTRAR_DUE_JOB: on_registrar_due}
