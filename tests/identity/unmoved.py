"""Proof that nothing moved: every row of every table, before and after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from base.db import Database
from base.errors import DomainError, Refusal
from base.signing import parse_envelope

LEDGER = frozenset({"ledger_statements", "ledger_pending", "ledger_openings", "ledger_refusals"})
COUNTED = "identity_failed_sign_ins"
"""Failed sign-ins are counted, also of logins that nobody has: that is no trace of what was tried."""
Rows = dict[str, list[tuple[Any, ...]]]


async def all_rows(database: Database) -> Rows:
    """Everything that is stored, table by table, but the counts of failed sign-ins."""
    async with database.engine.connect() as connection:
        found = {}
        for table in SQLModel.metadata.sorted_tables:
            if table.name != COUNTED:
                rows = await connection.execute(select(table))
                found[table.name] = sorted((tuple(row) for row in rows), key=repr)
        await connection.rollback()
        return found


async def statements(database: Database, event: str | None = None) -> list[dict[str, Any]]:
    """The payloads that were recorded, in order, each with its envelope's keyids under `signers`."""
    table = SQLModel.metadata.tables["ledger_statements"]
    async with database.engine.connect() as connection:
        rows = await connection.execute(select(table.c.envelope, table.c.event).order_by(table.c.id))
        found = []
        for raw, name in rows:
            envelope = parse_envelope(orjson.loads(raw))
            if event is None or name == event:
                payload = orjson.loads(envelope.payload)
                found.append({**payload, "signers": [signature.keyid for signature in envelope.signatures]})
        await connection.rollback()
        return found


@asynccontextmanager
async def nothing_moved(
    database: Database, kind: type[DomainError]
) -> AsyncIterator[pytest.ExceptionInfo[DomainError]]:
    """The block raises exactly this kind of error, and not one stored byte is another."""
    before = await all_rows(database)
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    assert await all_rows(database) == before


@asynccontextmanager
async def refused(
    database: Database, kind: type[Refusal]
) -> AsyncIterator[pytest.ExceptionInfo[DomainError]]:
    """The block is refused with this kind; one REF.REFUSE says so, and nothing else is stored.

    The same refusal again within the hour is only counted.
    """
    before = await all_rows(database)
    said, counted = len(await statements(database)), await _refusals(database)
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    after = await all_rows(database)
    assert {name: rows for name, rows in after.items() if name not in LEDGER} == {
        name: rows for name, rows in before.items() if name not in LEDGER
    }
    now_said = await statements(database)
    news = [(new["predicate"]["event"], new["predicate"]["code"]) for new in now_said[said:]]
    assert await _refusals(database) == counted + 1
    assert news == [("REF.REFUSE", kind.code)] or (not news and _was_refused(now_said, kind.code))


async def _refusals(database: Database) -> int:
    table = SQLModel.metadata.tables["ledger_refusals"]
    async with database.engine.connect() as connection:
        times = (await connection.execute(select(table.c.times))).scalars().all()
        await connection.rollback()
        return sum(times)


def _was_refused(said: list[dict[str, Any]], code: str) -> bool:
    return any(statement["predicate"].get("code") == code for statement in said)
