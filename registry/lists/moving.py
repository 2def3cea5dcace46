"""The doors of an item's and a share request's state: one table each, one conditional UPDATE, one statement.

A step is claimed in the UPDATE that finds the state it was decided on; the clock is wound for what follows.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.doors import Said
from registry.lists.errors import ItemWrongState, ShareWrongState
from registry.lists.states import ItemEvent, ItemState, ShareEvent, ShareState, move_item, move_share
from registry.lists.tables import ItemRow, ShareRow

ITEM_DUE_JOB: Final = "registry.item-due"
SHARE_DUE_JOB: Final = "registry.share-due"
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""


async def begin_item(s: WriteSession, act: Act, row: ItemRow, said: Said) -> Recorded:
    """State an item that has just been stored (ITM.PROPOSE)."""
    return await _state_item(s, act, row, ItemEvent.PROPOSE, said, before=None)


async def step_item(
    s: WriteSession,
    act: Act,
    event: ItemEvent,
    row: ItemRow,
    said: Said,
    **values: Any,
) -> Recorded:
    """Move an item that is claimed. Raises ItemWrongState, ListWrongRole."""
    before = row.status
    after = move_item(before, event, act.role)
    found = col(ItemRow.item_id) == row.item_id, col(ItemRow.status) == before
    moved = {"status": after, "changed_at": act.occurred_at, **values}
    if (await s.exec(update(ItemRow).where(*found).values(**moved))).rowcount != 1:
        raise ItemWrongState("the item has moved on", item_id=row.item_id, event=event.value)
    await s.refresh(row)
    recorded = await _state_item(s, act, row, event, said, before=before)
    if row.status is ItemState.CONFLICT and event is not ItemEvent.OVERDUE and row.decide_by:
        await _wind(s, ITEM_DUE_JOB, "item_id", row, row.decide_by)
    return recorded


async def begin_share(s: WriteSession, act: Act, event: ShareEvent, row: ShareRow, said: Said) -> Recorded:
    """State a request that has just been stored (SHR.SUBMIT, SHR.TAKE), and wind its clock."""
    recorded = await _state_share(s, act, row, event, said, before=None)
    await _wind_share(s, row)
    return recorded


async def step_share(
    s: WriteSession,
    act: Act,
    event: ShareEvent,
    row: ShareRow,
    said: Said,
    **values: Any,
) -> Recorded:
    """Move a request that is claimed. Raises ShareWrongState, ListWrongRole."""
    before = row.status
    after = move_share(before, event, act.role)
    found = col(ShareRow.share_id) == row.share_id, col(ShareRow.status) == before
    if (await s.exec(update(ShareRow).where(*found).values(status=after, **values))).rowcount != 1:
        raise ShareWrongState("the request has moved on", share_id=row.share_id, event=event.value)
    await s.refresh(row)
    recorded = await _state_share(s, act, row, event, said, before=before)
    await _wind_share(s, row)
    return recorded


async def _wind_share(s: WriteSession, row: ShareRow) -> None:
    if row.due_at is not None:
        await _wind(s, SHARE_DUE_JOB, "share_id", row, row.due_at)


async def _wind(s: WriteSession, kind: str, name: str, row: ItemRow | ShareRow, at: datetime) -> None:
    """Have the clock look at it when the present period is over."""
    own_id, state = getattr(row, name), row.status.value
    payload = {name: own_id, "state": state, "at": rfc3339(at)}
    key = f"{own_id} {state} {rfc3339(at)}"
    await enqueue(s, kind=kind, key=key, run_at=at + LATE, payload=payload)


async def _state_item(
    s: WriteSession, act: Act, row: ItemRow, event: ItemEvent, said: Said, *, before: ItemState | None
) -> Recorded:
    draft = Draft(
        f"ITM.{event.value}",
        row.item_id,
        public={"item_id": row.item_id, "source_id": row.source_id, **said.public},
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)


async def _state_share(
    s: WriteSession, act: Act, row: ShareRow, event: ShareEvent, said: Said, *, before: ShareState | None
) -> Recorded:
    public = {
        "share_id": row.share_id,
        "data_id": row.data_id,
        "requester_id": row.requester_id,
        "provider_id": row.provider_id,
        "kind": row.kind.value,
        **said.public,
    }
    draft = Draft(
        f"SHR.{event.value}",
        row.share_id,
        public=public,
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
