"""Sets of rows: written and read as the ORM would, together, on both databases."""

from datetime import UTC, datetime
from typing import Any

import pytest
from asyncpg import ForeignKeyViolationError
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from base.clock import SHANGHAI, stored_moment
from base.db import Database, UtcDateTime
from base.jobs import JobRow, JobStatus, enqueue, enqueue_together
from base.rows import Copy, Insert, NewIds, Plan, RowsMissed, Select, Update, read_rows, write_rows
from ledger.tables import PostingRow, StatementRow
from market.settlement.tables import BankMessage, BankMovement, Instruction, InstructionState
from migrations.models import import_tables
from tests.ledger.seeds import statement

import_tables()
AT = datetime(2026, 11, 22, 3, 4, 5, 678000, tzinfo=UTC)
KEEP = Insert(BankMessage, "message_id", "payload_sha256", "envelope", "outcome", "received_at")
NOTE = Insert(
    BankMovement, "entry_id", "message_id", "trade_id", "end_to_end_id", "signed_minor", "booked_on"
)
LEG = Insert(PostingRow, "batch_id", "account", "amount_minor", "currency", "booked")
SAID = Insert(
    StatementRow,
    *("id", "statement_id", "envelope_sha256", "event", "object_id", "org_id", "occurred_at", "envelope"),
    "opening_sha256",
)
READ = Select(BankMessage, "message_id", "outcome", "received_at", "envelope", key="message_id")
MOVED = Select(BankMovement, "entry_id", "signed_minor", "booked_on", key="message_id")


def message(number: int, **outcome: Any) -> tuple[Any, ...]:
    return (f"ntf_{number}", "0" * 64, b"\x00\xff" + bytes([number]), outcome, AT)


def movement(number: int, of: int) -> tuple[Any, ...]:
    return (f"pay_{number}", f"ntf_{of}", "trd_1", f"trd_1/{number}", -(2**53) - number, AT.date())


async def test_what_is_written_as_a_set_is_what_the_orm_reads_and_reads_back_alike(
    database: Database,
) -> None:
    async with database.write() as s:
        plan = Plan()
        plan.add(KEEP, [message(n, 词="一", n=n) for n in range(3)])
        plan.add(NOTE, [movement(n, of=n % 2) for n in range(5)])
        plan.add(NOTE, [])
        await plan.carry_out(s)
        await plan.carry_out(s)  # it is empty now
    async with database.read() as s:
        rows = (await s.exec(select(BankMessage).order_by(col(BankMessage.message_id)))).all()
        assert [(row.message_id, row.outcome, row.received_at) for row in rows] == [
            (f"ntf_{n}", {"词": "一", "n": n}, AT) for n in range(3)
        ]
        assert [row.envelope for row in rows] == [b"\x00\xff" + bytes([n]) for n in range(3)]
        messages, moved = await read_rows(s, {READ: ["ntf_2", "ntf_0", "ntf_9"], MOVED: ["ntf_1"]})
        assert [tuple(row)[:3] for row in messages] == [
            ("ntf_0", {"词": "一", "n": 0}, AT),
            ("ntf_2", {"词": "一", "n": 2}, AT),
        ]
        assert [tuple(row) for row in moved] == [
            ("pay_1", -(2**53) - 1, AT.date()),
            ("pay_3", -(2**53) - 3, AT.date()),
        ]
        assert await read_rows(s, {READ: [], MOVED: ["ntf_8"]}) == [[], []]


@given(st.none() | st.datetimes(timezones=st.sampled_from([UTC, SHANGHAI])))
def test_a_moment_is_stored_on_sqlite_as_the_column_s_own_type_writes_it(at: datetime | None) -> None:
    dialect = sqlite.dialect()  # type: ignore[no-untyped-call]
    assume(at is None or at.year > 1)
    assert stored_moment(at) == UtcDateTime().dialect_impl(dialect).bind_processor(dialect)(at)


async def test_texts_come_apart_as_they_were_put_together(database: Database) -> None:
    told = ["", "NULL", '{",}\\', "词\n\t", None, None, "trd_1"]
    rows = [(n, f"sta {n}", f"{n}", "TST.NOTE", "", "", AT, b"", of) for n, of in enumerate(told, start=1)]
    async with database.write() as s:
        await write_rows(s, SAID, rows)
        await write_rows(s, SAID, [(9, "sta 9", "9", "TST.NOTE", "o", "o", AT, b"", None)])
    async with database.read() as s:
        found = (await s.exec(select(StatementRow).order_by(col(StatementRow.id)))).all()
    assert [(one.statement_id, one.opening_sha256, one.object_id) for one in found] == [
        *[(f"sta {n}", of, "") for n, of in enumerate(told, start=1)],
        ("sta 9", None, "o"),
    ]


