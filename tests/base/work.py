"""Jobs to ask for, and the traces that handlers leave."""

from datetime import timedelta

from sqlmodel import select

from base.db import Database
from base.jobs import Job, JobRow, enqueue

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
