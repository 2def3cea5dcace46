"""The jobs of a node run in lanes: a bank that hangs keeps no deadline waiting."""

import asyncio
from datetime import timedelta

from base.jobs import External, Job, JobStatus, backlog, run_due
from market.settlement.instructing import SEND_JOB
from tests.base.work import ask, leaves_a_trace, row, traces
from tests.web.nodes import Served
from web.node import LANES


async def test_every_kind_of_job_runs_in_one_lane(served: Served) -> None:
    kinds = served.node.handlers.keys()
    apart = [kind for lane in LANES.values() for kind in lane]
    assert len(apart) == len(set(apart))
    assert set(apart) <= kinds
    assert SEND_JOB in apart


async def test_a_bank_that_hangs_keeps_no_deadline_waiting(database, clock) -> None:
    answers = asyncio.Event()

    async def hangs(job: Job) -> None:
        await answers.wait()

    async def finish(s, job: Job, result: None) -> None:
        pass

    await ask(database, clock.now() - timedelta(hours=1), kind="bank", key="first")
    await ask(database, clock.now(), kind="deadline", key="second")
    bank = asyncio.create_task(run_due(database, clock.now(), {"bank": External(hangs, finish)}))
    assert await run_due(database, clock.now(), {"deadline": leaves_a_trace()}) == 1
    assert await traces(database) == ["trace"]
    assert not bank.done()
    answers.set()
    assert await bank == 1
    assert (await row(database, "first", "bank")).status is JobStatus.DONE


async def test_what_waits_and_what_was_given_up_is_counted(database, clock) -> None:
    async def fails(s, job: Job) -> None:
        raise RuntimeError("no")

    await ask(database, clock.now() - timedelta(hours=1), key="poison")
    await ask(database, clock.now(), kind="foreign", key="unheard of")
    await ask(database, clock.now() + timedelta(days=1), key="later")
    async with database.read() as s:
        seen = await backlog(s, now=clock.now())
    assert (seen.due, seen.since, seen.failing, seen.dead) == (2, clock.now() - timedelta(hours=1), 0, 0)
    await run_due(database, clock.now(), {"work": fails})
    async with database.read() as s:
        seen = await backlog(s, now=clock.now())
    assert (seen.due, seen.since, seen.failing, seen.dead) == (1, clock.now(), 1, 0)
    for _ in range(8):
        clock.advance(timedelta(hours=2))
        await run_due(database, clock.now(), {"work": fails})
    async with database.read() as s:
        seen = await backlog(s, now=clock.now())
    assert (seen.failing, seen.dead) == (0, 1)
