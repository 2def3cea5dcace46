"""Durable work on both databases: once in effect, whatever happens to the runner."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from base.clock import SimulatedClock
from base.db import Database
from base.errors import Conflict
from base.jobs import (
    MAX_ATTEMPTS,
    Job,
    JobRow,
    JobStatus,
    cancel,
    dead_jobs,
    enqueue,
    next_due,
    run_due,
    schedule,
)
from tests.base.work import MINUTE, ask, leaves_a_trace, row, traces


async def test_a_due_job_runs_once_with_its_payload(database: Database, clock: SimulatedClock) -> None:
    seen = []

    async def handler(s, job: Job) -> None:
        seen.append((job.kind, job.key, job.payload, job.run_at, job.now, job.attempts))

    run_at = clock.now() + MINUTE
    assert await ask(database, run_at, amount="68000000")
    assert await run_due(database, clock.now(), {"work": handler}) == 0
    clock.advance(2 * MINUTE)
    assert await run_due(database, clock.now(), {"work": handler}) == 1
    assert await run_due(database, clock.now() + MINUTE, {"work": handler}) == 0
    assert seen == [("work", "trd_1", {"amount": "68000000"}, run_at, clock.now(), 1)]
    done = await row(database)
    assert (done.status, done.finished_at) == (JobStatus.DONE, clock.now())


async def test_asking_twice_is_asking_once_even_after_it_was_done(database, clock) -> None:
    assert await ask(database, clock.now(), first=True)
    assert not await ask(database, clock.now() + MINUTE, first=False)
    assert (await row(database)).payload == {"first": True}
    assert await run_due(database, clock.now(), {"work": leaves_a_trace()}) == 1
    assert not await ask(database, clock.now())
    assert (await row(database)).status == JobStatus.DONE
    assert await ask(database, clock.now(), key="trd_2"), "another key is another job"
    assert await ask(database, clock.now(), kind="other"), "and so is another kind"


async def test_a_cancelled_job_does_not_run_and_can_be_asked_for_again(database, clock) -> None:
    await ask(database, clock.now(), version=1)
    async with database.write() as s:
        assert await cancel(s, kind="work", key="trd_1", now=clock.now())
        assert not await cancel(s, kind="work", key="trd_1", now=clock.now())
        assert not await cancel(s, kind="work", key="nothing", now=clock.now())
    assert await run_due(database, clock.now(), {"work": leaves_a_trace()}) == 0
    assert await ask(database, clock.now() + MINUTE, version=2)
    assert await run_due(database, clock.now(), {"work": leaves_a_trace()}) == 0
    assert await run_due(database, clock.now() + MINUTE, {"work": leaves_a_trace()}) == 1
    assert (await row(database)).payload == {"version": 2}


async def test_a_scheduled_job_moves_while_it_is_queued_and_stays_done_once_it_was(database, clock) -> None:
    async def at(moment, version) -> bool:
        async with database.write() as s:
            return await schedule(s, kind="work", key="trd_1", run_at=moment, payload={"version": version})

    assert await at(clock.now(), 1)
    assert await at(clock.now() + MINUTE, 2)
    assert await run_due(database, clock.now(), {"work": leaves_a_trace()}) == 0
    assert await run_due(database, clock.now() + MINUTE, {"work": leaves_a_trace()}) == 1
    assert not await at(clock.now() + MINUTE, 3)
    assert ((await row(database)).status, (await row(database)).payload) == (JobStatus.DONE, {"version": 2})


async def test_a_job_asked_for_in_a_transaction_that_fails_was_never_asked_for(database, clock) -> None:
    with pytest.raises(Conflict):
        async with database.write() as s:
            await enqueue(s, kind="work", key="trd_1", run_at=clock.now(), payload={})
            raise Conflict("no")
    async with database.read() as s:
        assert (await s.exec(select(JobRow))).all() == []
        assert await next_due(s) is None


async def test_next_due_is_the_earliest_queued_job(database, clock) -> None:
    await ask(database, clock.now() + 3 * MINUTE, key="late")
    await ask(database, clock.now() + MINUTE, key="early")
    async with database.read() as s:
        assert await next_due(s) == clock.now() + MINUTE
    await run_due(database, clock.now() + MINUTE, {"work": leaves_a_trace()})
    async with database.write() as s:
        await cancel(s, kind="trace", key="trace", now=clock.now())
    async with database.read() as s:
        assert await next_due(s) == clock.now() + 3 * MINUTE


async def test_jobs_run_in_the_order_they_fall_due_and_only_where_there_is_a_handler(database, clock) -> None:
    order = []

    async def handler(s, job: Job) -> None:
        order.append(job.key)

    for key, minutes in (("third", 3), ("first", 1), ("second", 2)):
        await ask(database, clock.now() + minutes * MINUTE, key=key)
    await ask(database, clock.now(), kind="foreign")
    assert await run_due(database, clock.now() + 5 * MINUTE, {"work": handler}) == 3
    assert order == ["first", "second", "third"]
    assert (await row(database, kind="foreign")).status == JobStatus.QUEUED


async def test_a_failing_handler_leaves_no_effect_waits_longer_each_time_and_is_given_up(
    database, clock
) -> None:
    trace = leaves_a_trace()

    async def handler(s, job: Job) -> None:
        await trace(s, job)
        raise Conflict(f"attempt {job.attempts}")

    start = clock.now()
    await ask(database, start)
    waits = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert await run_due(database, clock.now(), {"work": handler}) == 0
        failed = await row(database)
        assert failed.attempts == attempt
        assert failed.last_error == f"wrong-state: attempt {attempt}"
        if failed.status == JobStatus.QUEUED:
            waits.append((failed.due_at - clock.now()).total_seconds())
            assert failed.run_at == start, "what was asked for is kept"
            clock.move_to(failed.due_at)
    assert waits == [5, 10, 20, 40, 80, 160, 320]
    assert failed.status == JobStatus.DEAD
    assert await traces(database) == []
    async with database.read() as s:
        assert [job.key for job in await dead_jobs(s)] == ["trd_1"]
        assert await next_due(s) is None


async def test_a_failing_job_does_not_hold_up_its_neighbours(database, clock) -> None:
    async def handler(s, job: Job) -> None:
        if job.key == "bad":
            raise RuntimeError("broken")

    await ask(database, clock.now(), key="bad")
    await ask(database, clock.now(), key="good")
    assert await run_due(database, clock.now(), {"work": handler}) == 1
    assert (await row(database, key="good")).status == JobStatus.DONE
    assert (await row(database, key="bad")).last_error == "RuntimeError: broken"


async def test_a_runner_killed_midway_leaves_the_job_untouched(database, clock) -> None:
    reached = asyncio.Event()
    trace = leaves_a_trace()

    async def hangs(s, job: Job) -> None:
        await trace(s, job)
        reached.set()
        await asyncio.Event().wait()

    await ask(database, clock.now())
    runner = asyncio.create_task(run_due(database, clock.now(), {"work": hangs}))
    await reached.wait()
    runner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await runner
    assert await traces(database) == []
    untouched = await row(database)
    assert (untouched.status, untouched.attempts) == (JobStatus.QUEUED, 0)
    assert await run_due(database, clock.now(), {"work": trace}) == 1
    assert await traces(database) == ["trace"]


async def test_two_runners_at_once_run_each_job_once(database, clock) -> None:
    ran = []

    async def handler(s, job: Job) -> None:
        ran.append(job.key)
        await enqueue(s, kind="trace", key=job.key, run_at=job.now, payload={})

    keys = [f"trd_{n:02}" for n in range(12)]
    for key in keys:
        await ask(database, clock.now(), key=key)
    handlers = {"work": handler}
    done = await asyncio.gather(*(run_due(database, clock.now(), handlers) for _ in range(3)))
    assert sum(done) == 12
    assert sorted(ran) == keys
    assert sorted(await traces(database)) == keys


async def test_a_second_runner_skips_what_the_first_holds(postgresql_database, clock) -> None:
    database = postgresql_database
    reached, release = asyncio.Event(), asyncio.Event()

    async def slow(s, job: Job) -> None:
        reached.set()
        await release.wait()

    async def quick(s, job: Job) -> None:
        assert job.key == "b"

    await ask(database, clock.now(), key="a")
    await ask(database, clock.now(), key="b")
    first = asyncio.create_task(run_due(database, clock.now(), {"work": slow}))
    await reached.wait()
    assert await run_due(database, clock.now(), {"work": quick}) == 1
    release.set()
    assert await first == 1


async def test_a_job_asked_for_again_has_all_its_attempts_before_it(database, clock) -> None:
    async def fails(s, job: Job) -> None:
        raise Conflict("no")

    await ask(database, clock.now())
    await run_due(database, clock.now(), {"work": fails})
    async with database.write() as s:
        await cancel(s, kind="work", key="trd_1", now=clock.now())
    await ask(database, clock.now())
    await run_due(database, clock.now(), {"work": fails})
    again = await row(database)
    assert (again.attempts, again.due_at - clock.now()) == (1, timedelta(seconds=5))
