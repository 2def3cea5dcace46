"""An incident is detected, graded by the table, graded anew as more is known, or turns out to be none."""

from datetime import datetime, timedelta
from typing import Final

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from cases.incidents import repository
from cases.incidents.clocks import look_at_duties
from cases.incidents.counting import tell_counts
from cases.incidents.errors import IncidentMalformed
from cases.incidents.moving import (
    Said,
    begin,
    check_text,
    claim_for,
    claim_owned,
    facts_of,
    meet,
    second_person,
    step,
    wind,
)
from cases.incidents.rules import (
    MAX_EVIDENCE,
    MAX_TITLE,
    MOST_LOSS_MINOR,
    MOST_MINUTES,
    MOST_PERSONS,
    Duty,
    Facts,
    Level,
    Matter,
    Receiver,
    Standing,
    concerned,
    duties,
    grade,
    needs_notice,
    other_duty,
    standing_of,
)
from cases.incidents.states import OPERATOR, IncidentEvent, may_move
from cases.incidents.tables import EvidenceRow, IncidentRow
from identity.repository import get_organisation
from identity.service import require_member
from ledger.recording import Act

_E = IncidentEvent
OLDEST: Final = timedelta(days=365)
_REPORTING: Final = (Matter.REPORT, Matter.REPORT_SECURITY, Matter.REPORT_DATA, Matter.DEFECT)


async def detect(
    s: WriteSession,
    act: Act,
    *,
    title: str,
    text: str,
    facts: Facts,
    org_id: str | None = None,
    detected_at: datetime | None = None,
    warning_id: str | None = None,
    opened_by: str | None = None,
) -> IncidentRow:
    """Open an incident of one's own, or as the exchange of any member (INC.DETECT); its clocks run from
    `detected_at`, which lies not in the future.

    Raises IncidentMalformed, IncidentWrongRole, `member-not-active`.
    """
    state = may_move(None, _E.DETECT, act.role)
    whose = org_id or act.actor.org_id
    if whose != act.actor.org_id and act.role != OPERATOR:
        raise IncidentMalformed("an incident is told by whom it has befallen", member="org_id")
    if whose != act.actor.org_id:
        await require_member(s, org_id=whose)
    at = detected_at or act.occurred_at
    if not act.now - OLDEST <= at <= act.now:
        raise IncidentMalformed("it was detected within a year, and before now", member="detected_at")
    check_facts(facts)
    row = IncidentRow(
        incident_id=act.new_id("inc"),
        org_id=whose,
        status=state,
        kind=facts.kind,
        title=check_text(title, most=MAX_TITLE),
        text=check_text(text),
        facts=(await _known(s, whose, facts)).document(),
        detected_at=at,
        opened_at=act.now,
        opened_by=opened_by or act.actor.user_id,
        warning_id=warning_id,
    )
    s.add(row)
    await s.flush()
    clock = other_duty(Matter.GRADE, at)
    said = Said(
        public={"detected_at": rfc3339(at), "grade_by": rfc3339(clock.due_at)}
        | ({"warning_id": warning_id} if warning_id else {}),
        opening={"org_id": whose, "title": row.title, "text": row.text, "facts": row.facts},
    )
    await begin(s, act, row, said)
    await wind(s, row, [clock])
    return row


async def grade_incident(s: WriteSession, act: Act, *, incident_id: str, facts: Facts) -> IncidentRow:
    """Say what is known; the table gives the level, and the level the reports that are due (INC.GRADE).

    Raises IncidentUnknown, IncidentWrongState, IncidentMalformed.
    """
    row = await claim_owned(s, act, incident_id, _E.GRADE)
    await _grade(s, act, row, _E.GRADE, facts)
    await meet(s, act, row, Matter.GRADE)
    return row


async def regrade(s: WriteSession, act: Act, *, incident_id: str, facts: Facts, reason: str) -> IncidentRow:
    """Grade anew, as more is known (INC.REGRADE): upwards the clocks of the new level run from the detection,
    and one that is over by then is late at once; downwards another person than graded it says so.

    Raises IncidentUnknown, IncidentWrongState, IncidentSameOfficer, IncidentMalformed.
    """
    row = await claim_owned(s, act, incident_id, _E.REGRADE)
    before = row.level
    assert before is not None
    known = await _known(s, row.org_id, facts)
    after = grade(known, act.now).level
    weaker = after.rank < before.rank or _fewer_duties(row, known, before, after)
    if weaker:
        await second_person(s, act, row.graded_by)
    await _grade(s, act, row, _E.REGRADE, facts, reason=check_text(reason))
    return row


def _fewer_duties(row: IncidentRow, facts: Facts, before: Level, after: Level) -> bool:
    """Whether a report that was due falls away, or comes later, though the level is the same."""
    now = {one.matter: one.due_at for one in duties(after, facts, detected_at=row.detected_at)}
    was = duties(before, facts_of(row), detected_at=row.detected_at)
    asked = [one for one in was if one.matter in {Matter.REPORT, Matter.DEFECT}]
    return any(one.matter not in now or now[one.matter] > one.due_at for one in asked)


async def dismiss_incident(s: WriteSession, act: Act, *, incident_id: str, reason: str) -> IncidentRow:
    """Say that it is no incident (INC.DISMISS): another person than who detected it.

    Raises IncidentWrongState, IncidentWrongRole, IncidentSameOfficer.
    """
    row = await claim_for(s, act, incident_id, _E.DISMISS)
    await second_person(s, act, row.opened_by)
    await meet(s, act, row, Matter.GRADE)
    said = Said(opening={"reason": check_text(reason)})
    await step(s, act, _E.DISMISS, row, said, values={"closed_at": act.now})
    return row


