"""The door of a declaration's state: one table, one conditional UPDATE, one statement (`XBD.<event>`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from market.customs.destroying import drop_lists_of
from market.customs.errors import DeclarationWrongState
from market.customs.states import LIVE, NEVER_LEFT, DeclarationEvent, DeclarationState, may_move
from market.customs.tables import DeclarationRow

DUE_JOB: Final = "customs.due"
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a step says beside which declaration it is: in public, in the opening, of which digests."""

    public: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)


async def begin(s: WriteSession, act: Act, row: DeclarationRow, said: Said) -> Recorded:
    """State a declaration that has just been stored (XBD.DECLARE)."""
    recorded = await _state(s, act, row, DeclarationEvent.DECLARE, said, before=None)
    await _look_at_its_end(s, row, recorded)
    return recorded


async def step(
    s: WriteSession,
    act: Act,
    event: DeclarationEvent,
    row: DeclarationRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a declaration that is claimed. Raises DeclarationWrongState, DeclarationWrongRole."""
    before = row.status
    after = may_move(before, event, act.role)
    found = (
        col(DeclarationRow.declaration_id) == row.declaration_id,
        col(DeclarationRow.status) == before,
    )
    changed = await s.exec(update(DeclarationRow).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise DeclarationWrongState(
            "the declaration has moved on", declaration_id=row.declaration_id, event=event.value
        )
    await s.refresh(row)
    recorded = await _state(s, act, row, event, said or Said(), before=before)
    if (after in LIVE and before not in LIVE) or "valid_to" in (values or {}):
        await _look_at_its_end(s, row, recorded)
    if after in NEVER_LEFT:
        await drop_lists_of(s, act.as_exchange(), declaration_id=row.declaration_id, reason=after.value)
    return recorded


async def _look_at_its_end(s: WriteSession, row: DeclarationRow, recorded: Recorded) -> None:
    """The clock looks when the period is over: at what is cleared, and at what nobody has cleared by then."""
    payload = {"declaration_id": row.declaration_id, "at": rfc3339(row.valid_to)}
    key = f"{row.declaration_id} {rfc3339(row.valid_to)} {recorded.statement_id}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=row.valid_to + LATE, payload=payload)


async def _state(
    s: WriteSession,
    act: Act,
    row: DeclarationRow,
    event: DeclarationEvent,
    said: Said,
    *,
    before: DeclarationState | None,
) -> Recorded:
    public = {
        "declaration_id": row.declaration_id,
        "exporter_id": row.exporter_id,
        "recipient_id": row.recipient_id,
        "country": row.country,
        **said.public,
    }
    draft = Draft(
        f"XBD.{event.value}",
        row.declaration_id,
        public=public,
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
