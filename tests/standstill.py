"""Proof that a refusal moved nothing, by a quick fingerprint of every table.

`refused` is for acts that go through `perform`: after them one REF.REFUSE more (or one more counted) is
all the difference. `untouched` is for what is no domain refusal: not one stored byte is another.
"""

import hashlib
import marshal
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel, col, select

from base.db import Database
from base.errors import DomainError, Refusal
from base.signing import parse_envelope
from ledger.tables import RefusalRow, StatementRow

_PLAIN = 2  # the last version whose bytes depend on nothing but the value
_WRITTEN = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
RECORD = frozenset({"ledger_statements", "ledger_pending", "ledger_openings", "ledger_refusals"})


async def fingerprints(database: Database) -> Mapping[str, str]:
    """A digest of the rows of every table that this database has, whatever their order."""
    names = [*SQLModel.metadata.tables]
    if database.dialect == "sqlite":
        return dict.fromkeys(names, "") | {name: _digest(rows) for name, rows in _on_sqlite(database).items()}
    async with database.engine.connect() as connection:
        asked = " UNION ALL ".join(
            f"SELECT '{name}', coalesce(md5(string_agg(r, '' ORDER BY r)), '') "
            f'FROM (SELECT md5(x::text) AS r FROM "{name}" x) AS rows'
            for name in await _written(connection)
        )
        found = (await connection.execute(text(asked))).all() if asked else []
        await connection.rollback()
        return dict.fromkeys(names, "") | dict(tuple(row) for row in found)


async def all_rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is stored, table by table, as the driver reads it; sorted, for a row has no place."""
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in SQLModel.metadata.tables}
    if database.dialect == "sqlite":
        read = _on_sqlite(database)
    else:
        async with database.engine.connect() as connection:
            read = {
                name: [tuple(row) for row in await connection.exec_driver_sql(f'SELECT * FROM "{name}"')]
                for name in await _written(connection)
            }
            await connection.rollback()
    return found | {name: sorted(rows, key=repr) for name, rows in read.items()}


async def _written(connection: AsyncConnection) -> list[str]:
    """The tables that have, or had, a row."""
    written = set((await connection.execute(text(_WRITTEN))).scalars())
    return [name for name in SQLModel.metadata.tables if name in written]


def _on_sqlite(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table that has any: most have none, and one question finds out which."""
    with closing(sqlite3.connect(database.url.partition("///")[2])) as connection:
        there = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        names = [name for name in SQLModel.metadata.tables if name in there]
        asked = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in names
        )
        filled = [name for (name,) in connection.execute(asked)] if names else []
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in filled}


def _digest(rows: Sequence[tuple[Any, ...]]) -> str:
    return hashlib.sha256(b"".join(sorted(marshal.dumps(row, _PLAIN) for row in rows))).hexdigest()


@dataclass(frozen=True)
class Told:
    """What the record says: how many refusals, the codes of their statements, and all statements."""

    times: int
    codes: list[str]
    statements: int


async def told(database: Database) -> Told:
    async with database.read() as s:
        times = (await s.exec(select(RefusalRow.times))).all()
        statements = (await s.exec(select(func.count()).select_from(StatementRow))).one()
        refusals = select(StatementRow.envelope).where(StatementRow.event == "REF.REFUSE")
        refused = (await s.exec(refusals.order_by(col(StatementRow.id)))).all()
    codes = [orjson.loads(parse_envelope(orjson.loads(one)).payload)["predicate"]["code"] for one in refused]
    return Told(sum(times), codes, statements)


@asynccontextmanager
async def refused(
    database: Database, kind: type[Refusal], *, but: frozenset[str] = frozenset(), sealed: bool = False
) -> AsyncIterator[pytest.ExceptionInfo[DomainError]]:
    """The block is refused with exactly this kind, recorded, and moves nothing else; `but` are exceptions.

    `sealed`: the attempt is kept back from the public, whatever refuses it.
    """
    before, then = await fingerprints(database), await told(database)
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    _same(before, await fingerprints(database), but=RECORD | but)
    now = await told(database)
    fresh = now.codes[len(then.codes) :]
    assert now.times == then.times + 1
    assert now.statements - then.statements == len(fresh)
    code = Refusal.code if sealed or kind.sealed else kind.code
    assert fresh == [code] or (not fresh and code in now.codes)


@asynccontextmanager
async def untouched(
    database: Database, kind: type[DomainError], *, but: frozenset[str] = frozenset()
) -> AsyncIterator[pytest.ExceptionInfo[DomainError]]:
    """The block raises exactly this kind of error, and nothing at all is stored; `but` are exceptions."""
    before = await fingerprints(database)
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    _same(before, await fingerprints(database), but=but)


def _same(before: Mapping[str, str], after: Mapping[str, str], *, but: frozenset[str] = frozenset()) -> None:
    assert [name for name in before if before[name] != after[name] and name not in but] == []
