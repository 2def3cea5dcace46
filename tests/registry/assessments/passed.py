"""Assessments that stand, for tests that are about something else: as the workflow leaves them."""

from datetime import datetime, timedelta

from base.db import Database
from base.ids import Seed
from registry.grading.repository import grade_of
from registry.grading.states import AssessmentState
from registry.grading.tables import AssessmentRow


async def passed(
    database: Database, *, holder_id: str, object_id: str, now: datetime, file_sha256: str | None = None
) -> str:
    """An impact assessment and a security review of an object, passed for every use; the first one's id."""
    if file_sha256 is None:
        async with database.read() as s:
            known = await grade_of(s, object_id=object_id)
        file_sha256 = None if known is None else known.file_sha256
    rows = [
        AssessmentRow(
            assessment_id=Seed().new_id("pia", now),
            holder_id=holder_id,
            object_id=object_id,
            status=AssessmentState.STANDING,
            kind=kind,
            uses=["EXPORT", "LISTING"],
            contents={},
            file_sha256=file_sha256,
            outcome="PASS",
            report_sha256="c" * 64,
            assessed_at=now,
            valid_until=now + timedelta(days=300),
            keep_until=now + timedelta(days=1200),
            recorded_at=now,
        )
        for kind in ("PIPIA", "SECURITY_REVIEW")
    ]
    async with database.write() as s:
        s.add_all(rows)
        return rows[0].assessment_id
