"""The door of a mandate's state: one table, one conditional UPDATE, one statement `MND.<event>`."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from brokers.errors import MandateWrongState
from brokers.mandates.tables import MandateTermsRow
from brokers.states import MandateEvent, MandateState, mandate_may_move
from brokers.tables import MandateRow
from ledger.recording import Act, record
from ledger.statement import Draft


async def move(
    s: WriteSession,
    act: Act,
    row: MandateRow,
    event: MandateEvent,
    terms: MandateTermsRow | None,
    *,
    opening: Mapping[str, Any] | None = None,
    said: Mapping[str, Any] | None = None,
) -> MandateRow:
    """Move a mandate and state it. Raises MandateWrongState, MandateWrongRole."""
    before = row.status
    after = mandate_may_move(before, event, act.role)
    claimed = await s.exec(
        update(MandateRow)
        .where(col(MandateRow.mandate_id) == row.mandate_id, col(MandateRow.status) == before)
        .values(status=after)
    )
    if claimed.rowcount != 1:
        raise MandateWrongState("the mandate has moved on", mandate_id=row.mandate_id)
    await s.refresh(row)
    await record(s, act, draft(event, row, terms, before=before, opening=opening, said=said))
    return row


def draft(
    event: MandateEvent,
    row: MandateRow,
    terms: MandateTermsRow | None,
    *,
    before: MandateState | None,
    opening: Mapping[str, Any] | None = None,
    said: Mapping[str, Any] | None = None,
) -> Draft:
    """The statement of a step. The document is a subject of it, so that whoever signs it signs that too."""
    public = {
        "mandate_id": row.mandate_id,
        "broker_id": row.broker_id,
        "client_id": row.client_id,
        "side": row.side,
        "listing_id": row.listing_id,
        "ends_at": rfc3339(row.ends_at),
        **(said or {}),
    }
    subjects = {}
    if terms is not None:
        public["document_sha256"] = terms.document_sha256
        subjects["mandate"] = terms.document_sha256
    return Draft(
        f"MND.{event.value}",
        row.mandate_id,
        public=public,
        opening=opening,
        subjects=subjects,
        before=before.value if before else None,
        after=row.status.value,
    )
