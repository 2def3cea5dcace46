"""Entries made for the end that a log is guessed to have: in the log if it has that end, made anew if not.

The guess goes wrong when another process writes, when something waits to be sealed, when a commit is lost
or the session of the batch before is killed; the log is one order all the same.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlmodel import col, select, update

from base.clock import SimulatedClock
from base.db import Database, RowSession
from base.rows import Plan
from ledger import reader, sequencer
from ledger.batch import BatchWriter, Command
from ledger.errors import LogClosed, LogForked
from ledger.recording import Recorded, record
from ledger.sequencer import Sealed, create_log, seal_all, seal_behind
from ledger.statement import NO_PREVIOUS, Draft
from ledger.tables import EntryRow, StatementRow, TreeRow
from ledger.together import own_statements, prepare, record_together
from ledger.tree import leaf_hash, root_of
from tests.houses import ORIGIN, TestHouse, make_house
from tests.ledger.seeds import AT

EVENT = "TST.SETTLE"
pytestmark = pytest.mark.postgresql


@pytest.fixture
async def house(postgresql_database: Database, clock: SimulatedClock) -> TestHouse:
    made = await make_house(postgresql_database, clock)
    async with postgresql_database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)
    await seal_all(postgresql_database, clock)
    return made


@pytest.fixture
async def other(house: TestHouse) -> AsyncIterator[Database]:
    """The same database, as another process has it: it remembers another end."""
    database = Database(house.database.url)
    yield database
    await database.dispose()


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of the log whenever entries were made while it was held."""
    sizes: list[int] = []
    append = sequencer._append

    async def counted(s: Any, clock: Any, head: Any, queued: Any) -> Sealed:
        sizes.append(head.size)
        return await append(s, clock, head, queued)

    monkeypatch.setattr(sequencer, "_append", counted)
    return sizes


async def say(s: RowSession, house: TestHouse, names: Sequence[str]) -> Sealed:
    """State something of each name in this transaction, and seal it."""
    acts = [house.house.exchange_act() for _ in names]
    prepared, plan = await prepare(s, acts), Plan()
    record_together(
        s, plan, [(act, Draft(EVENT, n, public={})) for act, n in zip(acts, names, strict=True)], prepared
    )
    await plan.carry_out(s)
    return await seal_behind(s, house.clock, own_statements(s))


async def said(house: TestHouse, names: Sequence[str], database: Database | None = None) -> Sealed:
    async with (database or house.database).write_rows() as s:
        return await say(s, house, names)


async def kill(house: TestHouse, s: RowSession) -> None:
    (pid,) = await s.driver.fetchrow("SELECT pg_backend_pid()")
    async with house.database.write() as killer:
        await (await killer.connection()).execute(
            text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid}
        )


