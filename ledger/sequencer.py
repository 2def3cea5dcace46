"""The sequencer: puts recorded statements in order and grows the tree, in one transaction a batch.

It consumes rows of the queue, never "ids above the last seen": a statement that commits late with a
smaller id would be lost that way. Two locks on PostgreSQL: leadership of the log is a session lock,
held by one process (`leadership`); the log itself is locked per transaction (`lock_log`), so that the
batch writer may seal too and there is still one order. A session can be lost without its process
noticing, so a leader asks for its lock again in every transaction that seals. On SQLite the single
writer is both.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from base.clock import Clock
from base.db import Database, ReadSession, RowSession, WriteSession
from base.rows import Insert, Plan, Reading, Row, Update, Writing, ask_plainly, dialect_of
from ledger.errors import LeadershipLost, LogClosed, LogForked, LogUnborn
from ledger.statement import NO_PREVIOUS, sealed_entry
from ledger.tables import EntryRow, TileRow, TreeRow
from ledger.tile_cache import Place
from ledger.tile_store import stored_tiles
from ledger.tiles import WIDTH, TileNodes, grow
from ledger.tree import HASH_BYTES, Frontier, leaf_hash

BATCH_ROWS: Final = 4000
_LEADER_LOCK: Final = 0x6462_6C65  # "dble"
_LOG_LOCK: Final = 0x6462_6C67  # "dblg"
_ENTRIES: Final = Insert(EntryRow, "seq", "statement_row", "leaf_hash", "entry")
_TILES: Final = Insert(TileRow, "level", "number", "hashes", over=("level", "number"))
_TREE: Final = Update(TreeRow, "size", "root", "previous", "sealed_at", key="id", expected="size")
_HEAD: Final = (
    "SELECT origin, size, root, previous, sealed_at, halted, closed_at,"
    " EXISTS (SELECT 1 FROM ledger_pending) FROM ledger_tree WHERE id = 1"
)
_HOLD: Final = "SELECT origin, size, root, previous, sealed_at, halted, closed_at, waits FROM ledger_hold($1)"
# `_HOLD`, and where the log ends as it was guessed and nothing waits, the writing that was made for this end.
_HOLD_AND_APPEND: Final = """
WITH held AS MATERIALIZED (SELECT * FROM ledger_hold($1)),
guessed AS MATERIALIZED (
  SELECT 1 FROM held WHERE size = $2 AND root = $3 AND halted IS NULL AND closed_at IS NULL AND NOT waits
), entries AS (
  INSERT INTO ledger_entries (seq, statement_row, leaf_hash, entry)
  SELECT r.* FROM guessed, unnest($4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[]) AS r
), tiles AS (
  INSERT INTO ledger_tiles (level, number, hashes)
  SELECT r.* FROM guessed, unnest($8::integer[], $9::bigint[], $10::bytea[]) AS r
  ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes
), tree AS (
  UPDATE ledger_tree SET size = $11, root = $12, previous = $13, sealed_at = $14 FROM guessed WHERE id = 1
)
SELECT origin, size, root, previous, sealed_at, halted, closed_at, waits, EXISTS (SELECT FROM guessed)
FROM held
"""
_TAKE: Final = (
    "WITH taken AS MATERIALIZED (SELECT id FROM ledger_pending ORDER BY id LIMIT $1 FOR UPDATE),"
    " gone AS (DELETE FROM ledger_pending AS p USING taken WHERE p.id = taken.id)"
    " SELECT s.id, s.envelope FROM taken JOIN ledger_statements AS s ON s.id = taken.id ORDER BY s.id"
)
_TAKE_HERE: Final = (
    "SELECT s.id, s.envelope FROM ledger_pending AS p JOIN ledger_statements AS s ON s.id = p.id"
    " ORDER BY p.id LIMIT ?"
)
_TAKEN_HERE: Final = "DELETE FROM ledger_pending WHERE id IN (SELECT value FROM json_each(?))"
_ends: "WeakKeyDictionary[Engine, _End]" = WeakKeyDictionary()
Statements: TypeAlias = Sequence[tuple[int, bytes]]
"""Statements to be sealed: each row's number, and its envelope."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one batch sealed: how many entries, and the tree after it."""

    count: int
    size: int
    root: str


async def create_log(s: WriteSession, *, origin: str, at: datetime) -> None:
    """An empty log under an origin, once. A second call leaves the log as it is."""
    if await s.get(TreeRow, 1) is None:
        empty = Frontier().root().hex()
        s.add(TreeRow(origin=origin, size=0, root=empty, previous=NO_PREVIOUS, sealed_at=at))
        await s.flush()