@pytest.mark.parametrize("texts", [["a\x1fb"], ["a", "\x1e"], ["\x1e", None], ["a\x1eb", "c"], [""]])
async def test_texts_that_would_not_come_apart_are_refused(
    postgresql_database: Database, texts: list[str | None]
) -> None:
    rows = [(f"pay_{n}", "ntf", of, "e", 1, AT.date()) for n, of in enumerate(texts)]
    with pytest.raises(ValueError, match="among others"):
        async with postgresql_database.write() as s:
            await write_rows(s, NOTE, rows)


async def test_a_plan_that_breaks_leaves_nothing_of_it(database: Database) -> None:
    with pytest.raises(Exception, match=r"UNIQUE|unique"):
        async with database.write() as s:
            plan = Plan()
            plan.add(KEEP, [message(1)])
            plan.add(NOTE, [movement(1, of=1), movement(1, of=1)])
            await plan.carry_out(s)
    async with database.read() as s:
        assert (await s.exec(select(BankMessage))).all() == []


QUEUED, DONE, DEAD = JobStatus.QUEUED, JobStatus.DONE, JobStatus.DEAD
JOBS = Insert(JobRow, "kind", "key", "payload", "status", "run_at", "due_at", "attempts")
END = Update(JobRow, "status", "finished_at", key="key", expected="status")
UPSERT = Insert(
    JobRow,
    *("kind", "key", "payload", "status", "run_at", "due_at", "attempts"),
    over=("kind", "key"),
    when="jobs.status = 'QUEUED'",
)
AGAIN = Copy(
    JobRow,
    *("key", "attempts"),
    key="key",
    kept=("kind", "payload", "status", "run_at", "due_at"),
    when="t.status = 'QUEUED'",
)


def job(key: str, attempts: int) -> tuple[Any, ...]:
    return ("test", key, {}, QUEUED, AT, AT, attempts)


@pytest.fixture
async def jobs(database: Database) -> Database:
    async with database.write() as s:
        await write_rows(s, JOBS, [job(key, 1) for key in "abc"])
    return database


async def states(database: Database) -> dict[str, tuple[JobStatus, int]]:
    async with database.read() as s:
        return {row.key: (row.status, row.attempts) for row in (await s.exec(select(JobRow))).all()}


async def test_an_update_moves_what_is_as_expected_and_misses_what_has_moved_on(jobs: Database) -> None:
    async with jobs.write() as s:
        await write_rows(s, END, [("a", QUEUED, DONE, AT)], each=True)
    with pytest.raises(RowsMissed):
        async with jobs.write() as s:
            await write_rows(s, END, [("a", QUEUED, DEAD, AT), ("b", QUEUED, DEAD, AT)], each=True)
    assert await states(jobs) == {"a": (DONE, 1), "b": (QUEUED, 1), "c": (QUEUED, 1)}
    async with jobs.write() as s:
        await write_rows(s, END, [("a", QUEUED, DEAD, AT), ("b", QUEUED, DEAD, None)])
    assert await states(jobs) == {"a": (DONE, 1), "b": (DEAD, 1), "c": (QUEUED, 1)}


async def test_an_upsert_changes_those_for_which_its_condition_holds(jobs: Database) -> None:
    async with jobs.write() as s:
        await write_rows(s, END, [("a", QUEUED, DONE, AT)])
        await write_rows(s, UPSERT, [job("a", 2), job("b", 3), job("d", 4)])
    assert await states(jobs) == {"a": (DONE, 1), "b": (QUEUED, 3), "c": (QUEUED, 1), "d": (QUEUED, 4)}


async def test_a_copy_keeps_what_it_is_told_to_and_misses_what_is_not_as_it_should_be(jobs: Database) -> None:
    async with jobs.write() as s:
        await write_rows(s, AGAIN, [("a", "a2", 7), ("b", "b2", 8)], each=True)
        await write_rows(s, END, [("c", QUEUED, DONE, AT)])
    found = await states(jobs)
    assert (found["a2"], found["b2"]) == ((QUEUED, 7), (QUEUED, 8))
    for missed in ("c", "z"):
        with pytest.raises(RowsMissed):
            async with jobs.write() as s:
                await write_rows(s, AGAIN, [("a", "a3", 9), (missed, "x3", 9)], each=True)
    assert await states(jobs) == found


