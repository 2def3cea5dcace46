"""A publisher and its witnesses: k of n, late ones, dead ones, liars; and a database that was put back."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from base.clock import SimulatedClock
from base.db import Database, WriteSession
from ledger import reader
from ledger.batch import Command, write_batch
from ledger.checkpoint import Checkpoint, Note, open_checkpoint, sign_checkpoint
from ledger.errors import LogForked
from ledger.publisher import Publisher
from ledger.sequencer import create_log, seal_all
from ledger.witness_circle import LONGEST_PAUSE_S, SIZE_TYPE
from tests.databases import on_sqlite
from tests.ledger.seeds import AT, statement
from tests.ledger.witnesses import LOG, ORIGIN, Wire, circle, cosigner, policy, wire


async def grow(database: Database, clock: SimulatedClock, names: range) -> None:
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)
        for n in names:
            await statement(s, f"sta_{n}")
    await seal_all(database, clock)


@pytest.fixture
async def over(sqlite_template: Path, tmp_path: Path, clock: SimulatedClock) -> AsyncIterator[Wire]:
    """Three witnesses, each with a database of its own."""
    databases = {}
    async with (
        on_sqlite(sqlite_template, tmp_path / "a.db") as databases["a"],
        on_sqlite(sqlite_template, tmp_path / "b.db") as databases["b"],
        on_sqlite(sqlite_template, tmp_path / "c.db") as databases["c"],
    ):
        yield wire(databases, clock)


def publisher(database: Database, clock: SimulatedClock, folder: Path, asked) -> Publisher:
    return Publisher(database, clock, (LOG,), folder, asked)


def cosigned(folder: Path) -> tuple[int, set[str]]:
    """The size of the published checkpoint, and who has cosigned it."""
    keys = [LOG.vkey, *(cosigner(name).vkey for name in "abc")]
    opened = open_checkpoint((folder / "checkpoint").read_bytes(), keys)
    return opened.checkpoint.size, {found.key.name.partition(".")[0] for found in opened.cosigned}


async def seen(database: Database) -> reader.Witnessing:
    async with database.read() as s:
        return await reader.witnessing(s)


async def test_a_checkpoint_is_published_with_the_cosignatures_of_its_witnesses(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire
) -> None:
    asked, _ = circle(over, 2, "a", "b", "c")
    one = publisher(database, clock, tmp_path / "log", asked)
    for at, names in enumerate((range(3), range(3, 4), range(4, 300), range(300, 301))):
        await grow(database, clock, names)
        await one.publish()
        assert cosigned(tmp_path / "log") == ((3, 4, 300, 301)[at], {"a", "b", "c"})
    now = await seen(database)
    assert (now.published, now.witnessed, now.lag, now.halted) == (301, True, 0, None)
    assert [(row.size, row.failures, row.problem) for row in now.witnesses] == [(301, 0, None)] * 3
    over.said.clear()
    assert await one.publish() is None
    assert over.said == []


async def test_with_too_few_witnesses_it_goes_on_unwitnessed_and_catches_up(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire
) -> None:
    asked, time = circle(over, 2, "a", "b", "c")
    one = publisher(database, clock, tmp_path / "log", asked)
    await grow(database, clock, range(5))
    await one.publish()
    over.down |= {"b", "c"}
    for names in (range(5, 9), range(9, 20)):
        await grow(database, clock, names)
        assert await one.publish() is not None
    assert cosigned(tmp_path / "log") == (20, {"a"})
    now = await seen(database)
    assert (now.witnessed, now.witnessed_size, now.lag) == (False, 5, 15)
    assert {row.vkey[0]: (row.size, row.failures > 0) for row in now.witnesses} == {
        "a": (20, False),
        "b": (5, True),
        "c": (5, True),
    }
    async with database.read() as s:  # of what they cosigned there is a receipt still, of the rest another
        assert [(await reader.checkpoint_over(s, seq=seq)).size for seq in (4, 5)] == [5, 20]

    over.down.clear()
    over.said.clear()
    assert await one.publish() is None  # they are left alone for a while
    assert over.said == []
    time[0] += LONGEST_PAUSE_S
    assert await one.publish() is not None
    assert cosigned(tmp_path / "log") == (20, {"a", "b", "c"})
    assert {(name, content.split(b"\n")[0]) for name, _, content in over.said} == {
        ("b", b"old 5"),  # a consistency proof from where it stands
        ("c", b"old 5"),
    }
    now = await seen(database)
    assert (now.witnessed, now.lag, [row.problem for row in now.witnesses]) == (True, 0, [None] * 3)


async def test_a_new_process_learns_from_a_conflict_where_a_witness_stands(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire
) -> None:
    await grow(database, clock, range(5))
    await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).publish()
    await grow(database, clock, range(5, 9))
    over.said.clear()
    await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).publish()
    assert [content.split(b"\n")[0] for _, _, content in over.said] == [b"old 0", b"old 5"]
    assert cosigned(tmp_path / "log") == (9, {"a"})


async def test_a_witness_that_never_answers_holds_nobody_up(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire
) -> None:
    never = asyncio.Event()

    async def hangs(request: httpx.Request) -> httpx.Response:
        if request.url.host == "b":
            await never.wait()
        return await over(request)

    asked, _ = circle(over, 1, "a", "b")
    asked.http = httpx.AsyncClient(transport=httpx.MockTransport(hangs))
    asked.patience_s = 3.0
    one = publisher(database, clock, tmp_path / "log", asked)
    await grow(database, clock, range(5))
    await one.publish()
    assert cosigned(tmp_path / "log") == (5, {"a"})
    (b,) = [row for row in (await seen(database)).witnesses if row.vkey.startswith("b.")]
    assert (b.size, b.failures, b.problem) == (0, 1, "no answer in time")
    assert (await seen(database)).witnessed is True


@pytest.mark.parametrize(
    "lie",
    [
        httpx.Response(409, headers={"content-type": SIZE_TYPE}, content=b"999\n"),
        httpx.Response(409, content=b"999\n"),
        httpx.Response(422),
        httpx.Response(403),
        httpx.Response(500),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"x" * 300_000),
        httpx.Response(200, content="— a.test/witness AAAAAAAA\n".encode()),
        httpx.Response(200, content=cosigner("a").cosign("another text\n", 1).line().encode()),
        httpx.Response(200, content="— a.test/witness AAAAAAAA\n".encode() * 101),
        httpx.Response(200, content=sign_checkpoint(Checkpoint(ORIGIN, 999, bytes(32)), LOG)[:-9]),
    ],
)
async def test_no_word_of_a_witness_stops_the_log(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire, lie: httpx.Response
) -> None:
    over.lying["a"] = lie
    one = publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0])
    await grow(database, clock, range(5))
    await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).check_head()
    assert await one.publish() is not None
    assert cosigned(tmp_path / "log") == (5, set())
    now = await seen(database)
    assert (now.witnessed, now.halted) == (False, None)
    assert now.witnesses[0].problem is not None
    await grow(database, clock, range(5, 6))


@pytest.mark.parametrize("lie", ["x\n\n{other}", "{line}{line}", "{line}{later}", "\n{line}"])
async def test_an_answer_that_is_not_one_line_of_the_witness_is_not_published(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire, lie: str
) -> None:
    """An empty line would end another text, and what was signed for that would not hold under ours."""
    liar = cosigner("b")

    async def lies(request: httpx.Request) -> httpx.Response:
        if request.url.host == "a":
            return await over(request)
        text = Note.parse(request.content.partition(b"\n\n")[2]).text
        lines = {"other": f"{text}\nx\n", "line": text, "later": text}
        signed = {name: liar.cosign(said, len(name)).line() for name, said in lines.items()}
        return httpx.Response(200, text=lie.format_map(signed))

    await grow(database, clock, range(5))
    for quorum, witnessed in (("all-of-them", True), ("none", None)):
        asked, _ = circle(over, 1, "a", "b")
        asked.policy = replace(asked.policy, quorum=quorum)
        asked.http = httpx.AsyncClient(transport=httpx.MockTransport(lies))
        assert await publisher(database, clock, tmp_path / quorum, asked).publish() is not None
        assert cosigned(tmp_path / quorum) == (5, {"a"})
        assert (await seen(database)).witnessed is witnessed


async def test_a_published_cosignature_that_does_not_hold_is_dropped_and_asked_for_again(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire
) -> None:
    await grow(database, clock, range(5))
    file = tmp_path / "log" / "checkpoint"
    await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).publish()
    note = Note.parse(file.read_bytes())
    bad = cosigner("b").cosign("another text\n", 1)
    poisoned = bytes(replace(note, signatures=(*note.signatures, bad, note.signatures[0])))
    file.write_bytes(poisoned)
    asked, _ = circle(over, 2, "a", "b")
    one = publisher(database, clock, tmp_path / "log", asked)
    assert one.witnessed(poisoned) is False
    assert await one.publish() is not None
    assert cosigned(tmp_path / "log") == (5, {"a", "b"})
    assert len(Note.parse(file.read_bytes()).signatures) == 3
    assert (await seen(database)).witnessed is True
    assert await one.publish() is None


async def says_more(s: WriteSession, act: object) -> None:
    """What a settlement does in the batch writer, as far as the log sees it."""
    await statement(s, "sta_more")


async def test_a_checkpoint_of_ours_that_the_database_does_not_lead_to_halts_it(
    clock: SimulatedClock, tmp_path: Path, over: Wire, sqlite_template: Path
) -> None:
    """A backup put back: behind, then beside what the witness holds, with the file gone as well."""
    async with on_sqlite(sqlite_template, tmp_path / "log.db") as database:
        await grow(database, clock, range(5))
        await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).publish()
    backup = tmp_path / "backup.db"
    shutil.copyfile(tmp_path / "log.db", backup)
    async with on_sqlite(sqlite_template, tmp_path / "log.db") as database:
        await grow(database, clock, range(9))
        await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).publish()
    for more in (range(0), range(100, 102), range(100, 120)):
        database = Database(f"sqlite+aiosqlite:///{shutil.copyfile(backup, tmp_path / f'{more.stop}.db')}")
        try:
            if more:
                await grow(database, clock, more)
            one = publisher(database, clock, tmp_path / f"gone {more.stop}", circle(over, 1, "a")[0])
            with pytest.raises(LogForked):
                await one.check_head()
            size = (await seen(database)).published
            async with database.read() as s:
                before = await reader.statements_of(s, object_id="obj_1", limit=1000)
            assert (await seen(database)).halted is not None
            with pytest.raises(LogForked):
                await seal_all(database, clock)
            (outcome,) = await write_batch(database, clock, [Command(None, says_more, "TST.NOTE", "obj_1")])
            assert isinstance(outcome, LogForked)
            async with database.read() as s:
                assert await reader.statements_of(s, object_id="obj_1", limit=1000) == before
            over.down.add("a")  # nor does it go on when the witness is silent
            with pytest.raises(LogForked):
                await publisher(database, clock, tmp_path / "elsewhere", circle(over, 1, "a")[0]).check_head()
            assert (await seen(database)).published == size
        finally:
            over.down.clear()
            await database.dispose()


async def test_a_database_put_back_under_a_running_node_is_told_by_the_witness(
    clock: SimulatedClock, tmp_path: Path, over: Wire, sqlite_template: Path
) -> None:
    async with on_sqlite(sqlite_template, tmp_path / "one.db") as database:
        await grow(database, clock, range(9))
        await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).publish()
    async with on_sqlite(sqlite_template, tmp_path / "two.db") as database:
        await grow(database, clock, range(5))
        over.down.add("a")
        asked, time = circle(over, 1, "a")
        one = publisher(database, clock, tmp_path / "other log", asked)
        await one.publish()  # nobody could tell
        over.down.clear()
        time[0] += LONGEST_PAUSE_S
        with pytest.raises(LogForked):
            await one.publish()
        assert (await seen(database)).halted.startswith("a.test/witness: ")
        with pytest.raises(LogForked):
            await grow(database, clock, range(50, 51))


async def test_without_the_file_and_without_a_witness_nobody_can_tell(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire
) -> None:
    asked, _ = circle(over, 1, "a")
    await publisher(database, clock, tmp_path / "log", asked).check_head()
    await grow(database, clock, range(5))
    over.down.add("a")
    await publisher(
        database, clock, tmp_path / "log", circle(over, 1, "a")[0]
    ).check_head()  # nothing to lose
    await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).publish()
    await publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0]).check_head()
    with pytest.raises(LogForked, match="no witness answers"):
        await publisher(database, clock, tmp_path / "gone", circle(over, 1, "a")[0]).check_head()
    over.down.clear()
    await publisher(database, clock, tmp_path / "gone", circle(over, 1, "a")[0]).check_head()


async def test_two_publishers_at_once_lose_no_cosignature(
    database: Database, clock: SimulatedClock, tmp_path: Path, over: Wire
) -> None:
    await grow(database, clock, range(5))
    one = publisher(database, clock, tmp_path / "log", circle(over, 1, "a")[0])
    two = publisher(database, clock, tmp_path / "log", circle(over, 1, "b")[0])
    await asyncio.gather(one.publish(), two.publish())
    assert cosigned(tmp_path / "log") == (5, {"a", "b"})
    assert policy(2, "a", "b").satisfied(
        open_checkpoint(
            (tmp_path / "log" / "checkpoint").read_bytes(), [LOG.vkey, *policy(2, "a", "b").vkeys]
        ).cosigned
    )
