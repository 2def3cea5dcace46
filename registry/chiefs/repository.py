"""What is asked about chief data officers."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.chiefs.errors import ChiefUnknown
from registry.chiefs.states import ChiefState
from registry.chiefs.tables import ChiefRow

MAX_PAGE = 100


async def get_chief(s: ReadSession, *, chief_id: str) -> ChiefRow:
    """An appointment by id. Raises ChiefUnknown."""
    row = await s.get(ChiefRow, chief_id, populate_existing=True)
    if row is None:
        raise ChiefUnknown("no such appointment", chief_id=chief_id)
    return row


async def claim_chief(s: WriteSession, *, chief_id: str) -> ChiefRow:
    """An appointment, locked against every act that rests on it. Raises ChiefUnknown."""
    query = exclusive_lock(select(ChiefRow).where(ChiefRow.chief_id == chief_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise ChiefUnknown("no such appointment", chief_id=chief_id)
    return row


async def claim_standing(s: WriteSession, *, agency_id: str) -> ChiefRow | None:
    """The appointment that stands at an agency, locked."""
    query = exclusive_lock(
        select(ChiefRow).where(ChiefRow.agency_id == agency_id, ChiefRow.status == ChiefState.STANDING)
    )
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def standing_chief(s: ReadSession, *, agency_id: str, user_id: str, now: datetime) -> ChiefRow | None:
    """The appointment of this person that stands at this agency now, share-locked for an act on it."""
    query = share_lock(
        select(ChiefRow).where(
            ChiefRow.agency_id == agency_id,
            ChiefRow.user_id == user_id,
            ChiefRow.status == ChiefState.STANDING,
        )
    )
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    return None if row is None or (row.until is not None and now > row.until) else row


async def chief_at(s: ReadSession, *, agency_id: str, at: datetime) -> ChiefRow | None:
    """Whose appointment stood at an agency at a moment."""
    query = select(ChiefRow).where(
        ChiefRow.agency_id == agency_id,
        col(ChiefRow.began_at) <= at,
        col(ChiefRow.ended_at).is_(None) | (col(ChiefRow.ended_at) > at),
        col(ChiefRow.until).is_(None) | (col(ChiefRow.until) >= at),
    )
    return (await s.exec(query.order_by(col(ChiefRow.chief_id).desc()).limit(1))).first()


async def chiefs(
    s: ReadSession, *, agency_id: str | None = None, after: str | None = None, limit: int = MAX_PAGE
) -> Sequence[ChiefRow]:
    """Appointments, newest first: of everybody or of one agency, whether they stand or have ended."""
    query = select(ChiefRow)
    if agency_id is not None:
        query = query.where(ChiefRow.agency_id == agency_id)
    if after is not None:
        query = query.where(col(ChiefRow.chief_id) < after)
    newest = query.order_by(col(ChiefRow.chief_id).desc()).limit(min(limit, MAX_PAGE))
    return (await s.exec(newest)).all()
