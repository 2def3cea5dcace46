"""Tiles kept in memory give the proofs that the whole tree gives, for every size, and no others."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import col, update

from base.clock import SimulatedClock
from base.db import Database, ReadSession, WriteSession
from ledger import reader
from ledger.errors import StatementUnknown, TileInvalid
from ledger.sequencer import create_log, root_at, seal, seal_all
from ledger.tables import EntryRow, TileRow
from ledger.tile_cache import TileCache, needed, rows_of, width_of
from ledger.tiles import grow, hashes_in
from ledger.tree import inclusion_proof, leaf_hash, root_of, verify_inclusion
from tests.ledger.seeds import AT, statement

ORIGIN = "exchange.test/log"
LEAVES = [sha256(n.to_bytes(4)).digest() for n in range(140_000)]


class Stored:
    """Tiles of a growing tree, as a database would keep them: the last state of each place."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def grow(self, size: int) -> None:
        def edge(tile: Any) -> bytes:
            return self.tiles[tile.level, tile.index]

        for tile, hashes in grow(edge, self.size, LEAVES[self.size : size]).items():
            self.tiles[tile.level, tile.index] = hashes
        self.size = size

    def read(self, cache: TileCache, seq: int, size: int) -> list[bytes]:
        cache.add((level, number, self.tiles[level, number]) for level, number in cache.missing(seq, size))
        assert cache.missing(seq, size) == []
        path = inclusion_proof(seq, size, cache.node)
        cache.shrink()
        return path


def test_proofs_from_kept_tiles_hold_at_every_size_while_the_tree_grows() -> None:
    stored, cache, chance = Stored(), TileCache(), random.Random(7)
    for size in (1, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 66_000, 131_072, 131_329, 139_999):
        stored.grow(size)
        root = root_of(LEAVES[:size])
        for seq in {0, size - 1, size // 2, *(chance.randrange(size) for _ in range(20))}:
            verify_inclusion(seq, size, LEAVES[seq], stored.read(cache, seq, size), root)
    for _ in range(20):  # earlier trees, out of the tiles of the later ones
        size = chance.randrange(1, 3_000)
        seq = chance.randrange(size)
        verify_inclusion(seq, size, LEAVES[seq], stored.read(cache, seq, size), root_of(LEAVES[:size]))


def test_no_more_tiles_are_kept_than_were_meant_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.tile_cache._KEPT", 4)
    stored, cache = Stored(), TileCache()
    stored.grow(139_999)
    for seq in range(0, 139_999, 997):
        stored.read(cache, seq, 139_999)
        assert len(cache._tiles) <= 4
    assert cache.missing(139_998, 139_999) == []  # the edge was asked for all the time


def test_a_node_beyond_what_was_read_is_none() -> None:
    cache = TileCache()
    cache.add([(0, 0, b"".join(LEAVES[:5]))])
    assert cache.node(1, 1) == sha256(b"\x01" + LEAVES[2] + LEAVES[3]).digest()
    for level, index in ((0, 5), (1, 2), (2, 1), (8, 0), (0, 256)):
        with pytest.raises(TileInvalid):
            cache.node(level, index)
    assert [len(row) for row in rows_of(b"".join(LEAVES[:256]))] == [256, 128, 64, 32, 16, 8, 4, 2]
    assert hashes_in(b"".join(LEAVES[:3]), 3) == rows_of(b"".join(LEAVES[:3]))[0]
    assert (needed(3, 300), width_of(0, 1, 300)) == ([(0, 0), (0, 1), (1, 0)], 44)


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def told(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "ledger_tiles" in statement:
            seen.append(statement)

    engine = database._reader.sync_engine
    event.listen(engine, "before_cursor_execute", told)
    yield seen
    event.remove(engine, "before_cursor_execute", told)


async def sealed(database: Database, clock: SimulatedClock, names: range) -> None:
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)
        for name in names:
            await statement(s, f"sta_{name}")
    await seal_all(database, clock)


async def prove(s: ReadSession, seq: int, size: int) -> None:
    row = await s.get(EntryRow, seq)
    assert row is not None
    path = await reader.proof(s, seq=seq, size=size, origin=ORIGIN)
    verify_inclusion(seq, size, leaf_hash(row.entry), path, await root_at(s, size))


async def test_a_proof_asks_the_database_once_and_then_not_again(
    database: Database, clock: SimulatedClock
) -> None:
    await sealed(database, clock, range(600))
    async with database.read() as s:
        with statements_of(database) as asked:
            await reader.proof(s, seq=3, size=600, origin=ORIGIN)
        assert len(asked) == 1
        with statements_of(database) as asked:
            await reader.proof(s, seq=4, size=600, origin=ORIGIN)
            await reader.proof(s, seq=599, size=600, origin=ORIGIN)
        assert asked == []
        for seq, size in ((3, 600), (599, 600), (255, 256), (0, 1), (511, 513)):
            await prove(s, seq, size)
    await sealed(database, clock, range(600, 700))
    async with database.read() as s:
        await prove(s, 599, 700)
        await prove(s, 699, 700)
        with pytest.raises(StatementUnknown):
            await reader.proof(s, seq=3, size=701, origin=ORIGIN)
        with pytest.raises(StatementUnknown):
            await reader.proof(s, seq=700, size=700, origin=ORIGIN)


async def test_the_next_log_of_a_database_has_tiles_of_its_own(
    database: Database, clock: SimulatedClock
) -> None:
    await sealed(database, clock, range(20))
    async with database.read() as s:
        before = await reader.proof(s, seq=3, size=20, origin=ORIGIN)
    async with database.write() as s:  # as where a log was closed and the next one begun
        await s.exec(update(TileRow).where(col(TileRow.level) == 0).values(hashes=b"".join(LEAVES[:20])))
    async with database.read() as s:
        after = await reader.proof(s, seq=3, size=20, origin="exchange.test/next")
        assert await reader.proof(s, seq=3, size=20) == after != before
    verify_inclusion(3, 20, LEAVES[3], after, root_of(LEAVES[:20]))


async def test_what_a_transaction_took_back_is_in_no_later_proof(
    database: Database, clock: SimulatedClock
) -> None:
    async def sealed_aside(s: WriteSession) -> None:
        await statement(s, "sta_never")
        await seal(s, clock)
        await prove(s, 10, 11)

    await sealed(database, clock, range(10))
    with pytest.raises(ZeroDivisionError):
        async with database.write() as s:
            await sealed_aside(s)
            raise ZeroDivisionError
    await sealed(database, clock, range(10, 11))
    async with database.read() as s:
        await prove(s, 10, 11)
