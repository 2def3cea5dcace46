"""How much of signing in fails now: at which logins, whether they exist or not, and how often.

An attempt is counted before it is proved and taken back when it succeeds, in slots of ten minutes and by 16
bits of a digest of what was typed as the login. So few tries each at many accounts are seen (password
spraying), also at logins that nobody has and at accounts whose owners sign in meanwhile; no login is kept,
and the rows are bounded. Of more than some ten thousand logins in a slot a part counts as one.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, select, update

from base.canonical import sha256_hex
from base.db import ReadSession, WriteSession
from identity.tables import FailedSignInRow

SLOT: Final = timedelta(minutes=10)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_DIGITS: Final = 4
_KEPT: Final = timedelta(days=2)


async def count_attempt(s: WriteSession, *, login: str, at: datetime) -> None:
    """Count an attempt as one that fails, until it is known to succeed."""
    upsert = (postgresql if s.get_bind().dialect.name == "postgresql" else sqlite).insert(FailedSignInRow)
    begun = upsert.values(slot_at=_slot_of(at), bucket=_bucket_of(login), failures=1)
    more = {"failures": col(FailedSignInRow.failures) + 1}
    await s.exec(begun.on_conflict_do_update(index_elements=["slot_at", "bucket"], set_=more))


async def forgive_attempt(s: WriteSession, *, login: str, at: datetime) -> None:
    """Take back an attempt that was counted at this moment: it has succeeded."""
    of = col(FailedSignInRow.slot_at) == _slot_of(at), col(FailedSignInRow.bucket) == _bucket_of(login)
    less = col(FailedSignInRow.failures) - 1
    await s.exec(update(FailedSignInRow).where(*of, col(FailedSignInRow.failures) > 0).values(failures=less))


async def failing_sign_ins(s: ReadSession, *, since: datetime, until: datetime) -> tuple[int, int]:
    """How many sign-ins failed in a span of whole slots, and at how many logins."""
    query = select(
        func.coalesce(func.sum(FailedSignInRow.failures), 0),
        func.count(func.distinct(FailedSignInRow.bucket)),
    ).where(
        FailedSignInRow.slot_at >= _slot_of(since),
        FailedSignInRow.slot_at < until,
        FailedSignInRow.failures > 0,
    )
    failures, logins = (await s.exec(query)).one()
    return int(failures), int(logins)


async def forget_attempts(s: WriteSession, *, now: datetime) -> None:
    """Forget what was counted two days ago and before."""
    await s.exec(delete(FailedSignInRow).where(col(FailedSignInRow.slot_at) < now - _KEPT))


def _slot_of(at: datetime) -> datetime:
    return _EPOCH + SLOT * ((at - _EPOCH) // SLOT)


def _bucket_of(login: str) -> int:
    return int(sha256_hex(login.encode(errors="replace"))[:_DIGITS], 16)
