"""The doors of opening: one table each, one conditional UPDATE, one statement (`OPN.…`, `OPA.…`)."""

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.errors import Malformed
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.doors import Said
from registry.errors import UnclassifiedProduct
from registry.grading.depending import level_of, require_not_important
from registry.lists.tables import DataRow
from registry.opening.errors import OpeningWrongRole, OpeningWrongState
from registry.opening.rules import MAX_TEXT, Mode, check_level
from registry.opening.states import (
    AgreementEvent,
    OpenEvent,
    OpenState,
    may_move,
    may_move_agreement,
)
from registry.opening.tables import AgreementRow, OpenEntryRow
from registry.rules import Level, highest

EVENTS: Final = "OPN"
AGREEMENTS: Final = "OPA"


async def begin(s: WriteSession, act: Act, row: OpenEntryRow, said: Said) -> Recorded:
    """State an entry that has just been stored (OPN.PROPOSE)."""
    return await _state(s, act, row, OpenEvent.PROPOSE, said, before=None)


async def step(
    s: WriteSession,
    act: Act,
    event: OpenEvent,
    row: OpenEntryRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move an entry that is claimed. Raises OpeningWrongState, OpeningWrongRole."""
    before = row.status
    after = may_move(before, event, act.role)
    found = col(OpenEntryRow.open_id) == row.open_id, col(OpenEntryRow.status) == before
    changes = {"changed_at": act.occurred_at, **(values or {})} if after is not before or values else {}
    changed = await s.exec(update(OpenEntryRow).where(*found).values(status=after, **changes))
    if changed.rowcount != 1:
        raise OpeningWrongState("the entry has moved on", open_id=row.open_id, event=event.value)
    await s.refresh(row)
    return await _state(s, act, row, event, said or Said(), before=before)


async def begin_agreement(s: WriteSession, act: Act, row: AgreementRow, said: Said) -> Recorded:
    """State an agreement that has just been stored (OPA.OFFER)."""
    return await _state_agreement(s, act, row, AgreementEvent.OFFER, said, before=None)


async def step_agreement(
    s: WriteSession,
    act: Act,
    event: AgreementEvent,
    row: AgreementRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move an agreement that is claimed. Raises OpeningWrongState, OpeningWrongRole."""
    before = row.status
    after = may_move_agreement(before, event, act.role)
    found = col(AgreementRow.agreement_id) == row.agreement_id, col(AgreementRow.status) == before
    changed = await s.exec(update(AgreementRow).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise OpeningWrongState("the agreement has moved on", agreement_id=row.agreement_id)
    await s.refresh(row)
    return await _state_agreement(s, act, row, event, said or Said(), before=before.value)


def check_agency(act: Act, agency_id: str) -> None:
    """An agency acts on what is its own. Raises OpeningWrongRole."""
    if act.actor.org_id != agency_id:
        raise OpeningWrongRole("this is another agency's data", agency_id=agency_id)


async def level_now(s: ReadSession, data: DataRow) -> Level:
    """How high the data is: what the list declares and what grading knows, the higher one."""
    try:
        return highest([data.level, await level_of(s, object_id=data.data_id)])
    except UnclassifiedProduct:
        return data.level


async def check_open(s: ReadSession, row: OpenEntryRow, data: DataRow, mode: Mode) -> Level:
    """The level, if it goes through this mode's channel now and no catalogue entry covers what all may have.

    Raises ChannelClosed, OpeningConditionsMissing, OpeningRiskUnassessed, ImportantData.
    """
    level = await level_now(s, data)
    assessed = row.risk_assessment_sha256 is not None
    check_level(level, mode, conditions=row.conditions, risk_assessed=assessed)
    if mode is Mode.OPEN:
        await require_not_important(s, object_id=data.data_id)
    return level


def check_text(text: str) -> str:
    """A text of a bounded length, with something in it. Raises Malformed."""
    said = text.strip()
    if not 1 <= len(said) <= MAX_TEXT:
        raise Malformed("a text of one to two thousand characters", limit=MAX_TEXT)
    return said


async def _state(
    s: WriteSession, act: Act, row: OpenEntryRow, event: OpenEvent, said: Said, *, before: OpenState | None
) -> Recorded:
    public = {
        "open_id": row.open_id,
        "data_id": row.data_id,
        "agency_id": row.agency_id,
        "mode": row.mode.value,
        **said.public,
    }
    return await record(
        s,
        act,
        Draft(
            f"{EVENTS}.{event.value}",
            row.open_id,
            public=public,
            opening=said.opening,
            subjects=said.subjects,
            before=None if before is None else before.value,
            after=row.status.value,
        ),
    )


async def _state_agreement(
    s: WriteSession, act: Act, row: AgreementRow, event: AgreementEvent, said: Said, *, before: str | None
) -> Recorded:
    public = {
        "agreement_id": row.agreement_id,
        "open_id": row.open_id,
        "agency_id": row.agency_id,
        "user_id": row.user_id,
        "valid_to": rfc3339(row.valid_to),
        **said.public,
    }
    return await record(
        s,
        act,
        Draft(
            f"{AGREEMENTS}.{event.value}",
            row.agreement_id,
            public=public,
            opening=said.opening,
            subjects={"policy": row.policy_sha256, **said.subjects},
            before=before,
            after=row.status.value,
        ),
    )