async def lock_log(s: WriteSession) -> None:
    """Hold the log until this transaction ends (PostgreSQL; SQLite's writer holds it already)."""
    if s.get_bind().dialect.name == "postgresql":
        await (await s.connection()).execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOG_LOCK})


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads the log: the database session that holds the leader's lock (None on SQLite)."""

    session: int | None

    async def require(self, s: ReadSession) -> None:
        """Raises LeadershipLost when that session is gone, and its lock with it."""
        if self.session is None:
            return
        held = text(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :session"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = 0 AND objid = :key AND objsubid = 1)"
        )
        facts = {"session": self.session, "key": _LEADER_LOCK}
        if not (await (await s.connection()).execute(held, facts)).scalar_one():
            raise LeadershipLost("the session that held the leader's lock is gone")


@asynccontextmanager
async def leadership(database: Database) -> AsyncIterator[Leader | None]:
    """The leader of the log while the block lasts (a session lock), or None where another process leads."""
    if database.dialect == "sqlite":
        yield Leader(None)
        return
    async with database.engine.connect() as connection:
        asked = text("SELECT pg_backend_pid() WHERE pg_try_advisory_lock(:key)")
        session = await connection.scalar(asked, {"key": _LEADER_LOCK})
        await connection.commit()
        try:
            yield None if session is None else Leader(session)
        finally:
            if session is not None:
                with suppress(DBAPIError):  # the session is gone, and its lock with it
                    await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LEADER_LOCK})
                    await connection.commit()


@dataclass(frozen=True, slots=True)
class _Head:
    """The tree as it stands."""

    origin: str
    size: int
    root: str
    previous: str
    sealed_at: datetime


async def seal(
    s: WriteSession, clock: Clock, *, limit: int = BATCH_ROWS, leader: Leader | None = None
) -> Sealed:
    """Take the log and seal up to `limit` queued statements in the caller's transaction.

    Numbers them densely, links each to the leaf hash before it, and upserts the tiles they touch. Raises
    LogUnborn when no log was created, LeadershipLost when `leader` leads no more, LogForked when the log is
    halted (`ledger.witness_guard`), LogClosed after its last entry (`ledger.log_keys`).
    """
    await lock_log(s)
    if leader is not None:
        await leader.require(s)
    head, waits = _checked(await ask_plainly(s, postgresql=_HEAD, sqlite=_HEAD))
    queued = await _take(s, limit) if waits else []
    return await _append(s, clock, head, queued)


async def seal_behind(s: RowSession, clock: Clock, behind: Statements) -> Sealed:
    """Take the log, seal everything that is queued, then statements that stand in no queue.

    On PostgreSQL the entries are made before the log is taken, for the end that this process gave it last:
    mostly it is still the end, and taking and writing are one statement. Raises what `seal` raises.
    """
    guess = _ends.get(s.engine) if s.dialect.name == "postgresql" else None
    if guess is None:
        found = await ask_plainly(s, postgresql=_HOLD, sqlite=_HEAD, values=_held(s))
    else:
        growth = _grown(guess, behind, at=clock.now())
        _ends[s.engine] = growth.end  # whoever comes next makes its entries behind these
        values = growth.behind(guess.head)
        found = await ask_plainly(s, postgresql=_HOLD_AND_APPEND, sqlite="", values=values)
        if found and found[0][-1]:
            return growth.sealed
    head, waits = _checked(found)
    queued: list[tuple[int, bytes]] = []
    while waits and (more := await _take(s, BATCH_ROWS)):
        queued += more
        if len(more) < BATCH_ROWS:
            break
    return await _append(s, clock, head, [*queued, *behind])


def _held(s: RowSession) -> Sequence[int]:
    return (_LOG_LOCK,) if s.dialect.name == "postgresql" else ()


def _checked(found: Sequence[Row]) -> tuple[_Head, bool]:
    """The head, asked while the log is held, and whether anything waits to be sealed."""
    if not found:
        raise LogUnborn("there is no log in this database yet")
    origin, size, root, previous, sealed_at, halted, closed_at, waits, *_ = found[0]
    if halted is not None:  # whichever process found out, none goes on
        raise LogForked(halted)
    if closed_at is not None:
        raise LogClosed("the log was closed: a new one has to begin", origin=origin)
    if isinstance(sealed_at, str):  # SQLite's, which forgets the time zone
        sealed_at = datetime.fromisoformat(sealed_at).replace(tzinfo=UTC)
    return _Head(origin, size, root, previous, sealed_at), bool(waits)


async def _append(s: Writing, clock: Clock, head: _Head, queued: Statements) -> Sealed:
    """Make entries of these statements, behind each other and the tree's last one, while the log is held."""
    if not queued:
        return Sealed(0, head.size, head.root)
    growth = _grown(await _end(s, head), queued, at=clock.now())
    now = growth.end.head
    plan = Plan()
    plan.add(_ENTRIES, growth.entries)
    plan.add(_TILES, growth.tiles)
    plan.add(_TREE, [(1, head.size, now.size, now.root, now.previous, now.sealed_at)], each=True)
    await plan.carry_out(s)
    _ends[_engine(s)] = growth.end  # what is rolled back is in no tree of this size and root
    return growth.sealed