async def in_order(house: TestHouse) -> list[str]:
    """What the log says, in its order: dense, linked, and of the root that stands in the tree."""
    async with house.database.read() as s:
        rows = (await s.exec(select(EntryRow).order_by(col(EntryRow.seq)))).all()
        tree = await reader.tree_head(s)
        edge = await sequencer.edge_tiles(s, len(rows))
        names = dict((await s.exec(select(StatementRow.id, StatementRow.object_id))).all())
    previous = NO_PREVIOUS
    for seq, row in enumerate(rows):
        document = orjson.loads(row.entry)
        assert (row.seq, document["seq"], document["prev"]) == (seq, seq, previous)
        previous = leaf_hash(row.entry).hex()
    assert (tree.size, tree.root) == (len(rows), root_of(leaf_hash(row.entry) for row in rows).hex())
    assert edge[0, (len(rows) - 1) // 256][-32:].hex() == previous
    assert len({row.statement_row for row in rows}) == len(rows)
    return [names[row.statement_row] for row in rows]


async def test_an_end_that_is_guessed_right_is_written_to_without_asking(
    house: TestHouse, made_anew: list[int]
) -> None:
    before = await in_order(house)
    for number in range(3):
        assert (await said(house, [f"a{number}", f"b{number}"])).count == 2
    assert (await in_order(house))[len(before) :] == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert made_anew == []


@pytest.mark.parametrize("becomes", ["committed", "taken back"])
async def test_who_comes_behind_a_batch_that_is_not_committed_yet_waits_for_what_becomes_of_it(
    house: TestHouse, made_anew: list[int], becomes: str
) -> None:
    before = await in_order(house)
    with suppress(ZeroDivisionError):
        async with house.database.write_rows() as first:
            await say(first, house, ["first", "first too"])
            second = asyncio.create_task(said(house, ["second"]))
            await asyncio.sleep(0.1)
            assert not second.done()
            if becomes == "taken back":
                raise ZeroDivisionError
    await second
    kept = ["first", "first too"] if becomes == "committed" else []
    assert (await in_order(house))[len(before) :] == [*kept, "second"]
    assert len(made_anew) == (0 if kept else 1)


async def test_a_killed_session_takes_its_entries_along_and_not_those_behind(
    house: TestHouse, made_anew: list[int]
) -> None:
    before = await in_order(house)
    with pytest.raises(Exception, match="connection"):
        async with house.database.write_rows() as first:
            await say(first, house, ["lost"])
            second = asyncio.create_task(said(house, ["second"]))
            await asyncio.sleep(0.1)
            await kill(house, first)
    await second
    await said(house, ["third"])
    assert (await in_order(house))[len(before) :] == ["second", "third"]
    assert len(made_anew) == 1


async def test_a_log_of_the_guessed_size_has_not_yet_the_guessed_end(
    house: TestHouse, other: Database, made_anew: list[int]
) -> None:
    before = await in_order(house)
    with suppress(ZeroDivisionError):
        async with house.database.write_rows() as lost:
            await say(lost, house, ["lost", "lost too"])
            raise ZeroDivisionError
    await said(house, ["theirs", "theirs too"], other)
    await said(house, ["ours"])
    assert (await in_order(house))[len(before) :] == ["theirs", "theirs too", "ours"]
    assert made_anew == [len(before), len(before) + 2]


@pytest.mark.parametrize("column", ["halted", "closed_at"])
async def test_a_log_that_was_halted_or_closed_takes_nothing(house: TestHouse, column: str) -> None:
    await said(house, ["before"])
    before = await in_order(house)
    async with house.database.write() as s:
        await s.exec(update(TreeRow).values({column: AT if column == "closed_at" else "a fork"}))
    for _ in range(2):
        with pytest.raises((LogForked, LogClosed)):
            await said(house, ["after"])
    assert await in_order(house) == before


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_in_between_it_is_one_order(
    house: TestHouse, other: Database, made_anew: list[int], seed: int
) -> None:
    """Another process, statements that wait, batches that are taken back or killed: in any order."""
    chance, expected, waiting = random.Random(seed), await in_order(house), list[str]()
    for number in range(25):
        names = [f"{number}/{at}" for at in range(chance.choice([1, 2, 7, 60]))]
        what = chance.choice(["ours", "ours", "ours", "theirs", "queued", "taken back", "killed"])
        if what == "queued":
            async with house.database.write() as s:
                await record(s, house.house.exchange_act(), Draft("TST.NOTE", names[0], public={}))
            waiting.append(names[0])
        elif what in ("ours", "theirs"):
            await said(house, names, other if what == "theirs" else None)
            expected += [*waiting, *names]
            waiting.clear()
        else:
            with pytest.raises(Exception, match=r"division|connection"):
                async with house.database.write_rows() as s:
                    await say(s, house, names)
                    if what == "killed":
                        await kill(house, s)
                    else:
                        raise ZeroDivisionError("division")
    await said(house, ["last"])
    assert await in_order(house) == [*expected, *waiting, "last"]
    assert 0 < len(made_anew) < 25


async def test_two_processes_and_a_sequencer_at_once_make_one_order(
    house: TestHouse, other: Database, made_anew: list[int]
) -> None:
    before = len(await in_order(house))

    async def notes() -> None:
        for number in range(6):
            async with house.database.write() as s:
                await record(s, house.house.exchange_act(), Draft("TST.NOTE", f"note {number}", public={}))
            await seal_all(house.database, house.clock)

    async def together(s: RowSession, plan: Plan, commands: Sequence[Command]) -> Sequence[Recorded]:
        prepared = await prepare(s, [one.act for one in commands])
        told = [(one.act, Draft(EVENT, one.object_id, public={})) for one in commands]
        return record_together(s, plan, told, prepared)

    async def nobody(*_: Any) -> None:
        raise AssertionError("it went alone")

    writers = [BatchWriter(database, house.clock) for database in (house.database, other)]
    running = [asyncio.create_task(writer.run()) for writer in writers]

    async def caller(number: int) -> None:
        for turn in range(5):
            act = house.house.exchange_act()
            await writers[number % 2].submit(Command(act, nobody, EVENT, f"{number}/{turn}", together))

    await asyncio.gather(notes(), *(caller(number) for number in range(24)))
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    found = (await in_order(house))[before:]
    stated = [f"{number}/{turn}" for number in range(24) for turn in range(5)]
    assert sorted(found) == sorted([*stated, *(f"note {number}" for number in range(6))])
    assert made_anew
