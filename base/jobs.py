"""Durable work: what falls due later survives a restart and takes effect once.

A job is a row, named by its kind and key, written in the transaction that decided it. A runner claims
one due job at a time (SKIP LOCKED on PostgreSQL, BEGIN IMMEDIATE on SQLite). An ordinary handler runs in
the very transaction that marks the job done, so a killed process leaves it either done or untouched.
A handler that calls out (`External`) must not hold a transaction while it waits: it runs under a lease,
and a lease that runs out is taken up again, so the receiver must know a message it has had before.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from types import ModuleType
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Insert,
    Integer,
    Text,
    Update,
    bindparam,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel, col, select, update

from base.db import Database, ReadSession, RowSession, UtcDateTime, WriteSession, text_enum
from base.errors import DomainError
from base.rows import Insert as InsertRows
from base.rows import write_rows

MAX_ATTEMPTS: Final = 8
_FIRST_BACKOFF_S: Final = 5
_LONGEST_BACKOFF_S: Final = 3600
_ERROR_CHARS: Final = 500


class JobStatus(StrEnum):
    """DEAD is a job that failed MAX_ATTEMPTS times: its last error is kept for a person to read."""

    QUEUED = "QUEUED"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    DEAD = "DEAD"


class JobRow(SQLModel, table=True):
    """A job. `run_at` is when it was asked for, `due_at` when it is next tried or its lease ends."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_status_due_at", "status", "due_at"),
        CheckConstraint("attempts >= 0", name="attempts"),
    )

    kind: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    payload: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    status: JobStatus = Field(sa_column=Column(text_enum(JobStatus), nullable=False))
    run_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    lease: str | None = Field(default=None, sa_column=Column(Text))
    last_error: str | None = Field(default=None, sa_column=Column(Text))
    finished_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


@dataclass(frozen=True, slots=True)
class Job:
    """What a handler is given. `run_at` is the time that was asked for, `now` the runner's."""

    kind: str
    key: str
    payload: Mapping[str, Any]
    run_at: datetime
    now: datetime
    attempts: int