async def seal_all(database: Database, clock: Clock, *, leader: Leader | None = None) -> Sealed:
    """Seal batch after batch until the queue is empty; returns how many in all and the last tree.

    Of a closed log it seals nothing: the queue waits for the next one. Raises what `seal` raises.
    """
    count = 0
    while True:
        async with database.write() as s:
            tree = await s.get(TreeRow, 1, populate_existing=True)
            if tree is not None and tree.closed_at is not None:
                return Sealed(0, tree.size, tree.root)
            batch = await seal(s, clock, leader=leader)
        count += batch.count
        if batch.count < BATCH_ROWS:
            return Sealed(count, batch.size, batch.root)


async def _take(s: Writing, limit: int) -> list[tuple[int, bytes]]:
    """Take queued statements out of the queue in the order of their ids."""
    found = await ask_plainly(s, postgresql=_TAKE, sqlite=_TAKE_HERE, values=(limit,))
    taken = [(number, bytes(envelope)) for number, envelope in found]
    if taken and dialect_of(s) == "sqlite":
        numbers = orjson.dumps([number for number, _ in taken]).decode()
        await ask_plainly(s, postgresql="", sqlite=_TAKEN_HERE, values=(numbers,))
    return taken


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a log, where it grows: the head, and the right edge of the tree."""

    head: _Head
    tiles: Mapping[Place, bytes]
    frontier: Frontier


@dataclass(frozen=True, slots=True)
class _Growth:
    """What statements add behind an end: rows of entries, rows of the tiles that they touch, the new end."""

    entries: Sequence[Row]
    tiles: Sequence[Row]
    end: _End

    @property
    def sealed(self) -> Sealed:
        return Sealed(len(self.entries), self.end.head.size, self.end.head.root)

    def behind(self, head: _Head) -> Sequence[Any]:
        """The values of `_HOLD_AND_APPEND`."""
        now = self.end.head
        rows = (*zip(*self.entries, strict=True), *zip(*self.tiles, strict=True))
        return (_LOG_LOCK, head.size, head.root, *rows, now.size, now.root, now.previous, now.sealed_at)


def _grown(end: _End, queued: Statements, *, at: datetime) -> _Growth:
    """Entries of these statements, behind each other and the last one. Pure."""
    head = end.head
    at, previous = max(at, head.sealed_at), head.previous
    entries, leaves = [], []
    for seq, (row_id, envelope) in enumerate(queued, start=head.size):
        entry = sealed_entry(seq=seq, prev=previous, at=at, node=head.origin, envelope=envelope)
        leaf = leaf_hash(entry)
        previous = leaf.hex()
        entries.append((seq, row_id, leaf, entry))
        leaves.append(leaf)
    grown = grow(lambda tile: end.tiles[tile.level, tile.index], head.size, leaves)
    frontier = end.frontier.copy()
    frontier.extend(leaves)
    tiles = [(tile.level, tile.index, hashes) for tile, hashes in grown.items()]
    places = {**end.tiles} | {(level, number): hashes for level, number, hashes in tiles}
    last = {place: places[place] for place in _edge_widths(frontier.size)}
    now = _Head(head.origin, frontier.size, frontier.root().hex(), previous, at)
    return _Growth(entries, tiles, _End(now, last, frontier))


def _engine(s: Writing) -> Engine:
    return s.engine if isinstance(s, RowSession) else s.get_bind().engine


async def _end(s: Writing, head: _Head) -> _End:
    """The end of the log as it is stored; from memory when this process was the last to grow it."""
    known = _ends.get(_engine(s))
    if known is not None and known.head == head:
        return known
    tiles = await edge_tiles(s, head.size)
    frontier = Frontier.read(head.size, TileNodes(lambda tile: tiles[tile.level, tile.index], head.size))
    return _End(head, tiles, frontier)


async def edge_tiles(s: Reading, size: int) -> dict[Place, bytes]:
    """The last tile of each level of a tree of `size`: where it grows, and where its peaks stand.

    Hashes that a later tree added to these tiles are left off.
    """
    widths = _edge_widths(size)
    found = await stored_tiles(s, list(widths)) if widths else ()
    edge = {(level, number): hashes[: widths[level, number] * HASH_BYTES] for level, number, hashes in found}
    assert edge.keys() == widths.keys()
    return edge


def _edge_widths(size: int) -> dict[Place, int]:
    """The last tile of each level of a tree of `size`, and how many hashes it has."""
    widths: dict[Place, int] = {}
    level, count = 0, size
    while count:
        number = (count - 1) // WIDTH
        widths[level, number] = count - number * WIDTH
        level, count = level + 1, count // WIDTH
    return widths


async def root_at(s: ReadSession, size: int) -> bytes:
    """The root of the first `size` leaves of the sealed tree."""
    edge = await edge_tiles(s, size)
    return Frontier.read(size, TileNodes(lambda tile: edge[tile.level, tile.index], size)).root()
