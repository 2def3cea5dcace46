"""What happens when a time of an incident or a warning is over: the exchange states it, once."""

from base.clock import rfc3339
from base.db import WriteSession
from cases.incidents import repository
from cases.incidents.moving import Said, run_out, step_warning
from cases.incidents.rules import Matter
from cases.incidents.states import WarningEvent, WarningState
from cases.incidents.tables import IncidentRow
from ledger.recording import Act


async def note_due(s: WriteSession, act: Act, *, incident_id: str, matter: str, due_at: str) -> bool:
    """State that a time is over (INC.OVERDUE); False where it was met, fell away, or was set anew."""
    row = await repository.claim_incident(s, incident_id=incident_id)
    known = await repository.duty(s, incident_id=incident_id, matter=Matter(matter))
    if known is None or rfc3339(known.due_at) != due_at:
        return False
    return await run_out(s, act, row, known)


async def look_at_duties(s: WriteSession, act: Act, row: IncidentRow) -> None:
    """State at once what is late already: a clock that was set to begin in the past."""
    for known in await repository.duties_of(s, incident_id=row.incident_id):
        await run_out(s, act, row, known)


async def note_unacknowledged(s: WriteSession, act: Act, *, warning_id: str, ack_by: str) -> bool:
    """State that nobody has acknowledged a warning in time (WRN.OVERDUE)."""
    row = await repository.claim_warning(s, warning_id=warning_id)
    same = rfc3339(row.ack_by) == ack_by  # a job's moment has milliseconds
    waits = row.status is WarningState.RAISED and same and row.overdue_at is None
    if not waits or act.now <= row.ack_by:
        return False
    said = Said(public={"ack_by": ack_by})
    await step_warning(s, act, WarningEvent.OVERDUE, row, said, values={"overdue_at": act.now})
    return True
