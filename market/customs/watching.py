"""What a watch over the exchange asks of customs: how much left, how near it came to what was declared."""

from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select

from base.db import ReadSession
from market.customs.states import LIVE
from market.customs.tables import DeclarationRow, EgressRow

_WHOLE: Final = 1000
_MOST: Final = 1000


async def left_between(s: ReadSession, *, since: datetime, until: datetime) -> int:
    """The bytes that left the mainland in [since, until), of every clearance."""
    query = select(func.coalesce(func.sum(EgressRow.bytes), 0)).where(
        col(EgressRow.left_at) >= since, col(EgressRow.left_at) < until
    )
    return int((await s.exec(query)).one())


async def declared_shares(s: ReadSession, *, least: int) -> dict[str, int]:
    """What left under each live clearance that is so full, in thousandths of what was declared."""
    share = col(DeclarationRow.sent_bytes) * _WHOLE // func.nullif(col(DeclarationRow.volume_bytes), 0)
    query = select(DeclarationRow.declaration_id, share).where(
        col(DeclarationRow.status).in_(list(LIVE)), share >= least
    )
    rows = (await s.exec(query.order_by(col(DeclarationRow.declaration_id)).limit(_MOST))).all()
    return {declaration_id: int(found) for declaration_id, found in rows}
