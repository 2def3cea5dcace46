"""Proof that a refusal moved nothing, by a quick fingerprint of every table.

`refused` is for acts that go through `perform`: after them one REF.REFUSE more (or one more counted) is
all the difference. `untouched` is for what is no domain refusal: not one stored byte is another.
"""

import hashlib
import marshal
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import orjson
import pytest
from sqlalchemy import text
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
    """A digest of the rows of every table, whatever their order."""
    names = [table.name for table in SQLModel.metadata.sorted_tables]
    if database.dialect == "sqlite":
        path = database.url.partition("///")[2]
        with closing(sqlite3.connect(path)) as connection:
            return {name: _digest(connection, name) for name in names}
    async with database.engine.connect() as connection:
        written = set((await connection.execute(text(_WRITTEN))).scalars())  # the others have never had a row
        asked = " UNION ALL ".join(
            f"SELECT '{name}', coalesce(md5(string_agg(r, '' ORDER BY r)), '') "
            f'FROM (SELECT md5(x::text) AS r FROM "{name}" x) AS rows'
            for name in names
            if name in written
        )
        found = (await connection.execute(text(asked))).all() if asked else []
        await connection.rollback()
        return dict.fromkeys(names, "") | dict(tuple(row) for row in found)


def _digest(connection: sqlite3.Connection, name: str) -> str:
    rows = sorted(marshal.dumps(row, _PLAIN) for row in connection.execute(f'SELECT * FROM "{name}"'))
    return hashlib.sha256(b"".join(rows)).hexdigest() if rows else ""


@dataclass(frozen=True)
class Told:
    """What the record says: how many refusals, the codes of their statements, and all statements."""

    times: int
    codes: list[str]
    statements: int


async def told(database: Database) -> Told:
    async with database.read() as s:
        times = (await s.exec(select(RefusalRow.times))).all()
        said = (
            await s.exec(select(StatementRow.event, StatementRow.envelope).order_by(col(StatementRow.id)))
        ).all()
    refused = [orjson.loads(envelope) for event, envelope in said if event == "REF.REFUSE"]
    codes = [orjson.loads(parse_envelope(one).payload)["predicate"]["code"] for one in refused]
    return Told(sum(times), codes, len(said))


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
    database: Database, kind: type[DomainError]
) -> AsyncIterator[pytest.ExceptionInfo[DomainError]]:
    """The block raises exactly this kind of error, and nothing at all is stored."""
    before = await fingerprints(database)
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    _same(before, await fingerprints(database))


def _same(before: Mapping[str, str], after: Mapping[str, str], *, but: frozenset[str] = frozenset()) -> None:
    assert [name for name in before if before[name] != after[name] and name not in but] == []
