"""What is asked about customs decisions."""

from sqlmodel import col, select

from base.db import ReadSession
from market.customs.tables import CustomsDecision


async def decision_of(s: ReadSession, *, trade_id: str) -> CustomsDecision | None:
    """The latest decision on a trade's delivery."""
    query = select(CustomsDecision).where(CustomsDecision.trade_id == trade_id)
    return (await s.exec(query.order_by(col(CustomsDecision.decided_at).desc()).limit(1))).first()
