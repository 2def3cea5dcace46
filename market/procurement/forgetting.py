"""What the table of bases repeats of the openings of `PCM.STATE`, emptied when one is erased."""

from sqlmodel import col, update

from base.db import WriteSession
from market.procurement.tables import Procurement


async def forget_budget(s: WriteSession, *, procurement_id: str) -> None:
    """The budget, its reference and its amount: what was agreed stays agreed."""
    await s.exec(
        update(Procurement)
        .where(col(Procurement.procurement_id) == procurement_id)
        .values(budget_reference=None, budget_minor=None)
    )
