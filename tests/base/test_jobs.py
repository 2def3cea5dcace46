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
    External,
    Job,
    JobRow,
    JobStatus,
    cancel,
    dead_jobs,
    enqueue,
    next_due,
    run_due,
)

MINUTE = timedelta(minutes=1)


async def ask(database: Database, at, key="trd_1", kind="work", **payload) -> bool:
    async with database.write() as s:
        return await enqueue(s, kind=kind, key=key, run_at=at, payload=payload)


async def row(database: Database, key="trd_1", kind="work") -> JobRow:
    async with database.read() as s:
        return (await s.exec(select(JobRow).where(JobRow.kind == kind, JobRow.key == key))).one()


def leaves_a_trace(key="trace"):
    """A handler whose effect is a row of its own: another job that nobody handles."""

    async def handler(s, job: Job) -> None:
        assert await enqueue(s, kind="trace", key=key, run_at=job.now, payload={"by": job.key})

    return handler


async def traces(database: Database) -> list[str]:
    async with database.read() as s:
        return list((await s.exec(select(JobRow.key).where(JobRow.kind == "trace"))).all())


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


class Bank:
    """A receiver that knows a message it has had before."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.failing = False

    async def call(self, job: Job) -> str:
        self.received.append(job.key)
        if self.failing:
            raise ConnectionError("no answer")
        return f"booked {job.key}"

    async def finish(self, s, job: Job, result: str) -> None:
        await enqueue(s, kind="trace", key=result, run_at=job.now, payload={})


async def test_a_call_runs_outside_any_transaction_and_its_result_is_kept_with_the_jobs_end(
    database, clock
) -> None:
    bank = Bank()

    async def call(job: Job) -> str:
        async with database.write() as s:  # would wait for ever if the runner held the writer's lock
            await enqueue(s, kind="trace", key="while calling", run_at=job.now, payload={})
        return await bank.call(job)

    await ask(database, clock.now())
    assert await run_due(database, clock.now(), {"work": External(call, bank.finish)}) == 1
    assert await traces(database) == ["booked trd_1", "while calling"]
    assert (await row(database)).status == JobStatus.DONE


async def test_a_call_that_fails_is_made_again_later(database, clock) -> None:
    bank = Bank()
    bank.failing = True
    handlers = {"work": External(bank.call, bank.finish)}
    await ask(database, clock.now())
    assert await run_due(database, clock.now(), handlers) == 0
    failed = await row(database)
    assert (failed.attempts, failed.last_error, failed.lease) == (1, "ConnectionError: no answer", None)
    bank.failing = False
    assert await run_due(database, clock.now(), handlers) == 0, "it waits first"
    assert await run_due(database, failed.due_at, handlers) == 1
    assert bank.received == ["trd_1", "trd_1"]
    assert await traces(database) == ["booked trd_1"]


async def test_a_call_that_hangs_is_stopped_when_its_lease_ends(database, clock) -> None:
    async def hangs(job: Job) -> None:
        await asyncio.Event().wait()

    await ask(database, clock.now())
    assert await run_due(database, clock.now(), {"work": External(hangs, Bank().finish, lease_s=0)}) == 0
    assert (await row(database)).last_error == "TimeoutError: "


async def test_a_runner_killed_during_its_call_keeps_the_lease_until_it_runs_out(database, clock) -> None:
    bank, reached = Bank(), asyncio.Event()

    async def hangs(job: Job) -> None:
        reached.set()
        await asyncio.Event().wait()

    await ask(database, clock.now())
    runner = asyncio.create_task(run_due(database, clock.now(), {"work": External(hangs, bank.finish)}))
    await reached.wait()
    runner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await runner
    handlers = {"work": External(bank.call, bank.finish)}
    assert await run_due(database, clock.now(), handlers) == 0
    async with database.read() as s:
        assert await next_due(s) == clock.now() + MINUTE
    assert await run_due(database, clock.now() + MINUTE, handlers) == 1
    assert (bank.received, await traces(database)) == (["trd_1"], ["booked trd_1"])


@pytest.mark.parametrize("late_call", ["answers", "fails"])
async def test_a_runner_whose_lease_ran_out_neither_finishes_nor_fails_the_job(
    database, clock, late_call
) -> None:
    bank, reached, release = Bank(), asyncio.Event(), asyncio.Event()

    async def slow(job: Job) -> str:
        reached.set()
        await release.wait()
        if late_call == "fails":
            raise ConnectionError("too late")
        return "late"

    await ask(database, clock.now())
    first = asyncio.create_task(run_due(database, clock.now(), {"work": External(slow, bank.finish)}))
    await reached.wait()
    assert await run_due(database, clock.now() + MINUTE, {"work": External(bank.call, bank.finish)}) == 1
    release.set()
    assert await first == 0
    assert await traces(database) == ["booked trd_1"]
    done = await row(database)
    assert (done.status, done.last_error) == (JobStatus.DONE, None)


async def test_a_call_cancelled_while_it_is_out_is_not_finished(database, clock) -> None:
    bank = Bank()

    async def call(job: Job) -> str:
        async with database.write() as s:
            assert await cancel(s, kind="work", key=job.key, now=job.now)
        return "too late"

    await ask(database, clock.now())
    assert await run_due(database, clock.now(), {"work": External(call, bank.finish)}) == 0
    assert await traces(database) == []
    assert (await row(database)).status == JobStatus.CANCELLED


async def test_a_finish_that_fails_undoes_the_end_of_the_job(database, clock) -> None:
    bank = Bank()

    async def finish(s, job: Job, result: str) -> None:
        await bank.finish(s, job, result)
        raise Conflict("overtaken")

    await ask(database, clock.now())
    assert await run_due(database, clock.now(), {"work": External(bank.call, finish)}) == 0
    assert await traces(database) == []
    failed = await row(database)
    assert (failed.status, failed.last_error) == (JobStatus.QUEUED, "wrong-state: overtaken")
