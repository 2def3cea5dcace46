"""The door of every status here: one conditional UPDATE by the tables of `states`, one statement.

The status is claimed in the UPDATE that finds the state the step was decided on. Private words (reports,
orders, titles, purposes) are in the opening; digests are subjects. Impact assessments go through the door
of `registry.grading.moving`.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlmodel import SQLModel

from base.calendar import at_shanghai
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from registry.assessments.errors import SecurityWrongState
from registry.assessments.states import MACHINES, may_move
from registry.assessments.tables import AssessorRow, ItemRow, RiskRow, RoundRow
from registry.doors import Door

DUE_JOB: Final = "registry.security-due"
YEAR_JOB: Final = "registry.security-year"
"""Key: the year. Plans its risk assessments and opens its rounds, and winds the next year's."""
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""
_KEYS: Final[Mapping[type[SQLModel], tuple[str, str]]] = {
    RiskRow: ("RKA", "risk_id"),
    AssessorRow: ("ASR", "assessor_id"),
    RoundRow: ("ICR", "round_id"),
    ItemRow: ("CFI", "item_id"),
}
_DOOR: Final = Door(
    keys=_KEYS,
    named=("handler_id", "org_id", "department_id", "holder_id", "sector", "year"),
    may_move=lambda machine, *step: may_move(MACHINES[machine][1], *step),
    moved_on=lambda event, about: SecurityWrongState("it has moved on", event=event.value, **about),
)
begin, step = _DOOR.begin, _DOOR.step
"""The first step of a row, and every other. Raise SecurityWrongState, SecurityWrongRole."""


async def wind(s: WriteSession, record_id: str, at: datetime | None) -> None:
    """Have the clock look at a record when a moment is over."""
    if at is None:
        return
    payload = {"record_id": record_id, "at": rfc3339(at)}
    await enqueue(s, kind=DUE_JOB, key=f"{record_id} {rfc3339(at)}", run_at=at + LATE, payload=payload)


async def wind_year(s: WriteSession, year: int) -> None:
    """Have the clock plan a year's assessments and open its rounds when it begins."""
    run_at = at_shanghai(date(year, 1, 1), time(0))
    await enqueue(s, kind=YEAR_JOB, key=str(year), run_at=run_at, payload={"year": year})
