"""The doors of a certificate's and a type's state: one table, one conditional UPDATE, one statement each.

What is said of a certificate names it, its type, subject, user and provider; what it is for in words, its
items and its period are in the opening. No value is ever stated.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.doors import Said
from registry.vouchers.errors import VoucherTypeRevoked, VoucherWrongRole, VoucherWrongState
from registry.vouchers.rules import SubjectKind
from registry.vouchers.states import (
    LIVE,
    TypeEvent,
    TypeState,
    VoucherEvent,
    VoucherState,
    may_move,
    may_move_type,
)
from registry.vouchers.tables import VoucherRow, VoucherTypeRow

DUE_JOB: Final = "registry.voucher-due"
LATE: Final = timedelta(milliseconds=1)
"""The last moment belongs to a period: the clock looks when it is over."""
_S = VoucherState


async def begin(
    s: WriteSession, act: Act, event: VoucherEvent, row: VoucherRow, said: Said | None = None
) -> Recorded:
    """State a certificate that has just been stored, and wind its clock."""
    may_move(None, event, act.role)
    recorded = await _state(s, act, row, event, said or Said(), before=None)
    await _wind(s, row)
    return recorded


async def step(
    s: WriteSession,
    act: Act,
    event: VoucherEvent,
    row: VoucherRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a certificate that is claimed. Raises VoucherWrongState, VoucherWrongRole."""
    before, due_at = row.status, row.due_at
    after = may_move(before, event, act.role)
    found = (col(VoucherRow.voucher_id) == row.voucher_id, col(VoucherRow.status) == before)
    changed = await s.exec(update(VoucherRow).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise VoucherWrongState("it has moved on", voucher_id=row.voucher_id, event=event.value)
    await s.refresh(row)
    recorded = await _state(s, act, row, event, said or Said(), before=before)
    if row.due_at != due_at:
        await _wind(s, row)
    return recorded


async def end(
    s: WriteSession,
    act: Act,
    event: VoucherEvent,
    row: VoucherRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a certificate to its end: the wallet's key and what the user was given are forgotten."""
    gone = {"ended_at": act.now, "sealed_holder": None, "sealed_presentation": None}
    return await step(s, act, event, row, said, values={**gone, **(values or {})})


async def begin_type(s: WriteSession, act: Act, row: VoucherTypeRow, said: Said) -> Recorded:
    """State a type that has just been stored (CTY.PROPOSE)."""
    may_move_type(None, TypeEvent.PROPOSE, act.role)
    return await _state_type(s, act, row, TypeEvent.PROPOSE, said, before=None)


async def step_type(
    s: WriteSession, act: Act, event: TypeEvent, row: VoucherTypeRow, said: Said, *, values: Mapping[str, Any]
) -> Recorded:
    """Move a type that is claimed. Raises VoucherWrongState, VoucherWrongRole."""
    before = row.status
    after = may_move_type(before, event, act.role)
    found = (col(VoucherTypeRow.type_id) == row.type_id, col(VoucherTypeRow.status) == before)
    changed = await s.exec(update(VoucherTypeRow).where(*found).values(status=after, **values))
    if changed.rowcount != 1:
        raise VoucherWrongState("the type has moved on", type_id=row.type_id, event=event.value)
    await s.refresh(row)
    return await _state_type(s, act, row, event, said, before=before)


def check_subject(act: Act, row: VoucherRow, document_sha256: str | None) -> None:
    """It is the subject who speaks, or its provider with the digest of the paper that a person signed.

    Raises VoucherWrongRole.
    """
    of_member = row.subject_kind is SubjectKind.MEMBER
    speaks = row.subject_id if of_member else row.provider_id
    if act.actor.org_id != speaks:
        raise VoucherWrongRole("this is its subject's to say", voucher_id=row.voucher_id)
    if not of_member and document_sha256 is None:
        raise VoucherWrongRole(
            "a person's word is brought with the digest of its paper", voucher_id=row.voucher_id
        )


def check_provider(act: Act, row: VoucherRow) -> None:
    """It is the provider who speaks. Raises VoucherWrongRole."""
    if act.actor.org_id != row.provider_id:
        raise VoucherWrongRole("this is its provider's to say", voucher_id=row.voucher_id)


def check_in_force(row: VoucherTypeRow) -> None:
    """Raises VoucherTypeRevoked, also for a type that was never approved."""
    if row.status is not TypeState.IN_FORCE:
        raise VoucherTypeRevoked("the type is not in force", type_id=row.type_id, status=row.status.value)


async def _wind(s: WriteSession, row: VoucherRow) -> None:
    """Have the clock look at it when the request has lapsed, or the certificate ends."""
    if row.status not in LIVE:
        return
    payload = {"voucher_id": row.voucher_id, "at": rfc3339(row.due_at)}
    key = f"{row.voucher_id} {rfc3339(row.due_at)}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=row.due_at + LATE, payload=payload)


async def _state(
    s: WriteSession,
    act: Act,
    row: VoucherRow,
    event: VoucherEvent,
    said: Said,
    *,
    before: VoucherState | None,
) -> Recorded:
    public = {
        "voucher_id": row.voucher_id,
        "type_id": row.type_id,
        "subject": row.subject_id,
        "user_id": row.user_id,
        "provider_id": row.provider_id,
        **said.public,
    }
    draft = Draft(
        f"CRT.{event.value}",
        row.voucher_id,
        public=public,
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)


async def _state_type(
    s: WriteSession,
    act: Act,
    row: VoucherTypeRow,
    event: TypeEvent,
    said: Said,
    *,
    before: TypeState | None,
) -> Recorded:
    public = {"type_id": row.type_id, "code": row.code, "proposer_id": row.proposer_id, **said.public}
    draft = Draft(
        f"CTY.{event.value}",
        row.type_id,
        public=public,
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
