"""What a watch over the exchange asks of sign-in: how much fails now."""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from base.db import ReadSession
from identity.tables import PersonRow, SecondFactorRow


async def failing_sign_ins(s: ReadSession, *, since: datetime) -> int:
    """How many sign-ins in a row have failed at accounts that wait for it since then, or did until then."""
    failed = 0
    for row in (PersonRow, SecondFactorRow):
        query = select(func.coalesce(func.sum(row.failures), 0)).where(col(row.waits_until) >= since)
        failed += int((await s.exec(query)).one())
    return failed
