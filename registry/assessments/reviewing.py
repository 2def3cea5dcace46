"""Impact assessments (PIPIA) and security reviews (隐私保护和安全审查): written, reviewed, followed, ended.

The holder writes what PIPL 56 asks for; another person reviews an impact assessment, another organisation a
security review. Only one that stands carries a listing or an export (`registry.grading.depending`), and one
whose finding is overdue carries nothing until the finding is closed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, update

from base.calendar import end_of_day_shanghai, shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.assessments import repository
from registry.assessments.errors import AssessmentMalformed, SecurityWrongRole, SecurityWrongState
from registry.assessments.fitness import require_another, require_person, require_reviewer
from registry.assessments.moving import wind, wind_year
from registry.assessments.rules import (
    CONTENTS,
    MAX_WRITERS,
    AssessmentKind,
    Finding,
    Outcome,
    Use,
    check_findings,
    check_made_for,
    check_text,
    check_whole,
    digest_of,
    names_of,
    next_due,
    parts_of,
)
from registry.assessments.states import SUPERVISING
from registry.assessments.tables import FindingRow
from registry.doors import Said
from registry.grading.depending import known_file
from registry.grading.describing import subject_of
from registry.grading.falling import fell, tell_lost
from registry.grading.keeping import wind_record
from registry.grading.moving import begin, step
from registry.grading.states import ASSESSMENT_MOVES, AssessmentEvent, AssessmentState, may_move
from registry.grading.tables import AssessmentRow
from registry.grading.terms import keep_until, longest_validity

_E = AssessmentEvent
_S = AssessmentState
_EVENTS = {Outcome.PASS: _E.PASS, Outcome.WITH_MEASURES: _E.MEASURES, Outcome.FAIL: _E.FAIL}


async def begin_assessment(
    s: WriteSession,
    act: Act,
    *,
    object_id: str,
    kind: AssessmentKind,
    uses: Collection[Use],
    contents: Mapping[str, str],
    purposes: Collection[str] = (),
    recipients: Collection[str] = (),
    file_sha256: str | None = None,
) -> AssessmentRow:
    """Begin an assessment of an object that one holds (PIA.BEGIN); parts may be written later.

    `purposes` are codes of a licence's purposes, `recipients` ids of members, or names of who is none.

    Raises AssessmentMalformed, SecurityWrongRole, `grading-unknown`, `member-not-active`.
    """
    may_move(ASSESSMENT_MOVES, None, _E.BEGIN, act.role)
    await require_member(s, org_id=act.actor.org_id)
    subject = await subject_of(s, object_id=object_id)
    if subject.holder_id != act.actor.org_id:
        raise SecurityWrongRole("its holder assesses it", object_id=object_id)
    if not uses or len(set(uses)) != len(uses):
        raise AssessmentMalformed("what it is for, each once", fields=["uses"])
    row = AssessmentRow(
        assessment_id=act.new_id("pia"),
        holder_id=act.actor.org_id,
        object_id=object_id,
        status=_S.DRAFT,
        kind=kind.value,
        uses=sorted(use.value for use in uses),
        contents=parts_of(contents, CONTENTS[kind]),
        file_sha256=file_sha256,
        purposes=names_of(purposes, "purposes"),
        recipients=names_of(recipients, "recipients"),
        writers=[require_person(act)],
        recorded_at=act.occurred_at,
    )
    said = Said(
        public={"kind": row.kind, "uses": row.uses},
        opening=_written(row),
        subjects=_file(file_sha256),
    )
    await begin(s, act, row, _E.BEGIN, said)
    await wind_year(s, shanghai_day(act.now).year + 1)
    return row


async def revise(
    s: WriteSession,
    act: Act,
    *,
    assessment_id: str,
    contents: Mapping[str, str],
    purposes: Collection[str] | None = None,
    recipients: Collection[str] | None = None,
    file_sha256: str | None = None,
) -> AssessmentRow:
    """Write the parts anew (PIA.REVISE): who revises has written it, beside all who did before.

    Purposes and recipients stay where none are given.
    """
    row = await _own(s, act, assessment_id, _E.REVISE)
    parts = parts_of(contents, CONTENTS[AssessmentKind(row.kind)])
    writers = sorted({*row.writers, require_person(act)})
    if len(writers) > MAX_WRITERS:
        raise AssessmentMalformed("fifty writers at the most", fields=["contents"])
    made_for = {
        "purposes": row.purposes if purposes is None else names_of(purposes, "purposes"),
        "recipients": row.recipients if recipients is None else names_of(recipients, "recipients"),
    }
    values = {"contents": parts, "file_sha256": file_sha256, "writers": writers, **made_for}
    said = Said(opening={"contents": parts, **made_for}, subjects=_file(file_sha256))
    await step(s, act, row, _E.REVISE, said, values=values)
    return row


async def submit(s: WriteSession, act: Act, *, assessment_id: str, reviewer_id: str) -> AssessmentRow:
    """Hand an assessment to its reviewer (PIA.SUBMIT), by the digest of its parts, what it is for, and file.

    One that names no file is of the file that is known of the object now; where none is known, it carries
    nothing that has a file, and is made anew of that. Raises AssessmentMalformed (a part, the purposes or
    the receivers abroad are missing), ReviewerUnfit.
    """
    row = await _own(s, act, assessment_id, _E.SUBMIT)
    kind = AssessmentKind(row.kind)
    check_whole(row.contents, CONTENTS[kind])
    check_made_for(row.uses, row.purposes, row.recipients)
    await require_reviewer(s, act, kind=kind, holder_id=row.holder_id, reviewer_id=reviewer_id)
    known = await known_file(s, object_id=row.object_id, holder_id=row.holder_id)
    file_sha256 = row.file_sha256 or known
    digest = digest_of(
        {
            **_written(row),
            "kind": row.kind,
            "object_id": row.object_id,
            "uses": row.uses,
            "file_sha256": file_sha256,
        }
    )
    said = Said(
        public={"kind": row.kind, "reviewer_id": reviewer_id},
        subjects={"report": digest, **_file(file_sha256)},
    )
    values = {"reviewer_id": reviewer_id, "report_sha256": digest, "file_sha256": file_sha256}
    await step(s, act, row, _E.SUBMIT, said, values=values)
    return row


async def withdraw(s: WriteSession, act: Act, *, assessment_id: str) -> AssessmentRow:
    """Take an assessment back that nobody has concluded (PIA.WITHDRAW)."""
    row = await _own(s, act, assessment_id, _E.WITHDRAW)
    await step(s, act, row, _E.WITHDRAW)
    return row


async def send_back(s: WriteSession, act: Act, *, assessment_id: str, reason: str) -> AssessmentRow:
    """Return an assessment to its holder with a reason (PIA.RETURN), as its reviewer."""
    row = await _to_review(s, act, assessment_id, _E.RETURN)
    said = Said(opening={"reason": check_text(reason)})
    await step(s, act, row, _E.RETURN, said, values={"opinion": reason.strip()})
    return row


async def conclude(
    s: WriteSession,
    act: Act,
    *,
    assessment_id: str,
    outcome: Outcome,
    opinion: str,
    findings: Sequence[Finding] = (),
    valid_until: datetime | None = None,
) -> AssessmentRow:
    """Conclude an assessment (PIA.PASS, PIA.MEASURES, PIA.FAIL), as a person who wrote nothing of it.

    Findings go with measures alone, each with its day. It stands until `valid_until`, at the most as long
    as the table gives, and is kept three years. Raises AssessmentMalformed, ReviewerUnfit.
    """
    event = _EVENTS[outcome]
    row = await _to_review(s, act, assessment_id, event)
    assert row.reviewer_id is not None
    assert row.report_sha256 is not None
    await require_reviewer(
        s, act, kind=AssessmentKind(row.kind), holder_id=row.holder_id, reviewer_id=row.reviewer_id
    )
    await require_another(s, act, row)
    if outcome is Outcome.WITH_MEASURES:
        check_findings(findings, act.now)
    elif findings:
        raise AssessmentMalformed("findings go with measures", fields=["findings"])
    longest = longest_validity(act.now)
    until = None if outcome is Outcome.FAIL else valid_until or longest
    if until is not None and not act.now < until <= longest:
        raise AssessmentMalformed("a period that is not over, within the longest", fields=["valid_until"])
    rows = [
        FindingRow(
            assessment_id=row.assessment_id,
            no=no,
            text=one.text.strip(),
            due_at=end_of_day_shanghai(one.due_on),
        )
        for no, one in enumerate(findings, start=1)
    ]
    values: dict[str, Any] = {
        "outcome": outcome.value,
        "opinion": check_text(opinion, "opinion"),
        "reviewed_by": act.actor.user_id,
        "findings": len(rows),
        "due_at": next_due([one.due_at for one in rows]),
        "assessed_at": act.now,
        "valid_until": until,
        "keep_until": keep_until(act.now),
    }
    said = Said(
        public={
            "kind": row.kind,
            "uses": row.uses,
            "reviewer_id": row.reviewer_id,
            "outcome": outcome.value,
            "findings": len(rows),
            "valid_until": None if until is None else rfc3339(until),
            "keep_until": rfc3339(values["keep_until"]),
        },
        opening={
            "opinion": opinion.strip(),
            "findings": [{"text": one.text, "due_at": rfc3339(one.due_at)} for one in rows],
        },
        subjects={"report": row.report_sha256, **_file(row.file_sha256)},
    )
    await step(s, act, row, event, said, values=values)
    s.add_all(rows)
    await s.flush()
    if until is not None:
        await wind_record(s, row.assessment_id, until)
    for due_at in sorted({one.due_at for one in rows}):
        await wind(s, row.assessment_id, due_at)
    return row


async def remedy(
    s: WriteSession, act: Act, *, assessment_id: str, no: int, text: str, evidence_sha256: str
) -> AssessmentRow:
    """Say how a finding was remedied, with evidence (PIA.REMEDY); the reviewer looks at it."""
    row = await _own(s, act, assessment_id, _E.REMEDY)
    await _open_finding(s, row, no, remedied=False)
    person = require_person(act)
    said = Said(
        public={"finding": no}, opening={"remedy": check_text(text)}, subjects={"evidence": evidence_sha256}
    )
    await step(s, act, row, _E.REMEDY, said)
    shown = {"remedy": text.strip(), "evidence_sha256": evidence_sha256}
    await _write(s, row, no, **shown, remedied_at=act.occurred_at, remedied_by=person)
    return row


async def answer_finding(
    s: WriteSession, act: Act, *, assessment_id: str, no: int, closed: bool, reason: str
) -> AssessmentRow:
    """Close a remedied finding (PIA.CLOSE; PIA.RESUME with the last overdue one), or reopen it (PIA.REOPEN).

    As the reviewer, fit as on the day it concluded, or as an authority where it is not; a person who
    neither wrote nor remedied it. Raises SecurityWrongState, ReviewerUnfit.
    """
    event = _E.CLOSE if closed else _E.REOPEN
    row = await repository.claim(s, AssessmentRow, assessment_id)
    may_move(ASSESSMENT_MOVES, row.status, event, act.role)
    if act.role not in SUPERVISING:
        _check_reviewer(act, row)
        kind = AssessmentKind(row.kind)
        await require_reviewer(s, act, kind=kind, holder_id=row.holder_id, reviewer_id=act.actor.org_id)
    finding = await _open_finding(s, row, no, remedied=True)
    await require_another(s, act, row, finding.remedied_by)
    said = Said(public={"finding": no}, opening={"reason": check_text(reason)})
    if not closed:
        await step(s, act, row, event, said)
        await _write(s, row, no, answer=reason.strip(), remedied_at=None)
        return row
    await _write(s, row, no, answer=reason.strip(), closed_at=act.occurred_at)
    found = await repository.findings_of(s, assessment_id=assessment_id)
    due_at = next_due([one.due_at for one in found if one.closed_at is None])
    freed = row.status is _S.SUSPENDED and (due_at is None or act.now <= due_at)
    await step(s, act, row, _E.RESUME if freed else event, said, values={"due_at": due_at})
    return row


async def end(s: WriteSession, act: Act, *, assessment_id: str, reason: str) -> AssessmentRow:
    """End an assessment that one holds (PIA.END): nothing rests on it any more. It is kept all the same."""
    row = await _own(s, act, assessment_id, _E.END)
    await fell(s, act, row, _E.END, Said(opening={"reason": check_text(reason)}))
    return row


async def revoke(s: WriteSession, act: Act, *, assessment_id: str, reason: str) -> AssessmentRow:
    """Take a conclusion back (PIA.REVOKE), as its reviewer or as an authority."""
    row = await repository.claim(s, AssessmentRow, assessment_id)
    may_move(ASSESSMENT_MOVES, row.status, _E.REVOKE, act.role)
    if act.role not in SUPERVISING:
        _check_reviewer(act, row)
        await require_another(s, act, row)
    await fell(s, act, row, _E.REVOKE, Said(opening={"reason": check_text(reason)}))
    return row


async def finding_due(s: WriteSession, act: Act, *, assessment_id: str) -> bool:
    """The clock's PIA.SUSPEND of an assessment with an overdue finding; False where there is none."""
    row = await repository.claim(s, AssessmentRow, assessment_id)
    if row.status is not _S.STANDING or row.due_at is None or act.now <= row.due_at:
        return False
    await step(s, act, row, _E.SUSPEND, Said(public={"because": "finding-overdue"}))
    await tell_lost(s, act, row)
    return True


