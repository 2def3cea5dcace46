"""Same key, same answer: what an unsafe call answered, kept in the transaction that did its work."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, LargeBinary, SmallInteger, Text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel, col, delete, insert, select, update

from base.db import ReadSession, UtcDateTime, WriteSession
from base.errors import IdempotencyMismatch, Malformed, NotFound, Unavailable

_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")


class IdempotencyKeyMalformed(Malformed):
    code = "idempotency-key-malformed"
    title = "An Idempotency-Key is 1 to 64 visible ASCII characters"


class IdempotencyRace(Unavailable):
    """A call with the same key came at the same time and was answered: roll back and `recall`."""

    code = "idempotency-race"
    title = "The same Idempotency-Key was answered a moment ago"


class AnswerErased(NotFound):
    """The call was answered once, and the answer held what has been erased since: nothing is done again."""

    code = "answer-erased"
    title = "The answer to this call was erased"


class IdempotencyRow(SQLModel, table=True):
    """One answered call. The primary key decides between two that came at once.

    `about` is the object the answer speaks of; an answer that was erased has no media type.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 64", name="key_length"),
        CheckConstraint("length(input_sha256) = 64", name="digest_length"),
    )

    actor_id: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    route: str = Field(sa_column=Column(Text, nullable=False))
    input_sha256: str = Field(sa_column=Column(Text, nullable=False))
    status: int = Field(sa_column=Column(SmallInteger, nullable=False))
    media_type: str = Field(sa_column=Column(Text, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    about: str | None = Field(default=None, sa_column=Column(Text, index=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What makes two calls the same: who, with which key, where, with which input (hex SHA-256)."""

    actor_id: str
    key: str
    route: str
    input_sha256: str

    def __post_init__(self) -> None:
        if _KEY.fullmatch(self.key) is None:
            raise IdempotencyKeyMalformed("an Idempotency-Key is 1 to 64 visible ASCII characters")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: to be repeated byte for byte."""

    status: int
    media_type: str
    body: bytes


async def recall(s: ReadSession, call: Call) -> Answer | None:
    """The answer to an earlier call of this actor with this key, or None for a new key.

    Raises IdempotencyMismatch when the earlier call had another route or another input, AnswerErased
    when its answer is gone.
    """
    query = select(IdempotencyRow).where(
        IdempotencyRow.actor_id == call.actor_id, IdempotencyRow.key == call.key
    )
    row = (await s.exec(query)).first()
    if row is None:
        return None
    if (row.route, row.input_sha256) != (call.route, call.input_sha256):
        raise IdempotencyMismatch("this key was used with another call", key=call.key)
    if not row.media_type:
        raise AnswerErased("this call was answered, and the answer has been erased", key=call.key)
    return Answer(row.status, row.media_type, row.body)


async def remember(
    s: WriteSession, call: Call, answer: Answer, *, now: datetime, about: str | None = None
) -> None:
    """Keep the answer in the transaction that did the work, with the object that it speaks of.

    Raises IdempotencyRace when a call with the same key was answered in the meantime: the caller's
    transaction rolls back, so the work is done once, and `recall` in a new one has the answer.
    """
    await s.flush()  # so that a constraint of the work itself is not taken for a race
    try:
        await s.exec(
            insert(IdempotencyRow).values(
                actor_id=call.actor_id,
                key=call.key,
                route=call.route,
                input_sha256=call.input_sha256,
                status=answer.status,
                media_type=answer.media_type,
                body=answer.body,
                created_at=now,
                about=about,
            )
        )
    except IntegrityError:
        raise IdempotencyRace("this key was answered a moment ago", key=call.key) from None


async def forget(s: WriteSession, *, before: datetime) -> int:
    """Remove answers older than a time; returns how many. Their keys may then be used again."""
    gone = await s.exec(delete(IdempotencyRow).where(col(IdempotencyRow.created_at) < before))
    return gone.rowcount


async def erase_answers(s: WriteSession, *, about: Collection[str]) -> int:
    """Empty the remembered answers that speak of these objects; returns how many.

    Their keys stay taken, so that a call that comes again is not carried out again. Answers of which
    nobody noted what they speak of are emptied too.
    """
    spoken_of = col(IdempotencyRow.about).in_(about) | col(IdempotencyRow.about).is_(None)
    emptied = await s.exec(
        update(IdempotencyRow)
        .where(spoken_of, col(IdempotencyRow.media_type) != "")
        .values(media_type="", body=b"")
    )
    return emptied.rowcount
