"""Small statements for tests of what rests on a statement."""

import hashlib
from datetime import UTC, datetime
from typing import Final

from base.db import WriteSession
from ledger.tables import PendingRow, StatementRow

AT: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


async def statement(s: WriteSession, statement_id: str) -> None:
    """A recorded statement whose content does not matter."""
    row = StatementRow(
        statement_id=statement_id,
        envelope_sha256=hashlib.sha256(statement_id.encode()).hexdigest(),
        event="TST.NOTE",
        object_id="obj_1",
        org_id="org_1",
        occurred_at=AT,
        envelope=b'{"payload":"%b","payloadType":"x","signatures":[]}' % statement_id.encode(),
    )
    s.add(row)
    await s.flush()
    assert row.id is not None
    s.add(PendingRow(id=row.id))
    await s.flush()
