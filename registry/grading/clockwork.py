"""What the durable scheduler does for gradings, records and the important-data catalogue."""

from base.db import WriteSession
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.grading.comparing import SWEEP_JOB, sweep
from registry.grading.keeping import RECORD_DUE_JOB
from registry.grading.keeping import fall_due as end_record
from registry.grading.moving import DUE_JOB, fall_due
from registry.grading.scanning import take_entry, take_import
from registry.lists.cataloguing import DATA_CHANGED_JOB
from registry.lists.importing import DATA_IMPORTED_JOB


def grading_handlers(house: House) -> Handlers:
    """The clock of reviews, and the look through all known objects, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        await fall_due(s, house.exchange_act(), **job.payload)

    async def on_sweep(s: WriteSession, job: Job) -> None:
        await sweep(s, house.exchange_act(), **job.payload)

    async def on_record(s: WriteSession, job: Job) -> None:
        await end_record(s, house.exchange_act(), **job.payload)

    async def on_changed(s: WriteSession, job: Job) -> None:
        await take_entry(s, house.exchange_act(), **job.payload)

    async def on_imported(s: WriteSession, job: Job) -> None:
        await take_import(s, house.exchange_act(), **job.payload)

    return {
        DATA_CHANGED_JOB: on_changed,
        DATA_IMPORTED_JOB: on_imported,
        DUE_JOB: on_due,
        RECORD_DUE_JOB: on_record,
        SWEEP_JOB: on_sweep,
    }