def _written(row: AssessmentRow) -> dict[str, Any]:
    return {"contents": row.contents, "purposes": row.purposes, "recipients": row.recipients}


def _file(file_sha256: str | None) -> dict[str, str]:
    """The file as a subject of a statement, where there is one."""
    return {} if file_sha256 is None else {"file": file_sha256}


async def _own(s: WriteSession, act: Act, assessment_id: str, event: AssessmentEvent) -> AssessmentRow:
    row = await repository.claim(s, AssessmentRow, assessment_id)
    may_move(ASSESSMENT_MOVES, row.status, event, act.role)
    if row.holder_id != act.actor.org_id:
        raise SecurityWrongRole("it is another's assessment", assessment_id=assessment_id)
    return row


async def _to_review(s: WriteSession, act: Act, assessment_id: str, event: AssessmentEvent) -> AssessmentRow:
    row = await repository.claim(s, AssessmentRow, assessment_id)
    may_move(ASSESSMENT_MOVES, row.status, event, act.role)
    _check_reviewer(act, row)
    return row


def _check_reviewer(act: Act, row: AssessmentRow) -> None:
    if row.reviewer_id != act.actor.org_id:
        raise SecurityWrongRole("another one reviews this", assessment_id=row.assessment_id)


async def _open_finding(s: WriteSession, row: AssessmentRow, no: int, *, remedied: bool) -> FindingRow:
    found = await repository.findings_of(s, assessment_id=row.assessment_id)
    one = next((one for one in found if one.no == no), None)
    if one is None or one.closed_at is not None or (one.remedied_at is not None) is not remedied:
        raise SecurityWrongState("no such finding waits for this", finding=no)
    return one


async def _write(s: WriteSession, row: AssessmentRow, no: int, **values: Any) -> None:
    of = col(FindingRow.assessment_id) == row.assessment_id, col(FindingRow.no) == no
    await s.exec(update(FindingRow).where(*of).values(**values))
