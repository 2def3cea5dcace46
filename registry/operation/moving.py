"""The door of a grant's state: one table, one conditional UPDATE, one statement (`AOG.<event>`).

A step is claimed in the UPDATE that finds the state it was decided on. When a grant stops carrying what
rests on it, it is handed to the job that suspends the listings of its products.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.doors import Said
from registry.operation import repository
from registry.operation.errors import GrantWrongRole, GrantWrongState
from registry.operation.states import LIVE, GrantEvent, GrantState, may_move
from registry.operation.tables import GrantRow

DUE_JOB: Final = "registry.grant-due"
FALLEN_JOB: Final = "registry.grant-fallen"
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""


async def begin(s: WriteSession, act: Act, row: GrantRow, said: Said) -> Recorded:
    """State a scheme that has just been stored (AOG.DRAFT_SCHEME)."""
    return await _state(s, act, row, GrantEvent.DRAFT_SCHEME, said, before=None)


async def step(
    s: WriteSession,
    act: Act,
    event: GrantEvent,
    row: GrantRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a grant that is claimed, or share-locked where it stays. GrantWrongState, GrantWrongRole."""
    before = row.status
    after = may_move(before, event, act.role)
    if after is not before or values:
        found = (col(GrantRow.grant_id) == row.grant_id, col(GrantRow.status) == before)
        changed = await s.exec(update(GrantRow).where(*found).values(status=after, **(values or {})))
        if changed.rowcount != 1:
            raise GrantWrongState("the grant has moved on", grant_id=row.grant_id, event=event.value)
        await s.refresh(row)
    recorded = await _state(s, act, row, event, said or Said(), before=before)
    if before in LIVE and after not in LIVE:
        payload = {"grant_id": row.grant_id}
        await enqueue(s, kind=FALLEN_JOB, key=recorded.statement_id, run_at=act.now, payload=payload)
    return recorded


async def claim_for(s: WriteSession, act: Act, grant_id: str, event: GrantEvent) -> GrantRow:
    """A grant, locked, in which this step is the actor's to take, as its agency, operator or supervisor.

    Raises GrantUnknown, GrantWrongState, GrantWrongRole.
    """
    row = await repository.claim_grant(s, grant_id=grant_id)
    may_move(row.status, event, act.role)
    check_party(act, row)
    return row


def check_party(act: Act, row: GrantRow) -> None:
    """An agency acts on its own grant, an operator on the one it holds. Raises GrantWrongRole."""
    whose = {"PUBLIC_AGENCY": row.authority_id, "OPERATING_INSTITUTION": row.operator_id}
    if act.role in whose and act.actor.org_id != whose[act.role]:
        raise GrantWrongRole("this is another's grant", grant_id=row.grant_id)


async def wind(s: WriteSession, row: GrantRow, what: str, at: datetime) -> None:
    """Have the clock look at a grant when a period is over; `what` says which."""
    payload = {"grant_id": row.grant_id, "what": what, "at": rfc3339(at)}
    key = f"{row.grant_id} {what} {rfc3339(at)}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=at + LATE, payload=payload)


async def _state(
    s: WriteSession,
    act: Act,
    row: GrantRow,
    event: GrantEvent,
    said: Said,
    *,
    before: GrantState | None,
) -> Recorded:
    public = {
        "grant_id": row.grant_id,
        "authority_id": row.authority_id,
        "operator_id": row.operator_id,
        **said.public,
    }
    draft = Draft(
        f"AOG.{event.value}",
        row.grant_id,
        public=public,
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
