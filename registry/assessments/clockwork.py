"""What the durable scheduler does for these duties: yearly plans and rounds, deadlines, ends of periods."""

from base.calendar import shanghai_day
from base.db import WriteSession
from base.ids import is_id
from base.jobs import Handlers, Job
from ledger.acts import House
from ledger.recording import Act
from registry.assessments import assessing, confiding, reviewing, rounds, yearly
from registry.assessments.moving import DUE_JOB, YEAR_JOB, wind_year
from registry.grading.moving import HANDLER_JOB


def assessment_handlers(house: House) -> Handlers:
    """The clocks of the duties of security, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        await _fall_due(s, house.exchange_act(), **job.payload)

    async def on_live(s: WriteSession, job: Job) -> None:
        year = shanghai_day(job.now).year
        await yearly.plan_year(s, house.exchange_act(), year=year)
        await wind_year(s, year + 1)

    async def on_year(s: WriteSession, job: Job) -> None:
        act, year = house.exchange_act(), job.payload["year"]
        await wind_year(s, year + 1)
        if shanghai_day(act.now).year == year:  # a node that slept through a year opens no past one
            await yearly.plan_year(s, act, year=year)
            await rounds.open_rounds(s, act, year=year)

    return {DUE_JOB: on_due, HANDLER_JOB: on_live, YEAR_JOB: on_year}


async def _fall_due(s: WriteSession, act: Act, *, record_id: str, at: str) -> None:
    if is_id(record_id, "pia"):
        await reviewing.finding_due(s, act, assessment_id=record_id)
    elif is_id(record_id, "rka"):
        await yearly.fall_due(s, act, risk_id=record_id, at=at)
    elif is_id(record_id, "asr"):
        await assessing.fall_due(s, act, assessor_id=record_id)
    elif is_id(record_id, "icr"):
        await rounds.fall_due(s, act, round_id=record_id)
    else:
        await confiding.fall_due(s, act, item_id=record_id)
