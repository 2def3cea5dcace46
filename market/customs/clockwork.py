"""What the durable scheduler does for customs: ends, the customs log of the night, counting, destroying."""

from typing import Any, Final

from base.db import WriteSession
from base.jobs import External, Handlers, Job
from ledger.acts import House
from market.customs import repository
from market.customs.carrying import fall_due
from market.customs.counting import Counting, CustomsDesk, Tally, count_for, hold_group
from market.customs.destroying import DESTROY_JOB, YEAR_JOB, end_year, may_destroy, state_destroyed
from market.customs.moving import DUE_JOB
from market.customs.releasing import COUNT_JOB, take_count
from market.customs.scanning import scan_again
from market.customs.standing import STANDING_JOB, count_standing, look_at_group, take_standing
from market.customs.transit import TELL_JOB, tell_egress

_LEASE_S: Final = 900


def customs_handlers(house: House, desk: CustomsDesk | None = None) -> Handlers:
    """The clocks of customs, on this node; lists are counted where the files are."""

    async def on_due(s: WriteSession, job: Job) -> None:
        await fall_due(s, house.exchange_act(), **job.payload)

    async def on_night(s: WriteSession, job: Job) -> None:
        found = await repository.get_declaration(s, declaration_id=job.payload["declaration_id"])
        await hold_group(s, org_id=found.exporter_id)
        row = await repository.claim_declaration(s, declaration_id=job.payload["declaration_id"])
        await tell_egress(s, house.exchange_act(), row)
        await scan_again(s, house.exchange_act(), row)
        await look_at_group(s, house.exchange_act(), org_id=row.exporter_id)

    async def on_year(s: WriteSession, job: Job) -> None:
        row = await repository.claim_declaration(s, declaration_id=job.payload["declaration_id"])
        await end_year(s, house.exchange_act(), row)

    always: Handlers = {DUE_JOB: on_due, TELL_JOB: on_night, YEAR_JOB: on_year}
    if desk is None:
        return always

    return {**always, **_of_lists(house, desk)}


def _of_lists(house: House, desk: CustomsDesk) -> Handlers:
    """What is counted, and destroyed, where the files are."""

    async def count(job: Job) -> Any:
        return await count_for(desk, house.database, job.payload["declaration_id"], house.clock.now())

    async def destroy(job: Job) -> None:
        async with house.database.read() as s:
            if not await may_destroy(s, **job.payload):
                return
        await desk.files.delete(job.payload["file_id"])

    async def destroyed(s: WriteSession, job: Job, _: object) -> None:
        await state_destroyed(s, house.exchange_act(), **job.payload)

    async def counted(s: WriteSession, job: Job, found: Counting) -> None:
        await take_count(s, house.exchange_act(), **job.payload, counted=found)

    async def stands(job: Job) -> Any:
        return await count_standing(desk, house.database, now=house.clock.now(), **job.payload)

    async def stood(s: WriteSession, job: Job, tally: Tally) -> None:
        await take_standing(s, house.exchange_act(), **job.payload, tally=tally)

    return {
        COUNT_JOB: External(count, counted, _LEASE_S),
        STANDING_JOB: External(stands, stood, _LEASE_S),
        DESTROY_JOB: External(destroy, destroyed),
    }
