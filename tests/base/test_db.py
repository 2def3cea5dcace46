"""Transactions and column types behave alike on both databases."""

import asyncio
import threading
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from sqlalchemy import Column, Integer, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Field, SQLModel, select

from base.clock import SHANGHAI
from base.db import Database, UtcDateTime, _connector, text_enum


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


class LampRow(SQLModel, table=True):
    __tablename__ = "test_lamps"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    light: Light = Field(sa_column=Column(text_enum(Light), nullable=False))
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


async def lamps(database: Database) -> list[LampRow]:
    async with database.read() as s:
        return list((await s.exec(select(LampRow).order_by(LampRow.id))).all())


async def light(database: Database, clock, number: int = 1) -> None:
    async with database.write() as s:
        s.add(LampRow(id=number, light=Light.RED, since=clock.now()))


async def test_a_write_is_committed_when_its_block_is_left(database, clock) -> None:
    await light(database, clock)
    (lamp,) = await lamps(database)
    assert (lamp.light, lamp.since, lamp.since.tzinfo) == (Light.RED, clock.now(), clock.now().tzinfo)
    assert type(lamp.light) is Light


@pytest.mark.parametrize("error", [RuntimeError("stop"), asyncio.CancelledError()])
async def test_a_write_that_raises_leaves_nothing(database, clock, error) -> None:
    with pytest.raises(type(error)):
        async with database.write() as s:
            s.add(LampRow(id=1, light=Light.RED, since=clock.now()))
            await s.flush()
            raise error
    assert await lamps(database) == []
    await light(database, clock)


async def test_what_a_read_session_changes_is_never_kept(database, clock) -> None:
    await light(database, clock)
    async with database.read() as s:
        lamp = (await s.exec(select(LampRow))).one()
        lamp.light = Light.GREEN
        await s.flush()
    assert [lamp.light for lamp in await lamps(database)] == [Light.RED]


async def test_a_reader_does_not_see_what_is_not_committed_nor_wait_for_it(database, clock) -> None:
    async with database.write() as s:
        s.add(LampRow(id=1, light=Light.RED, since=clock.now()))
        await s.flush()
        assert await lamps(database) == []
    assert len(await lamps(database)) == 1


async def test_two_writers_that_read_and_then_write_do_not_overwrite_each_other(database, clock) -> None:
    await light(database, clock)

    async def wait_a_day() -> None:
        async with database.write() as s:
            query = select(LampRow).where(LampRow.id == 1).with_for_update()
            lamp = (await s.exec(query)).one()
            lamp.since += timedelta(days=1)

    await asyncio.gather(*(wait_a_day() for _ in range(5)))
    assert (await lamps(database))[0].since == clock.now() + timedelta(days=5)


async def test_times_of_any_offset_are_stored_as_the_same_moment_and_compare(database, clock) -> None:
    async with database.write() as s:
        s.add(LampRow(id=1, light=Light.RED, since=clock.now().astimezone(SHANGHAI)))
    async with database.read() as s:
        found = await s.exec(select(LampRow.id).where(LampRow.since == clock.now().astimezone(SHANGHAI)))
        assert found.all() == [1]
    assert (await lamps(database))[0].since == clock.now()


async def test_a_naive_time_is_refused(database) -> None:
    with pytest.raises(StatementError, match="naive"):
        async with database.write() as s:
            s.add(LampRow(id=1, light=Light.RED, since=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point
    assert await lamps(database) == []


async def test_the_database_itself_refuses_a_status_that_is_none(database) -> None:
    blue = text("INSERT INTO test_lamps (id, light, since) VALUES (1, 'blue', '2026-01-01 00:00:00')")
    with pytest.raises(IntegrityError):
        async with database.write() as s:
            await (await s.connection()).execute(blue)
    assert await lamps(database) == []


async def test_a_status_is_kept_as_its_text(database, clock) -> None:
    await light(database, clock)
    async with database.read() as s:
        kept = await (await s.connection()).execute(text("SELECT light FROM test_lamps"))
        assert kept.scalar_one() == "red"


def test_a_loop_that_ends_while_its_database_is_at_work_leaves_nothing_behind(tmp_path) -> None:
    let_go, said = threading.Event(), []

    async def begin() -> Any:
        connection = await _connector(here=False)(tmp_path / "databourse.db")
        asyncio.get_running_loop().create_task(connection._execute(let_go.wait))
        await asyncio.sleep(0)  # the visit has begun; leaving cancels whoever waits for it
        return connection

    hook, threading.excepthook = threading.excepthook, said.append
    try:
        connection = asyncio.run(begin())
        connection.stop()
        let_go.set()
        connection._thread.join(30)
    finally:
        threading.excepthook = hook
    assert (said, connection._thread.is_alive(), connection._connection) == ([], False, None)
