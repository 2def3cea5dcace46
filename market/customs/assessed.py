"""What crosses the border with personal data was assessed and reviewed for it (PIPL 38, 39, 55; R78)."""

from collections.abc import Sequence
from datetime import datetime

from base.db import ReadSession
from market.customs.declared import Declaration
from market.customs.reading import declaration_from
from market.customs.tables import DeclarationRow
from registry.grading.depending import require_reviewed
from registry.grading.errors import AssessmentMissing


async def require_assessed(
    s: ReadSession, said: Declaration, *, exporter_id: str, product_id: str | None, now: datetime
) -> None:
    """An impact assessment and a security review of the product stand that were made for its export.

    Of what is no product of the exchange the attached assessment is all there is (`proving`). Raises
    AssessmentMissing.
    """
    if said.personal and product_id is not None:
        await require_reviewed(s, object_id=product_id, holder_id=exporter_id, use="EXPORT", now=now)


async def assessed_still(
    s: ReadSession, rows: Sequence[DeclarationRow], *, now: datetime
) -> list[DeclarationRow]:
    """Those of an exporter's clearances of one product whose data is not personal, or assessed as ever.

    Asked at every access: what an assessment carried over the border stops with it, before any job has run.
    """
    personal = {
        row.declaration_id: row
        for row in rows
        if row.product_id is not None and declaration_from(row.said).personal
    }
    for row in personal.values():
        assert row.product_id is not None
        of = {"object_id": row.product_id, "holder_id": row.exporter_id}
        try:
            await require_reviewed(s, **of, use="EXPORT", now=now, lock=False)
        except AssessmentMissing:
            return [one for one in rows if one.declaration_id not in personal]
        break  # they are of one product and exporter
    return list(rows)