_ONCE: Final = InsertRows(
    JobRow, "kind", "key", "payload", "status", "run_at", "due_at", "attempts", once=("kind", "key")
)
Transactional: TypeAlias = Callable[[WriteSession, Job], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class External:
    """Work outside the database: `call` without a transaction, then `finish` in the one that ends the job.

    `call` is stopped when its lease of `lease_s` real seconds is over, and may be made again.
    """

    call: Callable[[Job], Awaitable[Any]]
    finish: Callable[[WriteSession, Job, Any], Awaitable[None]]
    lease_s: int = 60


Handlers: TypeAlias = Mapping[str, Transactional | External]


async def enqueue(
    s: WriteSession, *, kind: str, key: str, run_at: datetime, payload: Mapping[str, Any]
) -> bool:
    """Ask for a job in the caller's transaction; returns whether this call made it.

    The same kind and key asked twice is one job: what is queued, done or dead stays as it is. A
    cancelled job is taken up again with the new time and payload.
    """
    return await _ask_for(_ENQUEUE, s, kind=kind, key=key, run_at=run_at, payload=dict(payload))


async def schedule(
    s: WriteSession, *, kind: str, key: str, run_at: datetime, payload: Mapping[str, Any]
) -> bool:
    """`enqueue`, where a job that is still queued moves to the new time; returns whether it is queued now."""
    return await _ask_for(_SCHEDULE, s, kind=kind, key=key, run_at=run_at, payload=dict(payload))


async def enqueue_together(
    s: RowSession, *, kind: str, jobs: Sequence[tuple[str, datetime, Mapping[str, Any]]]
) -> None:
    """`enqueue` for many (key, time, payload) of a kind that is never called off: what there is stays."""
    in_order = sorted(jobs, key=itemgetter(0))
    rows = [(kind, key, dict(payload), JobStatus.QUEUED, at, at, 0) for key, at, payload in in_order]
    await write_rows(s, _ONCE, rows)


async def cancel(s: WriteSession, *, kind: str, key: str, now: datetime) -> bool:
    """Call off a queued job; returns whether there was one. A lease that is out no longer counts."""
    gone = await (await s.connection()).execute(
        _END, {"of_kind": kind, "of_key": key, "how": JobStatus.CANCELLED, "at": now}
    )
    return bool(gone.rowcount)


async def next_due(s: ReadSession) -> datetime | None:
    """When the next queued job falls due (or its lease ends); None when nothing is queued."""
    query = select(func.min(JobRow.due_at)).where(JobRow.status == JobStatus.QUEUED)
    return (await s.exec(query)).one()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the runners are: what is due and not done, since when, what has failed, what was given up."""

    due: int
    since: datetime | None
    failing: int
    dead: int


async def backlog(s: ReadSession, *, now: datetime) -> Backlog:
    """What waits at `now`. A job that is tried again later is failing, and not due before then."""
    queued = col(JobRow.status) == JobStatus.QUEUED
    waiting = select(func.count(), func.min(JobRow.due_at)).select_from(JobRow)
    due, since = (await s.exec(waiting.where(queued, col(JobRow.due_at) <= now))).one()
    failing = select(func.count()).select_from(JobRow).where(queued, col(JobRow.last_error).is_not(None))
    dead = select(func.count()).select_from(JobRow).where(JobRow.status == JobStatus.DEAD)
    return Backlog(due, since, (await s.exec(failing)).one(), (await s.exec(dead)).one())


async def dead_jobs(s: ReadSession, *, limit: int = 100) -> Sequence[JobRow]:
    """Jobs that were given up, the latest first, for the operator."""
    query = select(JobRow).where(JobRow.status == JobStatus.DEAD)
    return (await s.exec(query.order_by(col(JobRow.finished_at).desc()).limit(limit))).all()


async def take_up_again(s: WriteSession, *, kind: str, key: str, now: datetime) -> JobRow | None:
    """Queue a job that was given up, due at once and with all its attempts; None where none was.

    Its last error is kept until it is done. Of two who ask at once one finds it.
    """
    named = (col(JobRow.kind) == kind, col(JobRow.key) == key)
    fresh = {"status": JobStatus.QUEUED, "due_at": now, "attempts": 0, "lease": None, "finished_at": None}
    query = update(JobRow).where(*named, col(JobRow.status) == JobStatus.DEAD).values(**fresh)
    if (await s.exec(query)).rowcount != 1:
        return None
    return (await s.exec(select(JobRow).where(*named), execution_options={"populate_existing": True})).one()


async def run_due(database: Database, now: datetime, handlers: Handlers) -> int:
    """Run every job that is due at `now` and has a handler, earliest first; returns how many were done.

    A handler that raises is rolled back and tried again later, and given up after MAX_ATTEMPTS. One
    that finds its work overtaken returns without doing anything: that is success.
    """
    done = 0
    while (step := await _run_next(database, now, handlers)) is not None:
        done += step
    return done


async def _run_next(database: Database, now: datetime, handlers: Handlers) -> int | None:
    """Run one due job: 1 done, 0 failed or lost to another runner, None when nothing is due."""
    job = None
    try:
        async with database.write() as s:
            job = await _claim(s, now, tuple(handlers))
            if job is None:
                return None
            handler = handlers[job.kind]
            if isinstance(handler, External):
                lease = await _take_lease(s, job, handler.lease_s)
            else:
                await handler(s, job)
                await _finish(s, job)
                return 1
    except Exception as error:
        if job is None:
            raise
        await _fail(database, job, error, col(JobRow.attempts) == job.attempts - 1)
        return 0
    return await _call_out(database, job, handler, lease)


async def _call_out(database: Database, job: Job, handler: External, lease: str) -> int:
    held = col(JobRow.lease) == lease
    try:
        async with asyncio.timeout(handler.lease_s):
            result = await handler.call(job)
        async with database.write() as s:
            if not await _finish(s, job, lease):
                return 0  # the lease ran out and another runner has the job, or it was cancelled
            await handler.finish(s, job, result)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is the job's failure
        await _fail(database, job, error, held)
        return 0
    return 1


_NEXT: Final = (
    select(JobRow)
    .where(
        JobRow.status == JobStatus.QUEUED,
        col(JobRow.due_at) <= bindparam("now"),
        col(JobRow.kind).in_(bindparam("kinds", expanding=True)),
    )
    .order_by(col(JobRow.due_at), col(JobRow.run_at), col(JobRow.kind), col(JobRow.key))
    .limit(1)
    .with_for_update(skip_locked=True)
)


async def _claim(s: WriteSession, now: datetime, kinds: Sequence[str]) -> Job | None:
    row = (await s.exec(_NEXT, params={"now": now, "kinds": list(kinds)})).first()
    if row is None:
        return None
    s.expunge(row)  # the row moves by UPDATE alone
    return Job(row.kind, row.key, row.payload, row.run_at, now, row.attempts + 1)


async def _take_lease(s: WriteSession, job: Job, lease_s: int) -> str:
    """An external attempt counts when it starts: a call that kills its process is an attempt too."""
    lease = secrets.token_hex(16)
    ends_at = job.now + timedelta(seconds=lease_s)
    await s.exec(_queued(job).values(lease=lease, due_at=ends_at, attempts=job.attempts))
    return lease


def _upsert(dialect: ModuleType, *taken_up: JobStatus) -> Insert:
    """A job, or the one of its name if it is in one of these states, as if asked for now."""
    statement = dialect.insert(JobRow)
    fresh = {name: statement.excluded[name] for name in ("payload", "status", "run_at", "due_at", "attempts")}
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=["kind", "key"],
        set_={**fresh, "lease": None, "finished_at": None},
        where=col(JobRow.status).in_(taken_up),
    )
    return upsert


_DIALECTS: Final = {"sqlite": sqlite, "postgresql": postgresql}
_ENQUEUE: Final = {name: _upsert(kind, JobStatus.CANCELLED) for name, kind in _DIALECTS.items()}
_SCHEDULE: Final = {
    name: _upsert(kind, JobStatus.CANCELLED, JobStatus.QUEUED) for name, kind in _DIALECTS.items()
}


async def _ask_for(how: Mapping[str, Insert], s: WriteSession, **job: Any) -> bool:
    fresh = {"status": JobStatus.QUEUED, "due_at": job["run_at"], "attempts": 0}
    connection = await s.connection()
    made = await connection.execute(how[connection.dialect.name], job | fresh)
    return bool(made.rowcount)


def _queued(job: Job) -> Update:
    return update(JobRow).where(
        col(JobRow.kind) == job.kind, col(JobRow.key) == job.key, col(JobRow.status) == JobStatus.QUEUED
    )


_END: Final = (
    update(JobRow)
    .where(
        col(JobRow.kind) == bindparam("of_kind"),
        col(JobRow.key) == bindparam("of_key"),
        col(JobRow.status) == JobStatus.QUEUED,
    )
    .values(status=bindparam("how"), lease=None, finished_at=bindparam("at"))
)
_END_HELD: Final = _END.where(col(JobRow.lease) == bindparam("held"))


async def _finish(s: WriteSession, job: Job, lease: str | None = None) -> bool:
    """Mark a job done, and with a lease only while it is held; returns whether it was."""
    facts = {"of_kind": job.kind, "of_key": job.key, "how": JobStatus.DONE, "at": job.now}
    done = await (await s.connection()).execute(
        _END if lease is None else _END_HELD, facts if lease is None else facts | {"held": lease}
    )
    return bool(done.rowcount)


async def _fail(database: Database, job: Job, error: Exception, still_ours: ColumnElement[bool]) -> None:
    """Count the failure, unless another runner has taken the job up in the meantime."""
    name = error.code if isinstance(error, DomainError) else type(error).__name__
    values: dict[str, Any] = {
        "attempts": job.attempts,
        "lease": None,
        "last_error": f"{name}: {error}"[:_ERROR_CHARS],
    }
    if job.attempts >= MAX_ATTEMPTS:
        values |= {"status": JobStatus.DEAD, "finished_at": job.now}
    else:
        wait_s = min(_FIRST_BACKOFF_S * 2 ** (job.attempts - 1), _LONGEST_BACKOFF_S)
        values["due_at"] = job.now + timedelta(seconds=wait_s)
    async with database.write() as s:
        await s.exec(_queued(job).where(still_ours).values(**values))
