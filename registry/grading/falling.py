"""How an assessment falls by itself: its period is over, or what it assessed is another file.

Whoever rests on it is told by a job; every act on a listing, a declaration or a delivery asks again.
"""

from typing import Final

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from registry.doors import Said
from registry.grading import repository
from registry.grading.moving import step
from registry.grading.states import AssessmentEvent, AssessmentState
from registry.grading.tables import AssessmentRow
from registry.grading.terms import keep_until

ASSESSMENT_LOST_JOB: Final = "registry.assessment-lost"
"""Payload: object_id, holder_id, assessment_id. The market suspends what has no other."""
STOOD: Final = (AssessmentState.STANDING, AssessmentState.SUSPENDED)


async def expire(s: WriteSession, act: Act, *, assessment_id: str) -> bool:
    """The clock's end of an assessment (PIA.EXPIRE); False where it had ended, or its time is not over."""
    row = await repository.claim_assessment(s, assessment_id=assessment_id)
    if row.status not in STOOD or row.valid_until is None or act.now <= row.valid_until:
        return False
    await fell(s, act, row, AssessmentEvent.EXPIRE)
    return True


async def end_of_changed(
    s: WriteSession,
    act: Act,
    *,
    object_id: str,
    holder_id: str,
    before: str | None,
    file_sha256: str | None,
) -> None:
    """What this holder assessed of another file than the object has now ends, by the exchange (PIA.CHANGE).

    An assessment that names no file is of the one that was there, if there was one. Another holder's of
    the same product stays: nobody ends it by offering a file of his own.
    """
    for row in await repository.stood_of(s, object_id=object_id, holder_id=holder_id):
        assessed = row.file_sha256 or before
        if assessed is not None and assessed != file_sha256:
            said = Said(subjects={} if file_sha256 is None else {"file": file_sha256})
            await fell(s, act.as_exchange(), row, AssessmentEvent.CHANGE, said)


async def fell(
    s: WriteSession, act: Act, row: AssessmentRow, event: AssessmentEvent, said: Said | None = None
) -> None:
    """End an assessment, keep it three years from now (PIPL 56), and tell what rested on it."""
    await step(s, act, row, event, said, values={"keep_until": keep_until(act.now), "due_at": None})
    await tell_lost(s, act, row)


async def tell_lost(s: WriteSession, act: Act, row: AssessmentRow) -> None:
    """Hand what rests on an assessment that no longer stands to its job."""
    payload = {"object_id": row.object_id, "holder_id": row.holder_id, "assessment_id": row.assessment_id}
    key = f"{row.assessment_id} {act.now.isoformat()}"
    await enqueue(s, kind=ASSESSMENT_LOST_JOB, key=key, run_at=act.now, payload=payload)
