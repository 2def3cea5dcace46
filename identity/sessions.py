"""One's sessions: where one is signed in, and how one of them, or every other, is ended at once.

A session is a sign-in with all the tokens that renewed it. It is ended as a token is signed out: its id
stands among the denied ones until the last of its tokens would have expired, so nothing more is asked at a
request than before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, delete, select, update

from base.db import ReadSession, WriteSession
from base.errors import NotFound
from identity.errors import TokenRevoked
from identity.service import insert
from identity.tables import DeniedTokenRow, SessionRow

MAX_PAGE: Final = 50
_AGENT: Final = 200


class SessionUnknown(NotFound):
    """No such session of this person's, or it has ended."""

    code = "session-unknown"
    title = "No such session"


async def begin(
    s: WriteSession, *, session_id: str, user_id: str, agent: str, now: datetime, ends_at: datetime
) -> None:
    """Remember a sign-in."""
    s.add(
        SessionRow(
            session_id=session_id, user_id=user_id, agent=agent[:_AGENT], started_at=now, ends_at=ends_at
        )
    )
    await s.flush()


async def sessions_of(s: ReadSession, *, user_id: str, now: datetime) -> Sequence[SessionRow]:
    """A person's sessions that run, the newest first; no more than a page of them."""
    return await _running(s, user_id=user_id, now=now, limit=MAX_PAGE)


async def _running(
    s: ReadSession, *, user_id: str, now: datetime, limit: int | None = None
) -> Sequence[SessionRow]:
    query = select(SessionRow).where(
        SessionRow.user_id == user_id, col(SessionRow.ended_at).is_(None), col(SessionRow.ends_at) > now
    )
    ordered = query.order_by(col(SessionRow.started_at).desc(), col(SessionRow.session_id)).limit(limit)
    return (await s.exec(ordered)).all()


async def end_session(s: WriteSession, *, user_id: str, session_id: str, now: datetime) -> None:
    """End one of a person's sessions: its tokens are worthless at once. Raises SessionUnknown."""
    claimed = await s.exec(
        update(SessionRow)
        .where(
            col(SessionRow.session_id) == session_id,
            col(SessionRow.user_id) == user_id,
            col(SessionRow.ended_at).is_(None),
            col(SessionRow.ends_at) > now,
        )
        .values(ended_at=now)
    )
    if claimed.rowcount != 1:
        raise SessionUnknown("no such session, or it has ended", session_id=session_id)
    ended = (await s.exec(select(SessionRow).where(SessionRow.session_id == session_id))).one()
    await deny(s, session_id=session_id, until=ended.ends_at)


async def end_others(s: WriteSession, *, user_id: str, but: str, now: datetime) -> int:
    """End every session of a person but one, however many there are; answers how many."""
    running = await _running(s, user_id=user_id, now=now)
    others = [row.session_id for row in running if row.session_id != but]
    for session_id in others:
        await end_session(s, user_id=user_id, session_id=session_id, now=now)
    return len(others)


async def deny(s: WriteSession, *, session_id: str, until: datetime) -> None:
    """Make every token of a session worthless; doing it again changes nothing."""
    if await s.get(DeniedTokenRow, session_id) is None:
        row = DeniedTokenRow(jti=session_id, expires_at=until)
        await insert(s, row, TokenRevoked("ended a moment ago"))


async def forget(s: WriteSession, *, now: datetime) -> None:
    """Delete what has ended by itself."""
    await s.exec(delete(SessionRow).where(col(SessionRow.ends_at) <= now))
