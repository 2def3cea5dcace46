"""What crosses the border with personal data was assessed and reviewed for it (PIPL 38, 39, 55; R78)."""

from datetime import datetime

from base.db import ReadSession
from market.customs.declared import Declaration
from registry.grading.depending import require_reviewed


async def require_assessed(
    s: ReadSession, said: Declaration, *, exporter_id: str, product_id: str | None, now: datetime
) -> None:
    """An impact assessment and a security review of the product stand that were made for its export.

    Of what is no product of the exchange the attached assessment is all there is (`proving`). Raises
    AssessmentMissing.
    """
    if said.personal and product_id is not None:
        await require_reviewed(s, object_id=product_id, holder_id=exporter_id, use="EXPORT", now=now)
