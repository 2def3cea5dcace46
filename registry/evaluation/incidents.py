"""The register of security incidents that an evaluation counts: entered by who handles them (`cases`)."""

from datetime import datetime

from sqlmodel import col, select

from base.db import ReadSession, WriteSession
from registry.evaluation.tables import IncidentRecordRow


async def enter_incident(
    s: WriteSession, *, incident_id: str, org_id: str, detected_at: datetime, counts: bool, late: bool
) -> None:
    """Enter an incident, or how it stands now: whether it counts, and whether a report of it was late."""
    await s.merge(
        IncidentRecordRow(
            incident_id=incident_id, org_id=org_id, detected_at=detected_at, counts=counts, late=late
        )
    )
    await s.flush()


async def incidents_of(
    s: ReadSession, *, org_id: str, since: datetime, until: datetime
) -> tuple[list[str], list[str]]:
    """The incidents of a member that count, detected in [since, until), and of all of them the late ones."""
    query = select(IncidentRecordRow).where(
        IncidentRecordRow.org_id == org_id,
        col(IncidentRecordRow.detected_at) >= since,
        col(IncidentRecordRow.detected_at) < until,
    )
    rows = (await s.exec(query.order_by(col(IncidentRecordRow.incident_id)))).all()
    return [row.incident_id for row in rows if row.counts], [row.incident_id for row in rows if row.late]
