"""The door of an evaluation's state: one table, one conditional UPDATE, one statement (`EVL.<event>`)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.doors import Said
from registry.evaluation import repository
from registry.evaluation.errors import EvaluationTooLate, EvaluationWrongRole, EvaluationWrongState
from registry.evaluation.states import AGENCY, CLOCKED, EvaluationEvent, EvaluationState, may_move
from registry.evaluation.tables import EvaluationRow

DUE_JOB: Final = "registry.evaluation-due"
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""
MAX_TEXT: Final = 4_000


async def begin(s: WriteSession, act: Act, row: EvaluationRow, said: Said) -> Recorded:
    """State an evaluation that has just been stored (EVL.OPEN), and wind its clock."""
    recorded = await _state(s, act, row, EvaluationEvent.OPEN, said, before=None)
    await _wind(s, row)
    return recorded


async def step(
    s: WriteSession,
    act: Act,
    event: EvaluationEvent,
    row: EvaluationRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move an evaluation that is claimed. Raises EvaluationWrongState, EvaluationWrongRole."""
    before = row.status
    after = may_move(before, event, act.role)
    found = (
        col(EvaluationRow.evaluation_id) == row.evaluation_id,
        col(EvaluationRow.status) == before,
    )
    changed = await s.exec(update(EvaluationRow).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise EvaluationWrongState(
            "the evaluation has moved on", evaluation_id=row.evaluation_id, event=event.value
        )
    await s.refresh(row)
    recorded = await _state(s, act, row, event, said or Said(), before=before)
    await _wind(s, row)
    return recorded


async def claim_for(s: WriteSession, act: Act, evaluation_id: str, event: EvaluationEvent) -> EvaluationRow:
    """An evaluation, locked, in which this step is the caller's: its agency's, or its authority's.

    Raises EvaluationUnknown, EvaluationWrongState, EvaluationWrongRole.
    """
    row = await repository.claim_evaluation(s, evaluation_id=evaluation_id)
    may_move(row.status, event, act.role)
    whose = row.agency_id if act.role in AGENCY else row.authority_id
    if act.actor.org_id != whose:
        raise EvaluationWrongRole("this is another one's evaluation", evaluation_id=evaluation_id)
    return row


def check_in_time(until: datetime | None, act: Act) -> None:
    """When the exchange has it counts. Raises EvaluationTooLate."""
    if until is None or act.now > until:
        raise EvaluationTooLate("the period is over", until=None if until is None else rfc3339(until))


def check_text(text: str) -> str:
    """A text of a bounded length, with something in it. Raises Malformed."""
    said = text.strip()
    if not 1 <= len(said) <= MAX_TEXT:
        raise Malformed("a text of one to four thousand characters", limit=MAX_TEXT)
    return said


async def _wind(s: WriteSession, row: EvaluationRow) -> None:
    """Have the clock look at it when the present period is over."""
    if row.due_at is None or row.status not in CLOCKED:
        return
    at = rfc3339(row.due_at)
    payload = {"evaluation_id": row.evaluation_id, "state": row.status.value, "at": at}
    key = f"{row.evaluation_id} {row.status.value} {at}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=row.due_at + LATE, payload=payload)


async def _state(
    s: WriteSession,
    act: Act,
    row: EvaluationRow,
    event: EvaluationEvent,
    said: Said,
    *,
    before: EvaluationState | None,
) -> Recorded:
    public = {
        "evaluation_id": row.evaluation_id,
        "period_id": row.period_id,
        "agency_id": row.agency_id,
        **said.public,
    }
    draft = Draft(
        f"EVL.{event.value}",
        row.evaluation_id,
        public=public,
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
