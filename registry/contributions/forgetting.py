"""What the table of contributions repeats of the openings of `CTB.ASK`, emptied when one is erased."""

from sqlmodel import col, update

from base.db import WriteSession
from registry.contributions.tables import ContributionRow


async def forget_given(s: WriteSession, *, contribution_id: str) -> None:
    """Which data it gives, in words: who was asked, for which share, stays."""
    mine = col(ContributionRow.contribution_id) == contribution_id
    await s.exec(update(ContributionRow).where(mine).values(what=""))
