"""The log is dense, linked, and its tree is the tree of its leaves, whoever seals and however often."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import text
from sqlmodel import col, select

from base.clock import SimulatedClock
from base.db import Database
from base.settings import Settings
from ledger import reader, recording, sequencer
from ledger.errors import LeadershipLost, LogUnborn
from ledger.sequencer import Leader, create_log, leadership, seal, seal_all
from ledger.statement import MAX_ENTRY_BYTES, NO_PREVIOUS, sealed_entry
from ledger.tables import EntryRow, PendingRow, TreeRow
from ledger.tiles import pack_entries
from ledger.tree import leaf_hash, root_of, verify_inclusion
from tests.ledger.seeds import AT, statement

ORIGIN = "exchange.test/log"


async def recorded(database: Database, names: range) -> None:
    async with database.write() as s:
        for n in names:
            await statement(s, f"sta_{n}")


async def born(database: Database) -> None:
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)


async def test_nothing_is_sealed_where_no_log_was_created(database: Database, clock: SimulatedClock) -> None:
    with pytest.raises(LogUnborn):
        await seal_all(database, clock)


async def test_entries_are_dense_linked_and_in_the_order_of_recording(
    database: Database, clock: SimulatedClock
) -> None:
    await born(database)
    sizes = []
    for names in (range(3), range(3, 4), range(4, 260), range(260, 600)):
        await recorded(database, names)
        sizes.append((await seal_all(database, clock)).size)
    assert sizes == [3, 4, 260, 600]
    async with database.read() as s:
        rows = (await s.exec(select(EntryRow).order_by(EntryRow.seq))).all()
        assert (await s.exec(select(PendingRow))).all() == []
        head = await reader.tree_head(s)
    previous = NO_PREVIOUS
    for seq, row in enumerate(rows):
        document = orjson.loads(row.entry)
        assert (row.seq, document["seq"], document["prev"]) == (seq, seq, previous)
        assert row.statement_row == seq + 1
        previous = leaf_hash(row.entry).hex()
    assert (head.size, head.root) == (600, root_of(row.leaf_hash for row in rows).hex())
    assert not head.pending


async def test_every_entry_is_proved_in_the_tree(database: Database, clock: SimulatedClock) -> None:
    await born(database)
    for names in (range(250), range(250, 520)):
        await recorded(database, names)
        await seal_all(database, clock)
    async with database.read() as s:
        head = await reader.tree_head(s)
        for seq in (0, 1, 249, 255, 256, 511, 512, 519):
            entry = await reader.entry(s, seq=seq)
            path = await reader.proof(s, seq=seq, size=head.size)
            verify_inclusion(seq, head.size, entry.leaf_hash, path, bytes.fromhex(head.root))
        older = await reader.proof(s, seq=7, size=250)
        rows = (await s.exec(select(EntryRow.leaf_hash).order_by(EntryRow.seq).limit(250))).all()
        verify_inclusion(7, 250, rows[7], older, root_of(rows))


async def test_the_sealing_time_never_goes_back(database: Database, clock: SimulatedClock) -> None:
    await born(database)
    clock.advance(timedelta(hours=2))
    await recorded(database, range(1))
    await seal_all(database, clock)
    await recorded(database, range(1, 2))
    await seal_all(database, SimulatedClock(AT))
    async with database.read() as s:
        first, second = [(await reader.entry(s, seq=n)).document["at"] for n in (0, 1)]
    assert first == second == "2026-11-16T03:00:00.000Z"


async def test_two_sealers_make_one_order(postgresql_database: Database, clock: SimulatedClock) -> None:
    database = postgresql_database
    await born(database)
    await recorded(database, range(300))

    async def some() -> int:
        async with database.write() as s:
            return (await seal(s, clock, limit=37)).count

    counts = await asyncio.gather(*(some() for _ in range(10)))
    assert sum(counts) == 300
    async with database.read() as s:
        rows = (await s.exec(select(EntryRow).order_by(EntryRow.seq))).all()
    assert [row.seq for row in rows] == list(range(300))
    assert len({row.statement_row for row in rows}) == 300


async def test_a_statement_that_commits_late_with_a_smaller_id_is_sealed(
    postgresql_database: Database, clock: SimulatedClock
) -> None:
    database = postgresql_database
    await born(database)
    async with database.write() as slow:
        await statement(slow, "sta_slow")
        await recorded(database, range(5))
        assert (await seal_all(database, clock)).count == 5
    assert (await seal_all(database, clock)).count == 1
    async with database.read() as s:
        assert await reader.seq_of(s, statement_id="sta_slow") == 5


async def test_one_process_leads_the_log(postgresql_database: Database) -> None:
    async with leadership(postgresql_database) as first, leadership(postgresql_database) as second:
        assert first is not None
        assert second is None
        async with postgresql_database.read() as s:
            await first.require(s)
    async with leadership(postgresql_database) as again:
        assert again is not None
        async with postgresql_database.read() as s:
            with pytest.raises(LeadershipLost):
                await first.require(s)


async def test_a_leader_whose_session_is_gone_seals_no_more_and_two_that_think_they_lead_seal_once(
    postgresql_database: Database, clock: SimulatedClock
) -> None:
    database = postgresql_database
    await born(database)
    await recorded(database, range(10))
    other = Database(database.url)
    try:
        async with leadership(database) as lost:
            assert (await seal_all(database, clock, leader=lost)).count == 10
            await recorded(database, range(10, 200))
            await cut(database, lost)
            async with leadership(other) as leader:
                with pytest.raises(LeadershipLost):
                    await seal_all(database, clock, leader=lost)
                assert (await waiting(database)) == 190
                answers = await asyncio.gather(
                    seal_all(database, clock, leader=lost),
                    *(seal_all(base, clock) for base in (database, other)),  # as if nobody had asked
                    seal_all(other, clock, leader=leader),
                    return_exceptions=True,
                )
                assert isinstance(answers[0], LeadershipLost)
                assert sum(one.count for one in answers[1:]) == 190
        async with database.read() as s:
            rows = (await s.exec(select(EntryRow).order_by(EntryRow.seq))).all()
            head = await reader.tree_head(s)
        assert [row.seq for row in rows] == list(range(200))
        assert len({row.statement_row for row in rows}) == 200
        assert head.root == root_of(row.leaf_hash for row in rows).hex()
        async with leadership(database) as again:
            assert again is not None
            assert (await seal_all(database, clock, leader=again)).count == 0
    finally:
        await other.dispose()


async def cut(database: Database, leader: Leader | None) -> None:
    """End the session that holds the leader's lock, as a lost connection would."""
    assert leader is not None
    async with database.write() as s:
        await (await s.connection()).execute(
            text("SELECT pg_terminate_backend(:session, 5000)"), {"session": leader.session}
        )


