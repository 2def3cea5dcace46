"""Double-entry postings: insert-only, two-phase, each tied to the statement that says why.

`book` posts at once. `reserve` writes a pending batch that counts in no balance until it is resolved,
once, by `post_reserved` or `void_reserved` (UNIQUE on what it resolves). The sum of every batch is
checked here and again in the database (`ledger/triggers.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from base.db import ReadSession, WriteSession
from base.rows import Copy, Plan
from ledger.accounts import Leg, check_legs
from ledger.errors import AlreadyResolved, StatementUnknown
from ledger.tables import PostingBatchRow, PostingRow

_POST: Final = Copy(
    PostingRow, "batch_id", "booked", key="batch_id", kept=("account", "amount_minor", "currency")
)
_CLOSE: Final = Copy(
    PostingBatchRow,
    "batch_id",
    "kind",
    "statement_id",
    "resolves",
    "booked_at",
    key="batch_id",
    kept=("object_id",),
    when="t.kind = 'pending'",
)


async def book(
    s: WriteSession,
    *,
    batch_id: str,
    object_id: str,
    statement_id: str,
    booked_at: datetime,
    legs: Sequence[Leg],
) -> None:
    """Post legs at once. Raises LegsUnbalanced before anything is written."""
    batch = PostingBatchRow(
        batch_id=batch_id, kind="book", object_id=object_id, statement_id=statement_id, booked_at=booked_at
    )
    await _write(s, batch, check_legs(legs))


async def reserve(
    s: WriteSession,
    *,
    batch_id: str,
    object_id: str,
    statement_id: str,
    booked_at: datetime,
    legs: Sequence[Leg],
) -> None:
    """Write a pending batch: decided, not yet moved."""
    batch = PostingBatchRow(
        batch_id=batch_id, kind="pending", object_id=object_id, statement_id=statement_id, booked_at=booked_at
    )
    await _write(s, batch, check_legs(legs))


async def post_reserved(
    s: WriteSession, *, batch_id: str, resolves: str, statement_id: str, booked_at: datetime
) -> None:
    """Move what a pending batch reserved. Raises AlreadyResolved when it was posted or voided before."""
    pending = await _pending(s, resolves)
    batch = PostingBatchRow(
        batch_id=batch_id,
        kind="post",
        object_id=pending.object_id,
        statement_id=statement_id,
        resolves=resolves,
        booked_at=booked_at,
    )
    await _write(s, batch, await _legs(s, resolves))


@dataclass(frozen=True, slots=True)
class Resolution:
    """A pending batch that is posted by another."""

    batch_id: str
    resolves: str
    statement_id: str
    booked_at: datetime


def post_reserved_together(plan: Plan, resolutions: Sequence[Resolution]) -> None:
    """Plan `post_reserved` for many. The plan breaks when one is no reservation, or was resolved before.

    The legs of a reservation were checked when it was written, and stand as they were; the database checks
    the sum again.
    """
    plan.add(_POST, [(one.resolves, one.batch_id, True) for one in resolutions], each=True)
    plan.add(
        _CLOSE,
        [
            (one.resolves, one.batch_id, "post", one.statement_id, one.resolves, one.booked_at)
            for one in resolutions
        ],
        each=True,
    )


async def void_reserved(
    s: WriteSession, *, batch_id: str, resolves: str, statement_id: str, booked_at: datetime
) -> None:
    """Let a pending batch go without moving anything. Raises AlreadyResolved."""
    pending = await _pending(s, resolves)
    batch = PostingBatchRow(
        batch_id=batch_id,
        kind="void",
        object_id=pending.object_id,
        statement_id=statement_id,
        resolves=resolves,
        booked_at=booked_at,
    )
    await _write(s, batch, ())


async def _pending(s: ReadSession, batch_id: str) -> PostingBatchRow:
    row = await s.get(PostingBatchRow, batch_id)
    if row is None or row.kind != "pending":
        raise StatementUnknown("no such reservation", batch_id=batch_id)
    taken = await s.exec(select(PostingBatchRow.batch_id).where(PostingBatchRow.resolves == batch_id))
    if taken.first() is not None:
        raise AlreadyResolved("this reservation was resolved before", batch_id=batch_id)
    return row


async def _legs(s: ReadSession, batch_id: str) -> tuple[Leg, ...]:
    rows = await s.exec(
        select(PostingRow).where(PostingRow.batch_id == batch_id).order_by(col(PostingRow.id))
    )
    return tuple(Leg(row.account, row.amount_minor, row.currency) for row in rows.all())


async def _write(s: WriteSession, batch: PostingBatchRow, legs: Sequence[Leg]) -> None:
    """Legs first, the batch last: closing the batch is what the database's sum check waits for."""
    s.add_all(
        PostingRow(
            batch_id=batch.batch_id,
            account=leg.account,
            amount_minor=leg.amount_minor,
            currency=leg.currency,
            booked=batch.kind != "pending",
        )
        for leg in legs
    )
    await s.flush()
    s.add(batch)
    try:
        await s.flush()
    except IntegrityError as error:
        if batch.resolves is not None and "resolves" in str(error.orig):
            raise AlreadyResolved("this reservation was resolved before", batch_id=batch.resolves) from None
        raise