async def test_a_value_that_the_column_does_not_take_is_refused(jobs: Database) -> None:
    with pytest.raises(Exception, match=r"CHECK|check|GREEN"):
        async with jobs.write() as s:
            await write_rows(s, JOBS, [("test", "e", {}, "GREEN", AT, AT, 0)])
    with pytest.raises(ValueError, match="naive"):
        async with jobs.write() as s:
            await write_rows(s, END, [("a", QUEUED, DONE, AT.replace(tzinfo=None))])


async def test_new_numbers_rise_and_are_those_that_the_table_counts_on_from(database: Database) -> None:
    async with database.write() as s:
        await statement(s, "sta_before")
        (numbers,) = await read_rows(s, {NewIds(StatementRow): 3})
        ids = [number for (number,) in numbers]
        rows = [(number, f"sta_{number}", f"{number:064}", AT, b"{}") for number in ids]
        names = ("id", "statement_id", "envelope_sha256", "occurred_at", "envelope")
        more = [(*row, "TST.NOTE", "obj_1", "org_1") for row in rows]
        await write_rows(s, Insert(StatementRow, *names, "event", "object_id", "org_id"), more)
        await statement(s, "sta_after")
    async with database.read() as s:
        found = dict((await s.exec(select(StatementRow.statement_id, StatementRow.id))).all())
    assert ids == sorted(set(ids))
    assert found["sta_before"] < ids[0]
    assert ids[-1] < found["sta_after"]


async def test_a_transaction_of_rows_is_committed_or_taken_back_and_the_next_one_begins(
    database: Database,
) -> None:
    async with database.write_rows() as s:
        await write_rows(s, KEEP, [message(1)])
    with pytest.raises(RowsMissed):
        async with database.write_rows() as s:
            await write_rows(s, KEEP, [message(2)])
            await write_rows(s, END, [("none", QUEUED, DONE, AT)], each=True)
    written = False
    with pytest.raises((DBAPIError, ForeignKeyViolationError)):  # nobody stated it, nobody closed it
        async with database.write_rows() as s:
            await write_rows(s, LEG, [("bat_1", "bank:escrow", 0, "CNY", True)])
            written = True
    assert written == (database.dialect == "sqlite")  # there it is seen at the commit
    async with database.write_rows() as s:
        assert [row[0] for row in (await read_rows(s, {READ: ["ntf_1", "ntf_2"]}))[0]] == ["ntf_1"]
        await write_rows(s, KEEP, [message(3)])
        (found,) = await read_rows(s, {NewIds(StatementRow): 2})
        assert [number for (number,) in found] == sorted({number for (number,) in found})
    async with database.read() as s:
        kept = (await s.exec(select(BankMessage.message_id).order_by(col(BankMessage.message_id)))).all()
        assert list(kept) == ["ntf_1", "ntf_3"]


async def test_a_connection_that_died_between_two_transactions_of_rows_is_made_again(
    postgresql_database: Database,
) -> None:
    database = postgresql_database
    async with database.write_rows() as s:
        (pid,) = await s.driver.fetchrow("SELECT pg_backend_pid()")
    async with database.write() as killer:
        await (await killer.connection()).execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    async with database.write_rows() as s:
        await write_rows(s, KEEP, [message(1)])
    async with database.read() as s:
        assert (await s.exec(select(BankMessage.message_id))).all() == ["ntf_1"]


async def test_jobs_asked_for_together_are_those_that_enqueue_would_make(database: Database) -> None:
    async with database.write() as s:
        await enqueue(s, kind="test", key="enqueued", run_at=AT, payload={"n": 1})
    for n in (1, 2):  # what is queued stays as it is
        async with database.write_rows() as rows:
            jobs = [(key, AT, {"n": n}) for key in ("together", "enqueued")]
            await enqueue_together(rows, kind="test", jobs=jobs)
    async with database.read() as s:
        found = {row.key: row for row in (await s.exec(select(JobRow))).all()}
    assert {key: row.payload for key, row in found.items()} == {"together": {"n": 1}, "enqueued": {"n": 1}}
    for row in found.values():
        assert (row.status, row.run_at, row.due_at, row.attempts) == (QUEUED, AT, AT, 0)
        assert row.finished_at is None


async def test_an_instruction_s_state_reads_as_its_own_kind(database: Database) -> None:
    asked = Select(Instruction, "message_id", "status", "payouts", key="message_id", lock="FOR UPDATE")
    async with database.write() as s:
        assert await read_rows(s, {asked: ["ins_none"]}) == [[]]
        impl = asked.changes((await s.connection()).dialect)[1]
    assert impl is not None
    assert impl("PAID") is InstructionState.PAID
