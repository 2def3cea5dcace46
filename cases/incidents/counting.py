"""The register that an agency's evaluation reads: which incidents befell it, and which report came late."""

from base.db import WriteSession
from cases.incidents import repository
from cases.incidents.rules import Matter, is_reportable
from cases.incidents.tables import IncidentRow
from registry.evaluation.incidents import enter_incident

_REPORTS = frozenset({Matter.REPORT, Matter.REPORT_SECURITY, Matter.DEFECT})


async def tell_counts(s: WriteSession, row: IncidentRow) -> None:
    """Enter an incident as it stands: it counts from 较大 on, and is late where a report was."""
    if row.level is None:
        return
    rows = await repository.duties_of(s, incident_id=row.incident_id)
    await enter_incident(
        s,
        incident_id=row.incident_id,
        org_id=row.org_id,
        detected_at=row.detected_at,
        counts=is_reportable(row.level, row.detected_at),
        late=any(one.overdue_at is not None for one in rows if one.matter in _REPORTS),
    )
