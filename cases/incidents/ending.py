"""After containment: persons are told or spared, the cause is removed, all is reviewed, another closes."""

from typing import Final

from base.clock import rfc3339
from base.db import WriteSession
from cases.incidents import repository
from cases.incidents.containing import check_reported
from cases.incidents.errors import (
    ClosingBeyondPower,
    IncidentMalformed,
    MeasureStands,
    SubjectsNotNotified,
)
from cases.incidents.moving import (
    Said,
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
    MOST_PERSONS,
    Matter,
    closed_by_authority,
    concerned,
    other_duty,
)
from cases.incidents.states import OPERATOR, IncidentEvent
from cases.incidents.tables import IncidentRow
from identity.service import require_identified
from ledger.recording import Act

_E = IncidentEvent
_REPORTS: Final = (Matter.REPORT, Matter.REPORT_SECURITY, Matter.REPORT_DATA, Matter.DEFECT, Matter.FORWARD)


async def notify_subjects(
    s: WriteSession,
    act: Act,
    *,
    incident_id: str,
    persons: int,
    what: str,
    harm: str,
    measures: str,
    contact: str,
) -> IncidentRow:
    """Say that the persons concerned were told (INC.NOTIFY_SUBJECTS), and what they were told (PIPL Art 57).

    What happened to which data and its cause, the harm that is possible, what was done and what they can do
    themselves, whom to ask. Raises IncidentMalformed, IncidentUnknown.
    """
    row = await claim_owned(s, act, incident_id, _E.NOTIFY_SUBJECTS)
    if not 1 <= persons <= MOST_PERSONS:
        raise IncidentMalformed("how many were told", member="persons")
    told = row.notified + persons
    whole = told >= concerned(facts_of(row))
    clock = await repository.duty(s, incident_id=incident_id, matter=Matter.SUBJECTS)
    late = clock is not None and clock.met_at is None and act.now > clock.due_at
    if whole:
        await meet(s, act, row, Matter.SUBJECTS)
    notice = {"what": what, "harm": harm, "measures": measures, "contact": contact}
    opening = {name: check_text(text) for name, text in notice.items()} | {"persons": persons}
    values = {"notified": told, "notice_ordered": row.notice_ordered and not whole}
    said = Said(public={"late": late, "whole": whole}, opening=opening)
    await step(s, act, _E.NOTIFY_SUBJECTS, row, said, values=values)
    return row


async def spare_subjects(s: WriteSession, act: Act, *, incident_id: str, grounds: str) -> IncidentRow:
    """Say that measures avoid the harm, so that nobody is told (INC.SPARE_SUBJECTS, PIPL Art 57).

    Raises SubjectsNotNotified where an authority has ordered the notice.
    """
    row = await claim_owned(s, act, incident_id, _E.SPARE_SUBJECTS)
    if row.notice_ordered:
        raise SubjectsNotNotified("the notice was ordered", incident_id=incident_id)
    await meet(s, act, row, Matter.SUBJECTS)
    said = Said(opening={"grounds": check_text(grounds)})
    await step(s, act, _E.SPARE_SUBJECTS, row, said, values={"spared": True})
    return row


async def order_notice(s: WriteSession, act: Act, *, incident_id: str, reason: str) -> IncidentRow:
    """Order that persons are told all the same (INC.ORDER_NOTICE), as who protects personal information."""
    row = await claim_for(s, act, incident_id, _E.ORDER_NOTICE)
    values = {"spared": False, "notice_ordered": True}
    clock = other_duty(Matter.SUBJECTS, act.now)
    said = Said(public={"notify_by": rfc3339(clock.due_at)}, opening={"reason": check_text(reason)})
    await step(s, act, _E.ORDER_NOTICE, row, said, values=values)
    known = await repository.duty(s, incident_id=incident_id, matter=Matter.SUBJECTS)
    if known is not None:
        known.met_at = known.overdue_at = None
        s.add(known)
        await s.flush()
    await wind(s, row, [clock])
    return row


async def eradicate(s: WriteSession, act: Act, *, incident_id: str, text: str) -> IncidentRow:
    """Say that the cause is gone (INC.ERADICATE); the summary is due within thirty days.

    Raises SubjectsNotNotified where persons are concerned and were neither told nor spared.
    """
    row = await claim_owned(s, act, incident_id, _E.ERADICATE)
    _check_told(row)
    clock = other_duty(Matter.SUMMARY, act.now)
    said = Said(public={"review_by": rfc3339(clock.due_at)}, opening={"text": check_text(text)})
    await step(s, act, _E.ERADICATE, row, said)
    await wind(s, row, [clock])
    return row


async def review(
    s: WriteSession, act: Act, *, incident_id: str, cause: str, course: str, lessons: str, actions: str
) -> IncidentRow:
    """Sum up cause, course, lessons and what is done (INC.REVIEW), as a person whose name is on record."""
    row = await claim_owned(s, act, incident_id, _E.REVIEW)
    officer = await require_identified(s, user_id=act.actor.user_id)
    late = await meet(s, act, row, Matter.SUMMARY)
    parts = {"cause": cause, "course": course, "lessons": lessons, "actions": actions}
    opening = {name: check_text(text) for name, text in parts.items()}
    values = {"reviewed_by": officer.user_id, "review": "\n\n".join(opening.values())}
    await step(s, act, _E.REVIEW, row, Said(public={"late": late}, opening=opening), values=values)
    return row


async def close(s: WriteSession, act: Act, *, incident_id: str, reason: str, left: str = "") -> IncidentRow:
    """Close an incident (INC.CLOSE) as another person than has reviewed it; from "major" on as an authority.

    Every report was made, persons were told, and what was stopped goes on, or `left` says why it does not.
    Raises IncidentSameOfficer, ClosingBeyondPower, IncidentReportDue, SubjectsNotNotified, MeasureStands.
    """
    row = await claim_for(s, act, incident_id, _E.CLOSE)
    assert row.level is not None
    highest = row.highest or row.level
    own = act.role == OPERATOR or act.actor.org_id == row.org_id
    if own and closed_by_authority(highest, row.detected_at):
        raise ClosingBeyondPower("an authority closes this, and not its own", level=highest.value)
    await second_person(s, act, row.reviewed_by)
    await check_reported(s, row, by=_REPORTS)
    _check_told(row)
    rows = await repository.measures_of(s, incident_id=incident_id)
    standing = [one.order_id for one in rows if one.lifted_at is None]
    if standing and not left.strip():
        raise MeasureStands("lift them, or say why they stay", orders=standing)
    said = Said(
        public={"measures_left": len(standing)},
        opening={"reason": check_text(reason)} | ({"left": left} if left else {}),
    )
    await step(s, act, _E.CLOSE, row, said, values={"closed_at": act.now})
    return row


def _check_told(row: IncidentRow) -> None:
    left = concerned(facts_of(row)) - row.notified
    if (left > 0 and not row.spared) or row.notice_ordered:
        raise SubjectsNotNotified("persons are told first, or spared with grounds", left=max(left, 0))
