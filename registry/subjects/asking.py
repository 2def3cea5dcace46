"""What a person asks of a holder: access, copy, correction, deletion, portability, explanation (PIPL 44-50).

What is written, and what comes back, rests sealed; the ledger says that it was asked, and when answered.
"""

from datetime import datetime

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from ledger.recording import Act
from registry.doors import Said
from registry.subjects import repository
from registry.subjects.entering import Spoken, SubjectDesk, speak
from registry.subjects.errors import (
    ComplaintFiledBefore,
    RequestAsked,
    SubjectMalformed,
    SubjectRecordUnknown,
)
from registry.subjects.moving import begin, check_holder, step, wind
from registry.subjects.rules import MAX_TEXT, AskedKind, RefusalReason
from registry.subjects.states import ASKED_MOVES, WAITING, AskedEvent, AskedState, may_move
from registry.subjects.tables import AskedRow
from registry.subjects.terms import due_after


async def submit(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    subject_id: str,
    tie_id: str,
    kind: AskedKind,
    text: str,
    object_id: str | None = None,
    signature: str | None = None,
) -> AskedRow:
    """Ask a holder (SRQ.SUBMIT), by the person's own word. Raises RequestAsked, and what `speak` raises."""
    _check_text(text)
    spoken = await speak(
        s,
        act,
        desk=desk,
        tie_id=tie_id,
        subject_id=subject_id,
        says="request.submit",
        args={"kind": kind.value, "object_id": object_id, "text": text},
        signature=signature,
    )
    open_ones = await repository.asked(s, subject_id=subject_id)
    asks = (tie_id, kind, object_id)
    if any((one.tie_id, one.kind, one.object_id) == asks and one.status in WAITING for one in open_ones):
        raise RequestAsked("the holder has yet to answer", kind=kind.value)
    due = due_after(act.now, "SUB-ASK", kind.value)
    request_id = act.new_id("srq")
    row = AskedRow(
        request_id=request_id,
        subject_id=subject_id,
        tie_id=tie_id,
        holder_id=spoken.tie.holder_id,
        object_id=object_id,
        kind=kind,
        status=AskedState.SUBMITTED,
        sealed=desk.seal(request_id, text),
        submitted_at=act.occurred_at,
        due_at=due,
    )
    said = Said(public={"answer_by": rfc3339(due)}, subjects=spoken.subjects)
    await begin(s, act, row, AskedEvent.SUBMIT, said)
    await wind(s, request_id, due)
    return row


async def answer(s: WriteSession, act: Act, *, desk: SubjectDesk, request_id: str, text: str) -> AskedRow:
    """Answer a person, as the holder that was asked (SRQ.ANSWER): what is there, or what will be done."""
    _check_text(text)
    row = await repository.claim_asked(s, request_id=request_id)
    check_holder(act, row)
    values = {"answered_at": act.occurred_at, "sealed_answer": desk.seal(f"{request_id}/answer", text)}
    await step(s, act, row, AskedEvent.ANSWER, _salted(act, text), values=values)
    return row


async def refuse(
    s: WriteSession, act: Act, *, desk: SubjectDesk, request_id: str, reason: RefusalReason, text: str
) -> AskedRow:
    """Refuse a person, with the ground that the person is told (SRQ.REFUSE; PIPL 50)."""
    _check_text(text)
    row = await repository.claim_asked(s, request_id=request_id)
    check_holder(act, row)
    values = {
        "answered_at": act.occurred_at,
        "reason": reason,
        "sealed_answer": desk.seal(f"{request_id}/answer", text),
    }
    told = _salted(act, text)
    said = Said(public={"reason": reason.value}, subjects=told.subjects)
    await step(s, act, row, AskedEvent.REFUSE, said, values=values)
    return row


async def finish(s: WriteSession, act: Act, *, request_id: str) -> AskedRow:
    """Say that what was answered is carried out, as the holder (SRQ.FINISH)."""
    row = await repository.claim_asked(s, request_id=request_id)
    check_holder(act, row)
    await step(s, act, row, AskedEvent.FINISH, values={"done_at": act.occurred_at})
    return row


async def finish_as_person(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    subject_id: str,
    request_id: str,
    signature: str | None = None,
) -> AskedRow:
    """Say that it is done, as the person who asked (SRQ.FINISH)."""
    row, spoken = await _own(
        s,
        act,
        desk=desk,
        subject_id=subject_id,
        request_id=request_id,
        says="request.finish",
        signature=signature,
    )
    said = Said(subjects=spoken.subjects)
    await step(s, act, row, AskedEvent.FINISH, said, values={"done_at": act.occurred_at})
    return row


async def may_complain(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    subject_id: str,
    request_id: str,
    signature: str | None = None,
) -> tuple[AskedRow, Spoken]:
    """A request of which the person may complain now, and the word that does; the caller makes the case.

    Raises ComplaintFiledBefore, SubjectWrongState while the holder may still answer in time.
    """
    row, spoken = await _own(
        s,
        act,
        desk=desk,
        subject_id=subject_id,
        request_id=request_id,
        says="request.complain",
        signature=signature,
    )
    may_move(ASKED_MOVES, row.status, AskedEvent.COMPLAIN, act.role)
    if row.case_id is not None:
        raise ComplaintFiledBefore("the authority has it", request_id=request_id)
    return row, spoken


async def complain(s: WriteSession, act: Act, *, row: AskedRow, spoken: Spoken, case_id: str) -> AskedRow:
    """Note the complaint that a request became (SRQ.COMPLAIN; PIPL 65); the ledger does not name the case."""
    said = Said(subjects=spoken.subjects)
    await step(s, act, row, AskedEvent.COMPLAIN, said, values={"case_id": case_id})
    return row


async def fall_due(s: WriteSession, act: Act, *, request_id: str) -> bool:
    """The clock: no answer in time (SRQ.ESCALATE)."""
    row = await repository.claim_asked(s, request_id=request_id)
    if row.status is not AskedState.SUBMITTED or act.now <= row.due_at:
        return False
    await step(s, act, row, AskedEvent.ESCALATE)
    return True


def is_late(row: AskedRow, now: datetime) -> bool:
    """Whether the time for an answer is, or was, over without one."""
    return row.due_at < (row.answered_at or now)


async def _own(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    subject_id: str,
    request_id: str,
    says: str,
    signature: str | None,
) -> tuple[AskedRow, Spoken]:
    seen = await repository.get_asked(s, request_id=request_id)
    if seen.subject_id != subject_id:
        raise SubjectRecordUnknown("no such record")
    spoken = await speak(
        s,
        act,
        desk=desk,
        tie_id=seen.tie_id,
        subject_id=subject_id,
        says=says,
        args={"request_id": request_id},
        signature=signature,
    )
    return await repository.claim_asked(s, request_id=request_id), spoken


def _salted(act: Act, text: str) -> Said:
    """The digest of an answer under a salt: nobody tries words against it."""
    salt = act.nonce()
    return Said(opening={"salt": salt}, subjects={"answer": sha256_hex(f"{salt}\n{text}".encode())})


def _check_text(text: str) -> None:
    if not 1 <= len(text.strip()) <= MAX_TEXT:
        raise SubjectMalformed("a text of one to four thousand characters", fields=["text"], limit=MAX_TEXT)
