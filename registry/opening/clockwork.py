"""What the durable scheduler does for the open list: days that are over, terms that end, the weekly check."""

from collections.abc import Sequence
from typing import Final

from base.db import WriteSession
from base.files import FileStore
from base.jobs import External, Handlers, Job
from ledger.acts import House
from registry.opening.agreeing import EXPIRE_JOB, expire
from registry.opening.checking import Looked, look_over, record_check
from registry.opening.taking import USAGE_JOB, state_usage
from registry.opening.winding import CHECK_JOB, wind_check

_LEASE_S: Final = 3600
"""A check reads every file that is open."""


def opening_handlers(house: House) -> Handlers:
    """The clocks of the open list, on this node."""

    async def on_day_over(s: WriteSession, job: Job) -> None:
        await state_usage(s, house.exchange_act(), **job.payload)

    async def on_term_over(s: WriteSession, job: Job) -> None:
        await expire(s, house.exchange_act(), **job.payload)

    return {USAGE_JOB: on_day_over, EXPIRE_JOB: on_term_over}


def checking_handlers(house: House, files: FileStore) -> Handlers:
    """The weekly check of the list against reality; it reads files, so it runs outside a transaction."""

    async def look(job: Job) -> Sequence[Looked]:
        return await look_over(house.database, files, job.now)

    async def keep(s: WriteSession, job: Job, looked: Sequence[Looked]) -> None:
        await record_check(s, house.exchange_act(), looked=looked, at=job.now)
        if looked:
            await wind_check(s, job.now)

    return {CHECK_JOB: External(look, keep, lease_s=_LEASE_S)}
