"""What a watch over the exchange asks of sign-in: how much fails now."""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from base.db import ReadSession
from identity.tables import PersonRow


async def failing_sign_ins(s: ReadSession, *, since: datetime) -> int:
    """How many sign-ins in a row have failed at accounts that wait for it since then, or did until then."""
    query = select(func.coalesce(func.sum(PersonRow.failures), 0)).where(col(PersonRow.waits_until) >= since)
    return int((await s.exec(query)).one())
