"""Proof that nothing moved, where failed sign-ins are counted; and what was recorded."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from base.db import Database
from base.errors import DomainError, Refusal
from base.signing import parse_envelope
from tests import standstill

COUNTED = frozenset({"identity_failed_sign_ins"})
"""Failed sign-ins are counted, also of logins that nobody has: that is no trace of what was tried."""
Rows = dict[str, list[tuple[Any, ...]]]
Caught = AbstractAsyncContextManager[pytest.ExceptionInfo[DomainError]]


async def all_rows(database: Database) -> Rows:
    """Everything that is stored, table by table, but the counts of failed sign-ins."""
    found = await standstill.all_rows(database)
    return {name: rows for name, rows in found.items() if name not in COUNTED}


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


def nothing_moved(database: Database, kind: type[DomainError]) -> Caught:
    """The block raises exactly this kind of error, and not one stored byte is another."""
    return standstill.untouched(database, kind, but=COUNTED)


def refused(database: Database, kind: type[Refusal]) -> Caught:
    """The block is refused with this kind; one REF.REFUSE says so, and nothing else is stored.

    The same refusal again within the hour is only counted.
    """
    return standstill.refused(database, kind, but=COUNTED)
