"""What may be asked of the ledger: statements, entries, proofs. It writes nothing."""

import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine, case, func
from sqlmodel import col, select

from base.clock import parse_rfc3339
from base.db import ReadSession, WriteSession
from ledger.errors import LogUnborn, StatementUnknown
from ledger.statement import PREDICATE_PREFIX
from ledger.tables import (
    CheckpointRow,
    EntryRow,
    MentionRow,
    OpeningRow,
    PendingRow,
    StatementRow,
    TreeRow,
    WitnessRow,
)
from ledger.tile_cache import TileCache
from ledger.tile_store import stored_tiles
from ledger.tree import inclusion_proof, root_from_inclusion

_PAGE: int = 100
_caches: WeakKeyDictionary[Engine, dict[str, TileCache]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Statement:
    """A recorded statement, read back from its stored bytes. `seq` is None until it is sealed."""

    statement_id: str
    envelope_sha256: str
    event: str
    object_id: str
    org_id: str
    occurred_at: datetime
    seq: int | None
    envelope: bytes
    opening_sha256: str | None

    @property
    def payload(self) -> dict[str, Any]:
        """The in-toto statement."""
        document = orjson.loads(self.envelope)
        decoded: dict[str, Any] = orjson.loads(base64.b64decode(document["payload"]))
        return decoded

    @property
    def predicate(self) -> dict[str, Any]:
        """What it says, publicly."""
        said: dict[str, Any] = self.payload["predicate"]
        return said


@dataclass(frozen=True, slots=True)
class Entry:
    """A sealed entry: its number, its leaf bytes and their hash."""

    seq: int
    entry: bytes
    leaf_hash: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The entry's JSON: at, envelope, node, prev, seq, v."""
        decoded: dict[str, Any] = orjson.loads(self.entry)
        return decoded

    @property
    def payload(self) -> dict[str, Any]:
        """The in-toto statement inside."""
        decoded: dict[str, Any] = orjson.loads(base64.b64decode(self.document["envelope"]["payload"]))
        return decoded

    @property
    def event(self) -> str:
        kind: str = self.payload["predicateType"]
        return kind.removeprefix(PREDICATE_PREFIX).removesuffix(":v1")

    @property
    def sealed_at(self) -> datetime:
        return parse_rfc3339(self.document["at"])


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The tree as sealed, and how many statements wait to be."""

    origin: str
    size: int
    root: str
    sealed_at: datetime
    pending: bool


async def tree_head(s: ReadSession) -> TreeHead:
    """The tree as it stands. Raises LogUnborn on an empty database."""
    tree = await s.get(TreeRow, 1, populate_existing=True)
    if tree is None:
        raise LogUnborn("there is no log in this database yet")
    waiting = (await s.exec(select(PendingRow.id).limit(1))).first()
    return TreeHead(tree.origin, tree.size, tree.root, tree.sealed_at, waiting is not None)


async def statement(s: ReadSession, *, statement_id: str) -> Statement:
    """One statement by id. Raises StatementUnknown."""
    found = await _statements(s, StatementRow.statement_id == statement_id, limit=1)
    if not found:
        raise StatementUnknown("no such statement", statement_id=statement_id)
    return found[0]


async def statement_at(s: ReadSession, *, seq: int) -> Statement:
    """The statement that an entry holds. Raises StatementUnknown."""
    found = await _statements(s, EntryRow.seq == seq, limit=1)
    if not found:
        raise StatementUnknown("no entry has this number", seq=seq)
    return found[0]


async def statement_by_digest(s: ReadSession, *, envelope_sha256: str) -> Statement:
    """One statement by the digest of its envelope. Raises StatementUnknown."""
    found = await _statements(s, StatementRow.envelope_sha256 == envelope_sha256, limit=1)
    if not found:
        raise StatementUnknown("no such statement", envelope_sha256=envelope_sha256)
    return found[0]


async def statements_of(s: ReadSession, *, object_id: str, limit: int = 500) -> Sequence[Statement]:
    """What was said about one object, in the order it was recorded."""
    return await _statements(s, StatementRow.object_id == object_id, limit=limit)


async def statements_about(
    s: ReadSession, *, object_ids: Sequence[str], events: Sequence[str] | None = None, limit: int = 500
) -> Sequence[Statement]:
    """What was said about any of these objects (by these events), in the order it was recorded."""
    about = col(StatementRow.object_id).in_(object_ids)
    where = about if events is None else about & col(StatementRow.event).in_(events)
    return await _statements(s, where, limit=limit)


async def statements_mentioning(
    s: ReadSession, *, object_ids: Sequence[str], event: str, after: str | None = None, limit: int = _PAGE
) -> Sequence[Statement]:
    """Statements of an event that speak of these beside their object (`statement.BESIDE`), as recorded.

    By keyset: `after` is the object of the last one seen.
    """
    rows = (
        select(MentionRow.statement_row)
        .where(col(MentionRow.object_id).in_(object_ids), MentionRow.event == event)
        .order_by(col(MentionRow.statement_row))
        .limit(limit)
    )
    if after is not None:
        last = select(func.max(StatementRow.id)).where(
            StatementRow.object_id == after, StatementRow.event == event
        )
        rows = rows.where(col(MentionRow.statement_row) > last.scalar_subquery())
    return await _statements(s, col(StatementRow.id).in_(rows), limit=limit)


async def statements_by(s: ReadSession, *, org_id: str, limit: int = _PAGE) -> Sequence[Statement]:
    """What one organisation said, in the order it was recorded."""
    return await _statements(s, StatementRow.org_id == org_id, limit=limit)


async def newest_of(s: ReadSession, *, events: Sequence[str]) -> tuple[int, int]:
    """How many statements of these events there are, and the row of the newest: both grow with each."""
    query = select(func.count(), func.max(StatementRow.id)).where(col(StatementRow.event).in_(events))
    count, newest = (await s.exec(query)).one()
    return count, newest or 0


async def statements_of_events(
    s: ReadSession, *, events: Sequence[str], after: int = 0
) -> Sequence[Statement]:
    """Every statement of these events behind a row (`newest_of`), in the order it was recorded."""
    where = col(StatementRow.event).in_(events) & (col(StatementRow.id) > after)
    return await _statements(s, where, limit=None)


async def _statements(s: ReadSession, where: Any, *, limit: int | None) -> Sequence[Statement]:
    query = (
        select(StatementRow, EntryRow.seq)
        .outerjoin(EntryRow, col(EntryRow.statement_row) == col(StatementRow.id))
        .where(where)
        .order_by(col(StatementRow.id))
        .limit(limit)
    )
    return [
        Statement(
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
        for row, seq in (await s.exec(query)).all()
    ]


async def opening(s: ReadSession, *, sha256: str) -> dict[str, Any] | None:
    """The private part behind a commitment; None when it was erased. Raises StatementUnknown."""
    row = await s.get(OpeningRow, sha256)
    if row is None:
        raise StatementUnknown("no such opening", sha256=sha256)
    return orjson.loads(row.document) if row.document is not None else None


async def entry(s: ReadSession, *, seq: int) -> Entry:
    """A sealed entry by its number. Raises StatementUnknown."""
    row = await s.get(EntryRow, seq)
    if row is None:
        raise StatementUnknown("no entry has this number", seq=seq)
    return Entry(row.seq, row.entry, row.leaf_hash)


async def entries(
    s: ReadSession, *, before: int | None = None, limit: int = 50, event: str | None = None
) -> Sequence[Entry]:
    """Sealed entries, newest first, by keyset: `before` is the last number seen."""
    query = select(EntryRow).order_by(col(EntryRow.seq).desc()).limit(min(limit, _PAGE))
    if before is not None:
        query = query.where(col(EntryRow.seq) < before)
    if event is not None:
        query = query.join(StatementRow, col(StatementRow.id) == col(EntryRow.statement_row)).where(
            StatementRow.event == event
        )
    return [Entry(row.seq, row.entry, row.leaf_hash) for row in (await s.exec(query)).all()]


async def seq_of(s: ReadSession, *, statement_id: str) -> int | None:
    """The number of a statement's entry; None while it waits. Raises StatementUnknown."""
    return (await statement(s, statement_id=statement_id)).seq


async def proof(s: ReadSession, *, seq: int, size: int, origin: str | None = None) -> list[bytes]:
    """The inclusion path of an entry in the tree of `size` leaves (RFC 9162 §2.1.3), leaf to root.

    Asks once; with the `origin` of the log, only for tiles that this process has not read of it lately:
    mostly that of the leaf alone. Raises StatementUnknown when the entry is not in that tree.
    """
    if not 0 <= seq < size:
        raise StatementUnknown("no entry has this number in that tree", seq=seq, size=size)
    cache = _cache_of(s, origin)
    missing = cache.missing(seq, size)
    if missing:
        cache.add(await stored_tiles(s, missing))
        if cache.missing(seq, size):
            raise StatementUnknown("that tree is not sealed yet", size=size)
    path = inclusion_proof(seq, size, cache.node)
    cache.shrink()
    return path


async def root_after(s: ReadSession, *, seq: int) -> bytes:
    """The root of the tree that ends with an entry, of `seq` + 1 leaves. Raises StatementUnknown."""
    found = await entry(s, seq=seq)
    path = await proof(s, seq=seq, size=seq + 1)
    return root_from_inclusion(seq, seq + 1, found.leaf_hash, path)


def _cache_of(s: ReadSession, origin: str | None) -> TileCache:
    """The tiles read of this log (the next log in the database has others).

    None for whoever writes: what it sees may be rolled back yet.
    """
    if origin is None or isinstance(s, WriteSession):
        return TileCache()
    logs = _caches.setdefault(s.get_bind().engine, {})
    if origin not in logs:
        logs.clear()  # a database has one live log
        logs[origin] = TileCache()
    return logs[origin]


async def checkpoints(s: ReadSession, *, limit: int = 50) -> Sequence[CheckpointRow]:
    """Published checkpoints, newest first."""
    query = select(CheckpointRow).order_by(col(CheckpointRow.size).desc()).limit(min(limit, _PAGE))
    return (await s.exec(query)).all()


async def checkpoint(s: ReadSession, *, size: int | None = None) -> CheckpointRow | None:
    """The published checkpoint of a size, or the newest."""
    if size is not None:
        return await s.get(CheckpointRow, size)
    newest = await checkpoints(s, limit=1)
    return newest[0] if newest else None


async def checkpoint_over(s: ReadSession, *, seq: int) -> CheckpointRow | None:
    """The newest published checkpoint that holds an entry: a witnessed one, if any of those holds it."""
    held = select(CheckpointRow).where(col(CheckpointRow.size) > seq)
    newest = held.order_by(col(CheckpointRow.witnessed).is_(True).desc(), col(CheckpointRow.size).desc())
    return (await s.exec(newest.limit(1))).first()


@dataclass(frozen=True, slots=True)
class Witnessing:
    """How far the witnesses have come: the newest checkpoint, the newest with a quorum, and each of them.

    `witnessed` says it of the newest checkpoint: null where no quorum is asked for, or nothing published.
    """

    published: int
    witnessed: bool | None
    witnessed_size: int
    witnesses: Sequence[WitnessRow]
    halted: str | None

    @property
    def lag(self) -> int:
        """How many published entries no quorum has cosigned."""
        return self.published - self.witnessed_size if self.witnessed is not None else 0


async def witnessing(s: ReadSession) -> Witnessing:
    """What is known of the log's witnesses. Raises LogUnborn."""
    tree = await s.get(TreeRow, 1, populate_existing=True)
    if tree is None:
        raise LogUnborn("there is no log in this database yet")
    newest = await checkpoint(s)
    quorum = select(func.max(CheckpointRow.size)).where(col(CheckpointRow.witnessed).is_(True))
    rows = await s.exec(select(WitnessRow).order_by(col(WitnessRow.vkey)))
    return Witnessing(
        published=newest.size if newest else 0,
        witnessed=newest.witnessed if newest else None,
        witnessed_size=(await s.exec(quorum)).one() or 0,
        witnesses=rows.all(),
        halted=tree.halted,
    )


async def export_rows(
    s: ReadSession, *, size: int, page: int = 1000
) -> AsyncIterator[tuple[int, bytes, bytes | None]]:
    """(seq, entry bytes, opening bytes or None) of the first `size` entries, in order, by keyset."""
    after = -1
    while after < size - 1:
        query = (
            select(EntryRow.seq, EntryRow.entry, OpeningRow.document)
            .join(StatementRow, col(StatementRow.id) == col(EntryRow.statement_row))
            .outerjoin(OpeningRow, col(OpeningRow.sha256) == col(StatementRow.opening_sha256))
            .where(col(EntryRow.seq) > after, col(EntryRow.seq) < size)
            .order_by(col(EntryRow.seq))
            .limit(page)
        )
        rows = (await s.exec(query)).all()
        if not rows:
            return
        for seq, entry_bytes, document in rows:
            yield seq, entry_bytes, document
        after = rows[-1][0]


async def last_moment(s: ReadSession) -> datetime:
    """The latest time on record: of a statement, or of the last sealing. Raises LogUnborn."""
    head = await tree_head(s)
    newest = select(StatementRow.occurred_at).order_by(col(StatementRow.id).desc()).limit(1)
    latest = (await s.exec(newest)).first()
    return head.sealed_at if latest is None else max(head.sealed_at, latest)


async def event_counts(s: ReadSession) -> dict[str, int]:
    """How many statements of each event were recorded: for the operator's overview, not for lists."""
    query = select(StatementRow.event, func.count()).group_by(StatementRow.event)
    return dict((await s.exec(query)).all())


async def spoken_of_since(s: ReadSession, *, size: int) -> dict[str, bool]:
    """The objects of statements that are not among the first `size` entries, sealed later or waiting.

    For each, whether an earlier statement spoke of it already.
    """
    seq = col(EntryRow.seq)
    later = func.sum(case((seq.is_(None) | (seq >= size), 1), else_=0))
    query = (
        select(StatementRow.object_id, func.min(func.coalesce(seq, size)))
        .outerjoin(EntryRow, col(EntryRow.statement_row) == col(StatementRow.id))
        .group_by(StatementRow.object_id)
        .having(later > 0)
    )
    return {object_id: first < size for object_id, first in (await s.exec(query)).all()}
