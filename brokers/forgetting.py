"""What the register of mandates repeats of an opening, emptied when the opening is erased."""

from sqlmodel import col, update

from base.db import WriteSession
from brokers.mandates.tables import MandateTermsRow
from brokers.tables import MandateRow
from ledger.erasure import ERASED


async def forget_scope(s: WriteSession, *, mandate_id: str) -> None:
    """The words of a mandate, with its document. Its fee, limits and end stay: trades rest on them."""
    await s.exec(update(MandateRow).where(col(MandateRow.mandate_id) == mandate_id).values(scope=ERASED))
    await s.exec(
        update(MandateTermsRow).where(col(MandateTermsRow.mandate_id) == mandate_id).values(document=None)
    )
