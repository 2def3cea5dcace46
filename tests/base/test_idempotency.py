"""Same key, same answer; another body is refused; of two at once, one does the work."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from base.db import Database
from base.errors import IdempotencyMismatch
from base.idempotency import (
    Answer,
    Call,
    IdempotencyKeyMalformed,
    IdempotencyRace,
    IdempotencyRow,
    forget,
    recall,
    remember,
)
from base.jobs import JobRow, enqueue

CREATED = Answer(201, "application/json", b'{"id":"lst_1"}')


def call(key="k-1", actor="org_a", route="POST /listings", digest="a" * 64) -> Call:
    return Call(actor_id=actor, key=key, route=route, input_sha256=digest)


async def keep(database: Database, what: Call, answer: Answer, now) -> None:
    async with database.write() as s:
        await remember(s, what, answer, now=now)


async def recalled(database: Database, what: Call) -> Answer | None:
    async with database.read() as s:
        return await recall(s, what)


async def test_a_remembered_answer_comes_back_byte_for_byte(database, clock) -> None:
    assert await recalled(database, call()) is None
    await keep(database, call(), CREATED, clock.now())
    assert await recalled(database, call()) == CREATED


@pytest.mark.parametrize("other", [call(digest="b" * 64), call(route="POST /trades")])
async def test_the_same_key_with_another_call_is_refused(database, clock, other) -> None:
    await keep(database, call(), CREATED, clock.now())
    with pytest.raises(IdempotencyMismatch) as refused:
        await recalled(database, other)
    assert refused.value.code == "idempotency-key-reused"


async def test_keys_of_two_actors_do_not_meet(database, clock) -> None:
    await keep(database, call(), CREATED, clock.now())
    assert await recalled(database, call(actor="org_b")) is None


async def test_work_that_fails_is_not_remembered(database, clock) -> None:
    with pytest.raises(RuntimeError):
        async with database.write() as s:
            await remember(s, call(), CREATED, now=clock.now())
            raise RuntimeError("after")
    assert await recalled(database, call()) is None


async def test_a_second_answer_to_a_key_undoes_its_own_work(database, clock) -> None:
    await keep(database, call(), CREATED, clock.now())
    with pytest.raises(IdempotencyRace) as raced:
        async with database.write() as s:
            await enqueue(s, kind="work", key="second", run_at=clock.now(), payload={})
            await remember(s, call(), Answer(201, "application/json", b"other"), now=clock.now())
    assert raced.value.code == "idempotency-race"
    assert await recalled(database, call()) == CREATED
    async with database.read() as s:
        assert (await s.exec(select(JobRow))).all() == []


async def test_of_many_calls_at_once_one_does_the_work(database, clock) -> None:
    async def attempt(n: int) -> str:
        try:
            async with database.write() as s:
                if await recall(s, call()) is not None:
                    return "recalled"
                await enqueue(s, kind="work", key=f"{n}", run_at=clock.now(), payload={})
                await remember(s, call(), CREATED, now=clock.now())
        except IdempotencyRace:
            return "raced"
        return "did it"

    said = await asyncio.gather(*(attempt(n) for n in range(6)))
    assert said.count("did it") == 1
    async with database.read() as s:
        assert len((await s.exec(select(JobRow))).all()) == 1
        assert len((await s.exec(select(IdempotencyRow))).all()) == 1


async def test_old_answers_are_forgotten_and_their_keys_are_free(database, clock) -> None:
    await keep(database, call("old"), CREATED, clock.now())
    await keep(database, call("new"), CREATED, clock.now() + timedelta(days=2))
    async with database.write() as s:
        assert await forget(s, before=clock.now() + timedelta(days=1)) == 1
    assert await recalled(database, call("old")) is None
    assert await recalled(database, call("new")) == CREATED


@pytest.mark.parametrize("key", ["", "k" * 65, "with space", "tab\t", "line\n", "数据", "\x7f"])
def test_a_key_is_1_to_64_visible_ascii_characters(key) -> None:
    with pytest.raises(IdempotencyKeyMalformed):
        call(key)


@pytest.mark.parametrize("key", ["!", "~", "k" * 64, "8f14e45f-ceea-467f-9575-6f6f6f6f6f6f"])
def test_keys_of_the_right_form_are_taken(key) -> None:
    assert call(key).key == key
