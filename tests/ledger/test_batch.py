"""The second way into the log: commands share a transaction and are sealed in it; who fails is left out."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from base.clock import SimulatedClock
from base.db import Database, RowSession, WriteSession
from base.errors import Busy, Conflict
from base.rows import Plan
from ledger.accounts import Leg, bank_cash, held
from ledger.batch import MOST, TRIES, BatchWriter, Command, Pace, _next_size, write_batch
from ledger.posting import book
from ledger.recording import Act, Recorded, record
from ledger.sequencer import create_log, seal_all
from ledger.statement import Draft
from ledger.tables import EntryRow, PendingRow, PostingRow
from ledger.together import prepare, record_together
from tests.houses import ORIGIN, TestHouse, make_house
from tests.ledger.seeds import AT


class Refused(Conflict):
    code = "test-refused"


@pytest.fixture
async def house(database: Database, clock: SimulatedClock) -> TestHouse:
    made = await make_house(database, clock)
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)
    await seal_all(database, clock)
    return made


@asynccontextmanager
async def writing(house: TestHouse) -> AsyncIterator[BatchWriter]:
    writer = BatchWriter(house.database, house.clock)
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def settling(
    house: TestHouse, number: int, *, fails: Exception | None = None, unfounded: bool = False
) -> Command:
    """A settlement in little: a statement and two legs. `unfounded` legs name no statement."""

    async def settle(s: WriteSession, act: Act) -> Recorded:
        made = await record(s, act, Draft("TST.SETTLE", f"trade_{number}", public={"number": number}))
        if fails is not None:
            raise fails
        await book(
            s,
            batch_id=act.new_id("bat"),
            object_id=f"trade_{number}",
            statement_id="sta_of_nobody" if unfounded else made.statement_id,
            booked_at=act.now,
            legs=[Leg(bank_cash(), 100), Leg(held(f"trade_{number}"), -100)],
        )
        return made

    return Command(house.house.exchange_act(), settle, "TST.SETTLE", f"trade_{number}")


async def log(house: TestHouse) -> list[dict[str, Any]]:
    """What is sealed, in order."""
    async with house.database.read() as s:
        entries = (await s.exec(select(EntryRow.entry).order_by(EntryRow.seq))).all()
    documents = [orjson.loads(entry) for entry in entries]
    assert [document["seq"] for document in documents] == list(range(len(documents)))
    payloads = [orjson.loads(base64.b64decode(one["envelope"]["payload"])) for one in documents]
    return [payload["predicate"] for payload in payloads]


async def settled(house: TestHouse) -> list[int]:
    return [said["number"] for said in await log(house) if said["event"] == "TST.SETTLE"]


async def legs(house: TestHouse) -> list[int]:
    async with house.database.read() as s:
        return list(await s.exec(select(PostingRow.amount_minor)))


async def test_commands_at_once_are_all_written_and_sealed_when_they_are_answered(house: TestHouse) -> None:
    count = MOST + 10
    async with writing(house) as writer:
        made = await asyncio.gather(*(writer.submit(settling(house, n)) for n in range(count)))
    assert all(isinstance(one, Recorded) for one in made)
    assert sorted(await settled(house)) == list(range(count))
    assert sum(await legs(house)) == 0
    assert len(await legs(house)) == 2 * count
    async with house.database.read() as s:
        assert (await s.exec(select(PendingRow))).all() == []


def test_a_batch_beside_another_one_is_worth_it_and_none_is_larger_than_it_may_be() -> None:
    one = [_next_size(waiting, writing=[], lanes=1) for waiting in (0, 1, 15, 64, 200)]
    assert one == [0, 1, 15, MOST, MOST]
    assert [_next_size(200, writing=[8], lanes=1), _next_size(200, writing=[8, 9], lanes=2)] == [0, 0]
    first = [_next_size(waiting, writing=[], lanes=2) for waiting in (0, 1, 15, 16, 17, 64, 128, 200)]
    assert first == [0, 1, 15, 8, 9, 32, MOST, MOST]
    second = [_next_size(waiting, writing=[8], lanes=2) for waiting in (0, 1, 7, 8, 32, 200)]
    assert second == [0, 0, 0, 8, 32, MOST]
    assert [_next_size(waiting, writing=[32], lanes=2) for waiting in (8, 23, 24, 64)] == [0, 0, 24, 64]


def test_a_pace_is_that_of_the_batches_while_there_is_something_to_write() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(40):
        now[0] += 100  # nothing to write
        pace.begin()
        for _ in range(2):
            now[0] += 0.5
            pace.note(100)
    assert round(pace.a_second) == 200


async def test_as_many_wait_as_are_written_soon_and_others_are_sent_away(house: TestHouse) -> None:
    writer = BatchWriter(house.database, house.clock, most_waiting=3)  # it does not run yet
    waiting = [asyncio.create_task(writer.submit(settling(house, n))) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Busy) as sent_away:
        await writer.submit(settling(house, 3))
    assert sent_away.value.facts == {"waiting": 3, "retry_after_s": 1}
    running = asyncio.create_task(writer.run())
    await asyncio.gather(*waiting)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sorted(await settled(house)) == [0, 1, 2]


async def test_a_command_that_is_refused_or_fails_is_left_out_and_its_neighbours_commit(
    house: TestHouse,
) -> None:
    commands = [
        settling(house, 0),
        settling(house, 1, fails=Refused("not today")),
        settling(house, 2),
        settling(house, 3, fails=RuntimeError("a surprise")),
        settling(house, 4),
    ]
    outcomes = await write_batch(house.database, house.clock, commands)
    assert [type(one) for one in outcomes] == [Recorded, Refused, Recorded, RuntimeError, Recorded]
    assert await settled(house) == [0, 2, 4]
    assert len(await legs(house)) == 6
    refusals = [said for said in await log(house) if said["event"] == "REF.REFUSE"]
    assert [(said["code"], said["object"]) for said in refusals] == [("test-refused", "trade_1")]


async def test_whoever_waits_hears_the_error_of_his_own_command(house: TestHouse) -> None:
    async with writing(house) as writer:
        answers = await asyncio.gather(
            writer.submit(settling(house, 0)),
            writer.submit(settling(house, 1, fails=Refused("not today"))),
            writer.submit(settling(house, 2, fails=RuntimeError("a surprise"))),
            return_exceptions=True,
        )
    assert [type(answer) for answer in answers] == [Recorded, Refused, RuntimeError]


async def test_what_breaks_a_constraint_at_the_commit_does_not_take_its_neighbours_along(
    house: TestHouse,
) -> None:
    async with writing(house) as writer:
        answers = await asyncio.gather(
            *(writer.submit(settling(house, n, unfounded=n == 1)) for n in range(4)), return_exceptions=True
        )
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False, False]
    assert await settled(house) == [0, 2, 3]
    assert len(await legs(house)) == 6


def together(house: TestHouse, number: int) -> Command:
    """A settlement in little that shares its transaction set by set."""

    async def settle(s: RowSession, plan: Plan, commands: Sequence[Command]) -> list[Any]:
        said = [(one.act, Draft("TST.SETTLE", one.object_id, public=one.said)) for one in commands]
        prepared = await prepare(s, [one.act for one in commands])
        return list(record_together(s, plan, said, prepared))

    return replace(settling(house, number), together=settle, said={"number": number})


async def test_what_was_done_together_stands_whatever_becomes_of_what_went_alone(house: TestHouse) -> None:
    async with writing(house) as writer:
        answers = await asyncio.gather(
            writer.submit(together(house, 0)),
            writer.submit(settling(house, 1, unfounded=True)),
            writer.submit(settling(house, 2)),
            return_exceptions=True,
        )
    assert [type(answer) for answer in answers] == [Recorded, IntegrityError, Recorded]
    assert await settled(house) == [0, 2]  # each once, and nobody was refused
    assert [said for said in await log(house) if said["event"] == "REF.REFUSE"] == []


async def test_what_the_database_ended_for_the_sake_of_another_is_tried_again(
    postgresql_database: Database, clock: SimulatedClock
) -> None:
    house = await make_house(postgresql_database, clock)
    async with house.database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)
    await seal_all(house.database, clock)
    plain, ended = settling(house, 0), []

    async def settle(s: WriteSession, act: Act) -> Recorded:
        if len(ended) < TRIES - 1:
            ended.append("a deadlock")
            await (await s.connection()).execute(
                text("DO $$ BEGIN RAISE 'deadlock detected' USING ERRCODE = '40P01'; END $$")
            )
        return await plain.verb(s, act)

    answers = await write_batch(
        house.database, clock, [settling(house, 1), replace(plain, verb=settle), settling(house, 2)]
    )
    assert ([type(answer) for answer in answers], len(ended)) == ([Recorded] * 3, TRIES - 1)
    assert sorted(await settled(house)) == [0, 1, 2]


async def test_what_was_recorded_before_is_sealed_before(house: TestHouse) -> None:
    async def note(s: WriteSession, act: Act) -> None:
        await record(s, act, Draft("TST.ACCEPT", "trade_0", public={"number": 0}))

    async with house.database.write() as s:
        await note(s, house.house.exchange_act())
    async with writing(house) as writer:
        await writer.submit(settling(house, 0))
    assert [said["event"] for said in await log(house)][-2:] == ["TST.ACCEPT", "TST.SETTLE"]


async def test_a_caller_who_went_away_does_not_disturb_the_others(house: TestHouse) -> None:
    async with writing(house) as writer:
        gone = asyncio.create_task(writer.submit(settling(house, 0)))
        stays = asyncio.create_task(writer.submit(settling(house, 1)))
        await asyncio.sleep(0)
        gone.cancel()
        assert isinstance(await stays, Recorded)
        assert isinstance(await writer.submit(settling(house, 2)), Recorded)
    assert {1, 2} <= set(await settled(house))


async def test_the_batch_writer_and_the_sequencer_at_once_make_one_order(house: TestHouse) -> None:
    async def notes() -> None:
        for number in range(12):
            async with house.database.write() as s:
                act = house.house.exchange_act()
                await record(s, act, Draft("TST.NOTE", f"note_{number}", public={"number": number}))
            await seal_all(house.database, house.clock)

    async with writing(house) as writer:
        await asyncio.gather(notes(), *(writer.submit(settling(house, n)) for n in range(12)))
    await seal_all(house.database, house.clock)
    said = await log(house)
    assert sorted(one["number"] for one in said if one["event"] == "TST.NOTE") == list(range(12))
    assert sorted(await settled(house)) == list(range(12))
