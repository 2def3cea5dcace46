"""What a watch over the exchange asks of customs: how much left, how near it came to what was declared."""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from base.db import ReadSession
from market.customs.states import LIVE
from market.customs.tables import DeclarationRow, EgressRow

_WHOLE = 1000


async def left_between(s: ReadSession, *, since: datetime, until: datetime) -> int:
    """The bytes that left the mainland in [since, until), of every clearance."""
    query = select(func.coalesce(func.sum(EgressRow.bytes), 0)).where(
        col(EgressRow.left_at) >= since, col(EgressRow.left_at) < until
    )
    return int((await s.exec(query)).one())


async def declared_share(s: ReadSession) -> int:
    """What left under the fullest live clearance, in thousandths of what was declared; 0 where none lives."""
    share = col(DeclarationRow.sent_bytes) * _WHOLE // func.nullif(col(DeclarationRow.volume_bytes), 0)
    query = select(func.max(share)).where(col(DeclarationRow.status).in_(list(LIVE)))
    return int((await s.exec(query)).one() or 0)
