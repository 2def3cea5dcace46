"""The door of every status here: one conditional UPDATE by the tables of `states`, one statement.

The status is claimed in the UPDATE that finds the state the step was decided on. Private words (reports,
orders, titles, purposes) are in the opening; digests are subjects. Impact assessments go through the door
of `registry.grading.moving`.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlmodel import SQLModel, col, update

from base.calendar import at_shanghai
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.assessments.errors import SecurityWrongState
from registry.assessments.states import MACHINES, may_move
from registry.assessments.tables import AssessorRow, ItemRow, RiskRow, RoundRow
from registry.grading.moving import Said

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
_NAMED: Final = ("handler_id", "org_id", "department_id", "holder_id", "sector", "year")


async def begin(s: WriteSession, act: Act, row: Any, event: StrEnum, said: Said | None = None) -> Recorded:
    """State the first step of a row that is stored with it. Raises SecurityWrongRole."""
    machine, _ = _KEYS[type(row)]
    may_move(MACHINES[machine][1], None, event, act.role)
    s.add(row)
    await s.flush()
    return await _state(s, act, row, event, said or Said(), before=None)


async def step(
    s: WriteSession,
    act: Act,
    row: Any,
    event: StrEnum,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a row that is claimed. Raises SecurityWrongState, SecurityWrongRole."""
    machine, key = _KEYS[type(row)]
    before = row.status
    after = may_move(MACHINES[machine][1], before, event, act.role)
    table: Any = type(row)
    found = (col(getattr(table, key)) == getattr(row, key), col(table.status) == before)
    changed = await s.exec(update(table).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise SecurityWrongState("it has moved on", event=event.value, **{key: getattr(row, key)})
    await s.refresh(row)
    return await _state(s, act, row, event, said or Said(), before=before)


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


async def _state(
    s: WriteSession, act: Act, row: Any, event: StrEnum, said: Said, *, before: StrEnum | None
) -> Recorded:
    machine, key = _KEYS[type(row)]
    named = {name: getattr(row, name) for name in _NAMED if hasattr(row, name)}
    draft = Draft(
        f"{machine}.{event.value}",
        getattr(row, key),
        public={key: getattr(row, key), **named, **said.public},
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
