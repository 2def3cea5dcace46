"""Reading a large log: an inclusion proof, and an entry by its number, on PostgreSQL.

The logs are filled set by set, as large as the time allows; what is asked of them are the ledger's own
questions, in one session that remembers nothing between two of them.
"""

import random
from hashlib import sha256
from typing import Any, Final

from sqlmodel import insert

from base.db import Database, ReadSession
from ledger import reader
from ledger.tables import TileRow
from ledger.tiles import WIDTH, Growth
from ledger.tree import verify_inclusion
from tests.bench.ground import Ground
from tests.bench.measuring import Broken, Measured, chunks, each_once_in_turn, quantile

_PROOF_LEAVES: Final = 1_000_000
_GROWTH_ENTRIES: Final = 400_000
_GROWTH_FACTOR: Final = 100
_ENTRY_BYTES: Final = 200
_ORIGIN: Final = "bench.example/log"
_FILL: Final = f"""
INSERT INTO ledger_entries (seq, statement_row, leaf_hash, entry)
SELECT n, n + 1, sha256(int8send(n)), convert_to(lpad(n::text, {_ENTRY_BYTES}, '.'), 'UTF8')
FROM generate_series($1::bigint, $2::bigint) AS n
"""


async def proof(ground: Ground) -> Measured:
    """`ledger.reader.proof` of a random leaf, against SELECT 1 on the same connection."""
    size = ground.budget.size(_PROOF_LEAVES, least=2_000, most=1_000_000)
    async with ground.empty_database() as (database, _):
        ground.say(f"growing a tree of {size:,} leaves")
        root = await _grow(database, size)
        async with database.read() as s:
            driver: Any = (await (await s.connection()).get_raw_connection()).driver_connection

            async def prove() -> None:
                seq = random.randrange(size)
                path = await reader.proof(s, seq=seq, size=size, origin=_ORIGIN)
                checked.append((seq, path))
                s.expunge_all()

            async def select_1() -> None:
                await driver.fetchval("SELECT 1")

            checked: list[tuple[int, list[bytes]]] = []
            rounds = [
                await each_once_in_turn(prove, select_1, seconds=ground.budget.side_s) for _ in range(4)
            ]
    for seq, path in checked:
        verify_inclusion(seq, size, _leaf(seq), path, root)
    ours, floor = _medians_ms(rounds[1:])  # the first one warmed up
    return Measured(ours, floor, f"ms, p50, a proof among {size:,} leaves against SELECT 1")


async def growth(ground: Ground) -> Measured:
    """`ledger.reader.entry` by number in a large log, against the same in one of a hundredth."""
    large = ground.budget.size(_GROWTH_ENTRIES, least=10_000, most=10_000_000)
    small = large // _GROWTH_FACTOR
    async with ground.empty_database() as few, ground.empty_database() as many:
        for (_, connection), size in ((few, small), (many, large)):
            ground.say(f"filling a log with {size:,} entries")
            for part in chunks(size, 100_000):
                await connection.execute(_FILL, part.start, part.stop - 1)
            await connection.execute("VACUUM ANALYZE ledger_entries")
        async with few[0].read() as in_small, many[0].read() as in_large:
            rounds = [
                await each_once_in_turn(
                    _lookup(in_large, large), _lookup(in_small, small), seconds=ground.budget.side_s
                )
                for _ in range(4)
            ]
    ours, floor = _medians_ms(rounds[1:])
    return Measured(ours, floor, f"ms, p50, an entry by its number among {large:,} against {small:,}")


def _lookup(s: ReadSession, size: int) -> Any:
    async def lookup() -> None:
        seq = random.randrange(size)
        found = await reader.entry(s, seq=seq)
        if int(found.entry.lstrip(b".")) != seq:
            raise Broken(f"entry {seq} is another one")
        s.expunge_all()

    return lookup


def _leaf(seq: int) -> bytes:
    return sha256(seq.to_bytes(8)).digest()


async def _grow(database: Database, size: int) -> bytes:
    """Store the tiles of a tree of `size` leaves; returns its root."""
    tree, rows = Growth(), []
    for part in chunks(size, WIDTH):
        rows += tree.add([_leaf(seq) for seq in part])
    rows += tree.partial()
    async with database.write() as s:
        connection = await s.connection()
        await connection.execute(
            insert(TileRow), [{"level": t.level, "number": t.index, "hashes": data} for t, data in rows]
        )
    return tree.frontier.root()


def _medians_ms(rounds: list[tuple[list[float], list[float]]]) -> tuple[float, float]:
    """The medians of the round whose ratio is the median one, in milliseconds."""
    pairs = [(1000 * quantile(a, 0.5), 1000 * quantile(b, 0.5)) for a, b in rounds]
    return sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]
