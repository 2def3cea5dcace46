"""The door of every status here: one conditional UPDATE by the tables of `states`, one statement.

The status is claimed in the UPDATE that finds the state the step was decided on. What is private (grounds,
opinions, wordings) is in the opening; digests are subjects.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlmodel import SQLModel

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from registry.doors import Door, Said
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
_DOOR: Final = Door(
    keys=_KEYS,
    named=("object_id", "entry_id", "holder_id", "department_id"),
    may_move=lambda machine, *step: may_move(MACHINES[machine][1], *step),
    moved_on=lambda event, about: GradingWrongState("it has moved on", event=event.value, **about),
)
begin, step = _DOOR.begin, _DOOR.step
"""The first step of a row, and every other. Raise GradingWrongState, GradingWrongRole."""


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
