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
    """An impact assessment and a security review of the product stand: for its export to this recipient.

    Of what is no product of the exchange the attached assessment is all there is (`proving`). Raises
    AssessmentMissing.
    """
    if said.personal and product_id is not None:
        to = _receives(said)
        await require_reviewed(
            s, object_id=product_id, holder_id=exporter_id, use="EXPORT", now=now, recipients=to
        )


async def assessed_still(
    s: ReadSession, rows: Sequence[DeclarationRow], *, now: datetime
) -> list[DeclarationRow]:
    """Those of an exporter's clearances of one product whose data is not personal, or assessed as ever.

    Asked at every access: what an assessment carried over the border stops with it, before any job has run.
    """
    carried, answers = [], dict[frozenset[str], bool]()
    for row in rows:
        said = declaration_from(row.said)
        if row.product_id is None or not said.personal:
            carried.append(row)
            continue
        recipients = _receives(said)
        if recipients not in answers:  # they are of one product and exporter
            try:
                await require_reviewed(
                    s,
                    object_id=row.product_id,
                    holder_id=row.exporter_id,
                    use="EXPORT",
                    now=now,
                    recipients=recipients,
                    lock=False,
                )
            except AssessmentMissing:
                answers[recipients] = False
            else:
                answers[recipients] = True
        if answers[recipients]:
            carried.append(row)
    return carried


def _receives(said: Declaration) -> frozenset[str]:
    """Who receives: a member by its id, anybody else by the name it is declared under."""
    return frozenset({said.recipient.org_id or said.recipient.name})
