"""Whether what may be asked of a listing's table can be answered: asked when the listing is submitted."""

from base.db import ReadSession
from market.listings.errors import ListingMalformed
from market.listings.repository import sandbox_of
from market.listings.sandboxing import AnswerMode, require_columns
from registry.report import parse_report
from registry.rules import PersonalData
from registry.tables import QualityRow


async def require_answerable(
    s: ReadSession, *, listing_id: str, report: QualityRow | None, personal: PersonalData
) -> None:
    """The measured table has the columns of the terms, and of personal data nothing is told exactly.

    Raises ListingMalformed. A listing without terms, or without a report, has nothing to be asked here.
    """
    terms = await sandbox_of(s, listing_id=listing_id)
    if terms is None or report is None:
        return
    columns = parse_report(report.report).document["columns"]
    require_columns(terms, [column["name"] for column in columns if column["position"] is not None])
    if terms.mode is AnswerMode.PLAIN and personal.contained and not personal.anonymised:
        raise ListingMalformed("of personal data no exact number is told", member="sandbox")
