"""Reports to who has to hear of an incident: the first, what came to be known later, the summary.

The clock is met by the report, whatever its receiver says; an authority confirms the receipt, and the
protection department of a critical operator hands it on to the CAC within half an hour.
"""

from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from cases.incidents import repository
from cases.incidents.errors import IncidentMalformed, ReportMisdirected, ReportUnknown
from cases.incidents.moving import Said, check_text, claim_for, claim_owned, facts_of, meet, step, wind
from cases.incidents.rules import Matter, Receiver, ReportKind, Standing, other_duty
from cases.incidents.states import IncidentEvent
from cases.incidents.tables import IncidentRow, ReportRow
from ledger.recording import Act

_E = IncidentEvent
_OF_RECEIVER: Final = (Matter.REPORT, Matter.REPORT_SECURITY, Matter.REPORT_DATA, Matter.DEFECT)


async def report(
    s: WriteSession,
    act: Act,
    *,
    incident_id: str,
    receiver: Receiver,
    kind: ReportKind,
    text: str,
    unknown: str = "",
) -> ReportRow:
    """Report an incident (INC.REPORT): what is known now, and in `unknown` what is not known yet.

    A first report is one that is due; a follow-up and the summary come after a first. The statement says by
    what time it was due, and whether it came late. Raises ReportMisdirected, IncidentUnknown.
    """
    row = await claim_owned(s, act, incident_id, _E.REPORT)
    known = await repository.duties_of(s, incident_id=incident_id)
    due = [
        one
        for one in known
        if one.receiver is receiver and one.matter in _OF_RECEIVER and one.dropped_at is None
    ]
    first = await repository.first_report(s, incident_id=incident_id, receiver=receiver)
    if (kind is ReportKind.FIRST) == (first is not None):
        raise ReportMisdirected("a first report comes once, and before every other", receiver=receiver.value)
    if kind is ReportKind.FIRST and not due:
        raise ReportMisdirected("nothing of this is due to this receiver", receiver=receiver.value)
    assert row.level is not None
    document = {
        "text": check_text(text),
        "unknown": unknown,
        "level": row.level.value,
        "title": row.title,
        "org_id": row.org_id,
        "detected_at": rfc3339(row.detected_at),
        "facts": row.facts,
    }
    waiting = [one for one in due if one.met_at is None]
    late = await meet(s, act, row, *(one.matter for one in waiting))
    made = _row(act, row, kind, receiver, document, late=late)
    said = Said(
        public={
            "report_id": made.report_id,
            "receiver": receiver.value,
            "report": kind.value,
            "level": row.level.value,
            "late": late,
        }
        | ({"due_at": rfc3339(min(one.due_at for one in waiting))} if waiting else {}),
        opening=document,
    )
    await step(s, act, _E.REPORT, row, said)
    s.add(made)
    await s.flush()
    protects = receiver is Receiver.DATA_AUTHORITY and facts_of(row).standing is Standing.CII
    if protects and kind is ReportKind.FIRST and any(one.matter is Matter.REPORT for one in waiting):
        await wind(s, row, [other_duty(Matter.FORWARD, act.now)])
    return made


async def receive_report(s: WriteSession, act: Act, *, incident_id: str, report_id: str) -> ReportRow:
    """Confirm the receipt of a report that was made to one's office (INC.RECEIVE). Raises ReportUnknown."""
    row = await claim_for(s, act, incident_id, _E.RECEIVE)
    found = await _report(s, row, report_id)
    if found.receiver.value != act.role or found.received_at is not None:
        raise ReportUnknown("no such report waits here", report_id=report_id)
    said = Said(public={"report_id": report_id, "receiver": found.receiver.value})
    await step(s, act, _E.RECEIVE, row, said)
    found.received_at, found.received_by = act.now, act.actor.user_id or act.actor.org_id
    s.add(found)
    await s.flush()
    return found


async def forward_report(
    s: WriteSession, act: Act, *, incident_id: str, report_id: str, text: str
) -> ReportRow:
    """Hand a critical operator's report on to the CAC, as its protection department (INC.FORWARD).

    Within half an hour of the report. Raises ReportUnknown, ReportMisdirected.
    """
    row = await claim_for(s, act, incident_id, _E.FORWARD)
    found = await _report(s, row, report_id)
    if found.receiver.value != act.role:
        raise ReportUnknown("no such report waits here", report_id=report_id)
    clock = await repository.duty(s, incident_id=incident_id, matter=Matter.FORWARD)
    if clock is None or clock.met_at is not None:
        raise ReportMisdirected("nothing of this is to be handed on", report_id=report_id)
    due_at = clock.due_at
    late = await meet(s, act, row, Matter.FORWARD)
    document = {**found.document, "forwarded_text": check_text(text)}
    made = _row(act, row, ReportKind.FIRST, Receiver.CAC, document, late=late)
    made.forwarded = True
    said = Said(
        public={
            "report_id": made.report_id,
            "of": report_id,
            "receiver": made.receiver.value,
            "due_at": rfc3339(due_at),
            "late": late,
        },
        opening={"text": text},
        subjects={"report": sha256_hex(canonical(found.document))},
    )
    await step(s, act, _E.FORWARD, row, said)
    s.add(made)
    await s.flush()
    return made


def _row(
    act: Act,
    row: IncidentRow,
    kind: ReportKind,
    receiver: Receiver,
    document: dict[str, Any],
    *,
    late: bool,
) -> ReportRow:
    if len(canonical(document)) > 64 * 1024:
        raise IncidentMalformed("this is too long", member="text")
    return ReportRow(
        report_id=act.new_id("irp"),
        incident_id=row.incident_id,
        kind=kind,
        receiver=receiver,
        document=document,
        reported_by=act.actor.user_id or act.actor.org_id,
        reported_at=act.now,
        late=late,
    )


async def _report(s: WriteSession, row: IncidentRow, report_id: str) -> ReportRow:
    found = await s.get(ReportRow, report_id, populate_existing=True)
    if found is None or found.incident_id != row.incident_id:
        raise ReportUnknown("no such report", report_id=report_id)
    return found
