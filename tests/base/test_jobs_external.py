"""Work that calls out: under a lease, without a transaction, and once in effect."""

import asyncio

import pytest

from base.errors import Conflict
from base.jobs import (
    External,
    Job,
    JobStatus,
    cancel,
    enqueue,
    next_due,
    run_due,
)
from tests.base.work import MINUTE, ask, row, traces


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


@pytest.mark.parametrize("late_call", ["answers", "fails"])
async def test_a_runner_whose_lease_ran_out_does_not_touch_the_lease_of_the_next(
    database, clock, late_call
) -> None:
    bank = Bank()
    reached, release = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]

    def slow(number: int) -> External:
        async def call(job: Job) -> str:
            reached[number].set()
            await release[number].wait()
            if number == 0 and late_call == "fails":
                raise ConnectionError("too late")
            return f"runner {number}"

        return External(call, bank.finish)

    await ask(database, clock.now())
    first = asyncio.create_task(run_due(database, clock.now(), {"work": slow(0)}))
    await reached[0].wait()
    second = asyncio.create_task(run_due(database, clock.now() + MINUTE, {"work": slow(1)}))
    await reached[1].wait()
    leased = await row(database)
    release[0].set()
    assert await first == 0
    assert await row(database) == leased, "the first runner changes nothing any more"
    release[1].set()
    assert await second == 1
    assert await traces(database) == ["runner 1"]


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
