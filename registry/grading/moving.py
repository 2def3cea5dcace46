"""The door of every status here: one conditional UPDATE by the tables of `states`, one statement.

The status is claimed in the UPDATE that finds the state the step was decided on. What is private (grounds,
opinions, wordings) is in the opening; digests are subjects.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from sqlmodel import SQLModel, col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.grading import repository
from registry.grading.errors import GradingWrongState
from registry.grading.states import MACHINES, GradingEvent, GradingState, may_move
from registry.grading.tables import AssessmentRow, ConsentRow, GradingRow, ImportantRow, MatchRow

DUE_JOB: Final = "registry.grading-due"
HANDLER_JOB: Final = "registry.important-handler"
"""Somebody handles important data from now on, and has duties each year (`registry.assessments`)."""
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""
_KEYS: Final[Mapping[type[SQLModel], tuple[str, str]]] = {
    GradingRow: ("GRD", "grading_id"),
    ImportantRow: ("IMP", "entry_id"),
    MatchRow: ("IMM", "match_id"),
    ConsentRow: ("CNS", "consent_id"),
    AssessmentRow: ("PIA", "assessment_id"),
}
_NAMED: Final = ("object_id", "entry_id", "holder_id", "department_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a step says beside what it is about: in public, in the opening, of which digests."""

    public: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)


async def begin(s: WriteSession, act: Act, row: Any, event: StrEnum, said: Said | None = None) -> Recorded:
    """State the first step of a row that is stored with it. Raises GradingWrongRole."""
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
    """Move a row that is claimed. Raises GradingWrongState, GradingWrongRole."""
    machine, key = _KEYS[type(row)]
    before = row.status
    after = may_move(MACHINES[machine][1], before, event, act.role)
    table: Any = type(row)
    found = (col(getattr(table, key)) == getattr(row, key), col(table.status) == before)
    changed = await s.exec(update(table).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise GradingWrongState("it has moved on", event=event.value, **{key: getattr(row, key)})
    await s.refresh(row)
    return await _state(s, act, row, event, said or Said(), before=before)


async def wind(s: WriteSession, row: GradingRow) -> None:
    """Have the clock look at a grading when its review falls due."""
    if row.status is not GradingState.IN_FORCE or row.review_at is None:
        return
    payload = {"grading_id": row.grading_id, "at": rfc3339(row.review_at)}
    key = f"{row.grading_id} {rfc3339(row.review_at)}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=row.review_at + LATE, payload=payload)


async def note_change(s: WriteSession, act: Act, *, object_id: str, why: str) -> bool:
    """A decided grading's ground has changed (file, fields, amount, source): its review is due at once.

    Stated by the exchange (GRD.FALL_DUE); the level stays in force. False where none is in force.
    """
    row = await repository.standing_grading(s, object_id=object_id)
    if row is None or row.status is not GradingState.IN_FORCE:
        return False
    said = Said(public={"because": why})
    await step(s, act.as_exchange(), row, GradingEvent.FALL_DUE, said, values={"review_at": act.now})
    return True


async def fall_due(s: WriteSession, act: Act, *, grading_id: str, at: str) -> bool:
    """The clock's GRD.FALL_DUE. False where the grading has moved on meanwhile."""
    row = await repository.claim_grading(s, grading_id=grading_id)
    if row.status is not GradingState.IN_FORCE or row.review_at is None or rfc3339(row.review_at) != at:
        return False
    if act.now < row.review_at + LATE:
        return False
    await step(s, act, row, GradingEvent.FALL_DUE, Said(public={"because": "time"}))
    return True


async def _state(
    s: WriteSession, act: Act, row: Any, event: StrEnum, said: Said, *, before: StrEnum | None
) -> Recorded:
    machine, key = _KEYS[type(row)]
    named = {name: getattr(row, name) for name in _NAMED if name != key and hasattr(row, name)}
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
