"""What the tables of mediation repeat of the opening of `MED.SEND`, emptied when it is erased."""

from sqlmodel import col, update

from base.db import WriteSession
from ledger.erasure import ERASED
from market.mediation.tables import Presentation


async def forget_sent(s: WriteSession, *, presentation_id: str) -> None:
    """What was sent, the neutral order with its points, and the broker's reason."""
    mine = update(Presentation).where(col(Presentation.presentation_id) == presentation_id)
    await s.exec(mine.values(listing_ids=[], document=None, related={}))
    await s.exec(mine.where(col(Presentation.reason).is_not(None)).values(reason=ERASED))
