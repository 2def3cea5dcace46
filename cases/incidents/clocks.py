"""What happens when a time of an incident or a warning is over: the exchange states it, once."""

from datetime import datetime

from base.clock import parse_rfc3339, rfc3339
from base.db import WriteSession
from cases.incidents import repository
from cases.incidents.counting import tell_counts
from cases.incidents.moving import Said, step, step_warning
from cases.incidents.rules import Matter
from cases.incidents.states import OVER, IncidentEvent, WarningEvent, WarningState
from cases.incidents.tables import DutyRow, IncidentRow
from ledger.recording import Act


async def note_due(s: WriteSession, act: Act, *, incident_id: str, matter: str, due_at: str) -> bool:
    """State that a time is over (INC.OVERDUE); False where it was met, fell away, or was set anew."""
    row = await repository.claim_incident(s, incident_id=incident_id)
    known = await repository.duty(s, incident_id=incident_id, matter=Matter(matter))
    if known is None or known.due_at != parse_rfc3339(due_at):
        return False
    return await _overdue(s, act, row, known)


async def look_at_duties(s: WriteSession, act: Act, row: IncidentRow) -> None:
    """State at once what is late already: a clock that was set to begin in the past."""
    for known in await repository.duties_of(s, incident_id=row.incident_id):
        await _overdue(s, act.as_exchange(), row, known)


async def _overdue(s: WriteSession, act: Act, row: IncidentRow, known: DutyRow) -> bool:
    settled = known.met_at is not None or known.dropped_at is not None or known.overdue_at is not None
    if settled or row.status in OVER or act.now <= known.due_at:
        return False
    known.overdue_at = act.now
    s.add(known)
    said = Said(public={"matter": known.matter.value, "due_at": rfc3339(known.due_at)})
    await step(s, act, IncidentEvent.OVERDUE, row, said)
    await tell_counts(s, row)
    return True


async def note_unacknowledged(s: WriteSession, act: Act, *, warning_id: str, ack_by: str) -> bool:
    """State that nobody has acknowledged a warning in time (WRN.OVERDUE)."""
    row = await repository.claim_warning(s, warning_id=warning_id)
    due: datetime = parse_rfc3339(ack_by)
    waits = row.status is WarningState.RAISED and row.ack_by == due and row.overdue_at is None
    if not waits or act.now <= due:
        return False
    said = Said(public={"ack_by": ack_by})
    await step_warning(s, act, WarningEvent.OVERDUE, row, said, values={"overdue_at": act.now})
    return True
