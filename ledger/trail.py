"""The trail as it is asked for: what was said, by attributes and over every log; and how one tree grew.

It reads `ledger_statements`, which no log's end empties, so one question covers the present log and the
closed ones. What is not sealed is not on the trail.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_
from sqlmodel import col, select

from base.db import ReadSession
from ledger.errors import StatementUnknown
from ledger.reader import Statement
from ledger.tables import EntryRow, MentionRow, PastEntryRow, ShardRow, StatementRow
from ledger.tile_cache import TileCache
from ledger.tile_store import stored_tiles
from ledger.tree import consistency_proof

COUNTED: Final = 10_000  # a count goes no further: it is told as "more than"
_STEP: Final = 500
_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which statements: every part that is not None must be met. `groups` are event prefixes such as `TRD`.

    `text` is an id or a digest: of the statement, of what it is about, of what it mentions. `about` are ids
    of objects, or a selection of them. `role` is the one in which was spoken; it stands in the statement
    alone, so it is read out of each.
    """

    text: str | None = None
    events: Collection[str] | None = None
    group: str | None = None
    actors: Collection[str] | None = None
    role: str | None = None
    about: Collection[str] | Select[Any] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A sealed statement and its place: `log` is the origin of a closed log, None for the present one.

    `row` is the cursor that goes on behind it.
    """

    row: int
    statement: Statement
    seq: int
    log: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, newest first, and the cursor of the next page; None where there is none."""

    found: Sequence[Found]
    before: int | None


async def search(s: ReadSession, wanted: Wanted, *, before: int | None = None, limit: int = 50) -> Page:
    """A page of the trail, newest first, by keyset.

    With a role, which no index knows, at most 10,000 statements are read for a page: then it may hold
    fewer than `limit`, and `before` still leads on.
    """
    found: list[Found] = []
    for _ in range(_STEPS):
        ask = limit - len(found) + 1 if wanted.role is None else _STEP
        rows = await _rows(s, wanted, before=before, limit=ask)
        for one in rows:
            if len(found) == limit:
                return Page(found, found[-1].row)
            before = one.row
            if wanted.role is None or one.statement.predicate.get("role") == wanted.role:
                found.append(one)
        if len(rows) < ask:
            return Page(found, None)
    return Page(found, before)


async def count(s: ReadSession, wanted: Wanted) -> int:
    """How many statements there are of these, at most one more than `COUNTED`; of every role."""
    some = _where(select(StatementRow.id), wanted).limit(COUNTED + 1).subquery()
    return (await s.exec(select(func.count()).select_from(some))).one()


async def _rows(s: ReadSession, wanted: Wanted, *, before: int | None, limit: int) -> list[Found]:
    query = _where(select(StatementRow, EntryRow.seq, PastEntryRow.seq, ShardRow.origin), wanted)
    query = query.outerjoin(ShardRow, col(ShardRow.number) == col(PastEntryRow.shard))
    if before is not None:
        query = query.where(col(StatementRow.id) < before)
    query = query.order_by(col(StatementRow.id).desc()).limit(limit)
    found = []
    for row, seq, past, origin in (await s.exec(query)).all():
        said = Statement(
            row.statement_id,
            row.envelope_sha256,
            row.event,
            row.object_id,
            row.org_id,
            row.occurred_at,
            seq,
            row.envelope,
            row.opening_sha256,
        )
        found.append(Found(row.id, said, past if seq is None else seq, origin))
    return found


def _where(query: Any, wanted: Wanted) -> Any:
    """The sealed statements that are wanted, whatever is selected of them."""
    row = col(StatementRow.id)
    query = (
        query.select_from(StatementRow)
        .outerjoin(EntryRow, col(EntryRow.statement_row) == row)
        .outerjoin(PastEntryRow, col(PastEntryRow.statement_row) == row)
        .where(or_(col(EntryRow.seq).is_not(None), col(PastEntryRow.seq).is_not(None)))
    )
    for condition in _conditions(wanted):
        query = query.where(condition)
    return query


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.text is not None:
        found.append(_named(wanted.text))
    if wanted.events is not None:
        found.append(col(StatementRow.event).in_(wanted.events))
    if wanted.group is not None:
        found.append(col(StatementRow.event).startswith(f"{wanted.group}.", autoescape=True))
    if wanted.actors is not None:
        found.append(col(StatementRow.org_id).in_(wanted.actors))
    if wanted.about is not None:
        found.append(col(StatementRow.object_id).in_(wanted.about))
    if wanted.since is not None:
        found.append(col(StatementRow.occurred_at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(StatementRow.occurred_at) < wanted.until)
    return found


def _named(text: str) -> ColumnElement[bool]:
    mentions = select(MentionRow.statement_row).where(MentionRow.object_id == text)
    return or_(
        col(StatementRow.statement_id) == text,
        col(StatementRow.envelope_sha256) == text,
        col(StatementRow.object_id) == text,
        col(StatementRow.opening_sha256) == text,
        col(StatementRow.id).in_(mentions),
    )


async def consistency(s: ReadSession, *, old: int, size: int) -> list[bytes]:
    """The proof that the present log's tree of `size` leaves extends that of `old` (RFC 9162 §2.1.4.1).

    Raises StatementUnknown where a tree of either size was not sealed.
    """
    if not 1 <= old <= size:
        raise StatementUnknown("an older tree has at least one entry, and is not larger", old=old, size=size)
    tiles = TileCache()
    tiles.add(await stored_tiles(s, tiles.missing(old - 1, size)))
    if tiles.missing(old - 1, size):
        raise StatementUnknown("that tree is not sealed yet", size=size)
    return consistency_proof(old, size, tiles.node)