async def waiting(database: Database) -> int:
    async with database.read() as s:
        return len((await s.exec(select(PendingRow))).all())


async def test_what_is_remembered_of_the_tree_is_what_the_database_holds(
    database: Database, clock: SimulatedClock
) -> None:
    """Also around full tiles, and after a batch that was taken back."""
    count, growth = 0, (1, 254, 1, 1, 255, 256, 2, 700)
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)
    for more in growth:
        with suppress(ZeroDivisionError):
            async with database.write() as s:
                await statement(s, f"sta_lost_{count}")
                await sequencer.seal(s, clock)
                raise ZeroDivisionError
        async with database.write() as s:
            for number in range(count, count + more):
                await statement(s, f"sta_{number}")
        count += more
        await seal_all(database, clock)
        async with database.read() as s:
            end = sequencer._ends[database.engine.sync_engine]
            tree = await s.get(TreeRow, 1)
            assert tree is not None
            kept = (tree.origin, tree.size, tree.root, tree.previous, tree.sealed_at)
            assert (
                end.head.origin,
                end.head.size,
                end.head.root,
                end.head.previous,
                end.head.sealed_at,
            ) == kept
            assert end.head.size == end.frontier.size == count
            assert end.tiles == await sequencer.edge_tiles(s, count)
            leaves = (await s.exec(select(EntryRow.leaf_hash).order_by(col(EntryRow.seq)))).all()
        assert end.head.root == root_of(leaves).hex() == end.frontier.root().hex()


def test_the_largest_statement_is_an_entry_under_the_longest_origin() -> None:
    """What is recorded can be sealed and published: otherwise one statement would stop the log for good."""
    origin = Settings(origin="exchange.example/" + "l" * 183).origin
    envelope = b"x" * (MAX_ENTRY_BYTES - recording._SEAL_OVERHEAD_BYTES)
    entry = sealed_entry(seq=2**53 - 1, prev=NO_PREVIOUS, at=AT, node=origin, envelope=envelope)
    assert len(pack_entries([entry])) == len(entry) + 2
