"""The steps of the schema lead exactly to what the code declares, on both databases, and can be repeated."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, bindparam, inspect, text
from sqlmodel import SQLModel, select

from base.clock import SystemClock
from base.db import Database, UtcDateTime
from base.jobs import JobRow
from brokers.reporting import ANNUAL_JOB, report_due
from migrations.models import import_tables
from migrations.run import current, migrate, newest
from tests.databases import sqlite_url

OF_TESTS = "test_"  # tables that tests declare for themselves
TRIGGERS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT t.tgname, pg_get_triggerdef(t.oid) || p.prosrc "
        "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
    ),
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def empties(request, tmp_path: Path) -> AsyncIterator[list[Database]]:
    """Two databases without any table."""
    names = ["by_steps", "at_once"]
    if request.param == "sqlite":
        databases = [Database(sqlite_url(tmp_path / name)) for name in names]
    else:
        server = request.getfixturevalue("postgres")
        databases = [Database(await server.create(name)) for name in names]
    yield databases
    for name, database in zip(names, databases, strict=True):
        await database.dispose()
        if request.param == "postgresql":
            await server.drop(name)


def differences(connection: Connection) -> list[Any]:
    """What autogenerate would still write."""

    def ours(_item: object, name: str | None, kind: str, *_: object) -> bool:
        return not (kind == "table" and name is not None and name.startswith(OF_TESTS))

    options = {"compare_type": True, "include_object": ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), SQLModel.metadata))


def rules_of(connection: Connection) -> dict[str, object]:
    """Checks, uniqueness, references and triggers: autogenerate does not look at all of them."""
    seen = inspect(connection)
    tables = [name for name in seen.get_table_names() if not name.startswith(OF_TESTS)]

    def sorted_by_name(rows: list[Any]) -> list[Any]:
        for row in rows:  # a partial index carries its condition as an object
            row["dialect_options"] = {
                name: str(value) for name, value in row.get("dialect_options", {}).items()
            }
        return sorted(rows, key=lambda row: str(row.get("name")))

    found: dict[str, object] = {
        table: (
            sorted_by_name(seen.get_check_constraints(table)),
            sorted_by_name(seen.get_unique_constraints(table)),
            sorted_by_name(seen.get_foreign_keys(table)),
            sorted_by_name(seen.get_indexes(table)),
            seen.get_pk_constraint(table),
        )
        for table in tables
        if table != "alembic_version"
    }
    triggers = connection.execute(text(TRIGGERS[connection.dialect.name])).all()
    return found | {f"trigger {name}": " ".join(sql.split()) for name, sql in triggers}


async def test_the_steps_lead_to_what_the_code_declares(empties: list[Database]) -> None:
    """`alembic revision --autogenerate` writes the missing step; checks and triggers are written by hand."""
    by_steps, at_once = empties
    import_tables()
    assert await current(by_steps) is None
    await migrate(by_steps)
    assert await current(by_steps) == newest()
    async with by_steps.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        stepped = await connection.run_sync(rules_of)
    await at_once.create_schema()
    async with at_once.engine.connect() as connection:
        declared = await connection.run_sync(rules_of)
    assert stepped == declared
    assert [name for name in declared if name.startswith("trigger ")] != []


async def test_a_database_that_is_up_to_date_stays_as_it_is(empties: list[Database]) -> None:
    database = empties[0]
    await migrate(database)
    async with database.engine.connect() as connection:
        before = await connection.run_sync(rules_of)
    await migrate(database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(rules_of) == before
    assert await current(database) == newest()


async def test_who_was_certified_before_there_were_reports_is_asked_for_the_next_one(
    empties: list[Database],
) -> None:
    database, now = empties[0], SystemClock().now()
    await migrate(database, to="0004")
    moments = [bindparam(name, type_=UtcDateTime(timezone=True)) for name in ("at", "end")]
    said = {"at": datetime(2026, 1, 1, tzinfo=UTC), "end": now + timedelta(days=3 * 366), "no": False}
    async with database.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO identity_orgs (org_id, name, uscc, region, roles, is_ciio, status, admitted_at) "
                "VALUES ('org_1', 'x', '914400000000000000', '440000', 'BROKER', :no, 'ACTIVE', :at)"
            ).bindparams(moments[0]),
            {"at": said["at"], "no": False},
        )
        for cert_id, status in (("crt_1", "ACTIVE"), ("crt_2", "SUSPENDED"), ("crt_3", "REVOKED")):
            await connection.execute(
                text(
                    "INSERT INTO brokers_certificates (cert_id, cert_no, org_id, broker_type, grade, "
                    "sectors, max_level, cross_border, valid_from, valid_to, status) VALUES "
                    "(:cert_id, :cert_id, 'org_1', 'M', 2, '[]', 'general-2', :no, :at, :end, :status)"
                ).bindparams(*moments),
                {**said, "cert_id": cert_id, "status": status},
            )
    await migrate(database)
    async with database.read() as s:
        asked = (await s.exec(select(JobRow).where(JobRow.kind == ANNUAL_JOB).order_by(JobRow.key))).all()
    year = asked[0].payload["year"]
    assert report_due(year) > now
    assert year == 2026 or report_due(year - 1) < now  # the next one, and none that nobody could file
    assert [(row.key, row.payload["year"], row.run_at) for row in asked] == [
        (f"{cert_id} {year}", year, report_due(year) + timedelta(milliseconds=1))
        for cert_id in ("crt_1", "crt_2")
    ]
