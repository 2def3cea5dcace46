"""A real process, killed with SIGKILL in the middle of a job: the next one does the work, once."""

import asyncio
import signal
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import select

from base.jobs import External, Job, JobRow, JobStatus, enqueue, run_due

ROOT = Path(__file__).resolve().parents[2]
RUNNER = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import datetime
    from base.db import Database
    from base.jobs import External, enqueue, run_due

    async def hangs(*_):
        print("reached", flush=True)
        await asyncio.Event().wait()

    async def works_then_hangs(s, job):
        await enqueue(s, kind="trace", key="half done", run_at=job.now, payload={})
        await s.flush()
        await hangs()

    handler = works_then_hangs if sys.argv[2] == "transactional" else External(hangs, hangs)
    asyncio.run(run_due(Database(sys.argv[1]), datetime.fromisoformat(sys.argv[3]), {"work": handler}))
    """
)


async def kill_a_runner(database, kind: str, now: datetime) -> None:
    runner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUNNER, database.url, kind, now.isoformat()),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert runner.stdout is not None
    assert await runner.stdout.readline() == b"reached\n"
    runner.kill()
    assert await runner.wait() == -signal.SIGKILL


async def jobs(database) -> dict[str, JobStatus]:
    async with database.write() as s:  # waits until the database has noticed that the runner is gone
        rows = (await s.exec(select(JobRow).with_for_update())).all()
        return {row.key: row.status for row in rows}


@pytest.mark.parametrize("kind", ["transactional", "external"])
async def test_a_killed_runner_loses_nothing_and_leaves_no_half_of_a_job(database, clock, kind) -> None:
    async with database.write() as s:
        await enqueue(s, kind="work", key="trd_1", run_at=clock.now(), payload={})
    await kill_a_runner(database, kind, clock.now())
    assert await jobs(database) == {"trd_1": JobStatus.QUEUED}

    done = []

    async def call(job: Job) -> None:
        done.append(job.key)

    async def finish(s, job: Job, result: None) -> None:
        done.append(f"finished {job.key}")

    async def works(s, job: Job) -> None:
        done.append(job.key)

    handlers = {"work": works if kind == "transactional" else External(call, finish)}
    later = clock.now().replace(minute=1)
    assert await run_due(database, later, handlers) == 1
    assert await run_due(database, later, handlers) == 0
    assert done == (["trd_1"] if kind == "transactional" else ["trd_1", "finished trd_1"])
    assert await jobs(database) == {"trd_1": JobStatus.DONE}