async def add_evidence(s: WriteSession, act: Act, *, incident_id: str, sha256: str, note: str) -> EvidenceRow:
    """Keep the digest of what shows something of it (INC.EVIDENCE). Raises IncidentMalformed."""
    row = await claim_owned(s, act, incident_id, _E.EVIDENCE)
    known = await repository.evidence_count(s, incident_id=incident_id)
    if known >= MAX_EVIDENCE:
        raise IncidentMalformed(f"an incident has {MAX_EVIDENCE} pieces of evidence at most", member="sha256")
    if await s.get(EvidenceRow, (incident_id, sha256)) is not None:
        raise IncidentMalformed("this was given as evidence before", member="sha256")
    await step(
        s,
        act,
        _E.EVIDENCE,
        row,
        Said(public={"number": known + 1}, opening={"note": check_text(note)}, subjects={"evidence": sha256}),
    )
    piece = EvidenceRow(
        incident_id=incident_id,
        sha256=sha256,
        number=known + 1,
        note=note,
        added_by=act.actor.org_id,
        added_at=act.occurred_at,
    )
    s.add(piece)
    await s.flush()
    return piece


def check_facts(facts: Facts) -> None:
    """The bounds of what is known. Raises IncidentMalformed, naming the members."""
    wrong = [
        ("persons", not 0 <= facts.persons <= MOST_PERSONS),
        ("sensitive_persons", not 0 <= facts.sensitive_persons <= facts.persons),
        ("outage_minutes", not 0 <= facts.outage_minutes <= MOST_MINUTES),
        ("partial_minutes", not 0 <= facts.partial_minutes <= MOST_MINUTES),
        ("loss_minor", not 0 <= facts.loss_minor <= MOST_LOSS_MINOR),
    ]
    found = [name for name, is_wrong in wrong if is_wrong]
    if found:
        raise IncidentMalformed("what is known is not of its form", members=found)


async def _known(s: WriteSession, org_id: str, facts: Facts) -> Facts:
    """The facts under the clock that the register of members knows for this operator."""
    member = await get_organisation(s, org_id=org_id)
    if member is None:
        raise Malformed("no such member", member="org_id")
    standing = standing_of(facts.standing, is_ciio=member.is_ciio)
    return Facts(**{name: getattr(facts, name) for name in Facts.__slots__} | {"standing": standing})


async def _grade(
    s: WriteSession, act: Act, row: IncidentRow, event: IncidentEvent, facts: Facts, *, reason: str = ""
) -> None:
    check_facts(facts)
    if facts.kind is not row.kind:
        raise IncidentMalformed("its kind is the one it was detected as", member="kind")
    known = await _known(s, row.org_id, facts)
    graded = grade(known, act.now)
    wanted = duties(graded.level, known, detected_at=row.detected_at)
    notice = await _notice_due(s, act, row, known)
    said = Said(
        public={
            "level": graded.level.value,
            "rules": list(graded.cited),
            "due": {one.matter.value: rfc3339(one.due_at) for one in wanted},
        }
        | ({} if notice is None else {"notify_by": rfc3339(notice.due_at)}),
        opening={"facts": known.document()} | ({"reason": reason} if reason else {}),
    )
    values = {
        "level": graded.level,
        "facts": known.document(),
        "cited": list(graded.cited),
        "graded_by": act.actor.user_id,
        "highest": max(graded.level, row.highest or graded.level, key=lambda one: one.rank),
    }
    await step(s, act, event, row, said, values=values)
    await wind(s, row, wanted)
    await _drop(s, act, row, {one.matter for one in wanted})
    await _begin_beside(s, act, row, known, notice)
    await look_at_duties(s, act, row)
    await tell_counts(s, row)


async def _notice_due(s: WriteSession, act: Act, row: IncidentRow, facts: Facts) -> Duty | None:
    """The notice to persons that begins now: from the detection; of persons known later, from now.

    None where nobody is to be told, or its time runs already.
    """
    if not needs_notice(facts) or row.spared or row.notified >= concerned(facts):
        return None
    known = await repository.duty(s, incident_id=row.incident_id, matter=Matter.SUBJECTS)
    if known is None:
        return other_duty(Matter.SUBJECTS, row.detected_at)
    return None if known.met_at is None else other_duty(Matter.SUBJECTS, act.now)


async def _begin_beside(
    s: WriteSession, act: Act, row: IncidentRow, facts: Facts, notice: Duty | None
) -> None:
    """The notice to persons; what the protection department of an operator hands on that turns out to be a
    critical one.
    """
    if notice is not None:
        known = await repository.duty(s, incident_id=row.incident_id, matter=Matter.SUBJECTS)
        if known is not None:
            known.met_at = known.overdue_at = None
            s.add(known)
            await s.flush()
        await wind(s, row, [notice])
    told = await repository.first_report(s, incident_id=row.incident_id, receiver=Receiver.DATA_AUTHORITY)
    forward = await repository.duty(s, incident_id=row.incident_id, matter=Matter.FORWARD)
    if facts.standing is Standing.CII and told is not None and forward is None:
        await wind(s, row, [other_duty(Matter.FORWARD, act.now)])


async def _drop(s: WriteSession, act: Act, row: IncidentRow, wanted: set[Matter]) -> None:
    """What is not due any more falls away; what was over before stays so."""
    for known in await repository.duties_of(s, incident_id=row.incident_id):
        gone = known.matter in _REPORTING and known.matter not in wanted
        if gone and known.met_at is None and known.overdue_at is None:
            known.dropped_at = act.now
            s.add(known)
    await s.flush()
