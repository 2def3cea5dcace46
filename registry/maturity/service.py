"""Claim a maturity level with its certificate, or record it; the data authority confirms what was claimed."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final

from sqlmodel import col, select, update

from base.calendar import shanghai_day
from base.db import ReadSession, WriteSession, exclusive_lock
from base.errors import Malformed
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.maturity.errors import (
    MaturityMalformed,
    MaturityUnknown,
    MaturityWrongRole,
    MaturityWrongState,
)
from registry.maturity.states import MaturityEvent, MaturityState, may_move
from registry.maturity.tables import MaturityRow

LEVELS: Final = range(1, 6)
MAX_TEXT: Final = 1_000
_E = MaturityEvent


async def claim_level(
    s: WriteSession, act: Act, *, level: int, certificate_sha256: str, issued_on: date, valid_until: date
) -> MaturityRow:
    """Claim one's own level with the digest of the certificate (DCM.CLAIM). Raises MaturityMalformed."""
    return await _enter(
        s,
        act,
        _E.CLAIM,
        org_id=act.actor.org_id,
        level=level,
        certificate_sha256=certificate_sha256,
        issued_on=issued_on,
        valid_until=valid_until,
    )


async def record_level(
    s: WriteSession,
    act: Act,
    *,
    org_id: str,
    level: int,
    certificate_sha256: str,
    issued_on: date,
    valid_until: date,
) -> MaturityRow:
    """Record another organisation's level from its certificate (DCM.RECORD), as the data authority."""
    if org_id == act.actor.org_id:
        raise MaturityWrongRole("nobody records a level of its own", org_id=org_id)
    return await _enter(
        s,
        act,
        _E.RECORD,
        org_id=org_id,
        level=level,
        certificate_sha256=certificate_sha256,
        issued_on=issued_on,
        valid_until=valid_until,
    )


async def decide_level(
    s: WriteSession, act: Act, *, maturity_id: str, event: MaturityEvent, reason: str = ""
) -> MaturityRow:
    """Confirm, decline or revoke a certificate (DCM.CONFIRM, DCM.DECLINE, DCM.REVOKE), as the data authority.

    Raises MaturityUnknown, MaturityWrongState, MaturityWrongRole, MaturityMalformed.
    """
    query = exclusive_lock(select(MaturityRow).where(MaturityRow.maturity_id == maturity_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise MaturityUnknown("no such certificate", maturity_id=maturity_id)
    if event not in {_E.CONFIRM, _E.DECLINE, _E.REVOKE}:
        raise MaturityMalformed("this decides nothing", fields=["event"])
    before = row.status
    after = may_move(before, event, act.role)
    if row.org_id == act.actor.org_id:
        raise MaturityWrongRole("nobody decides about itself", maturity_id=maturity_id)
    said = reason.strip()
    if (event is not _E.CONFIRM and not said) or len(said) > MAX_TEXT:
        raise Malformed("a reason of at most a thousand characters", limit=MAX_TEXT)
    if event is _E.CONFIRM and row.valid_until < shanghai_day(act.now):
        raise MaturityMalformed("the certificate is not valid any more", fields=["valid_until"])
    found = col(MaturityRow.maturity_id) == maturity_id, col(MaturityRow.status) == before
    values = {
        "status": after,
        "decided_by": act.actor.org_id,
        "decided_at": act.now,
        "reason": said or None,
    }
    if (await s.exec(update(MaturityRow).where(*found).values(**values))).rowcount != 1:
        raise MaturityWrongState("it was decided meanwhile", maturity_id=maturity_id)
    await s.refresh(row)
    await _state(s, act, row, event, before=before.value, opening={"reason": said} if said else None)
    return row


async def dcmm_of(s: ReadSession, *, org_id: str, on: date) -> MaturityRow | None:
    """The highest level of an organisation that is confirmed and valid on a day."""
    return (await dcmm_levels(s, org_ids=[org_id], on=on)).get(org_id)


async def dcmm_levels(s: ReadSession, *, org_ids: Collection[str], on: date) -> dict[str, MaturityRow]:
    """The same of several organisations."""
    query = select(MaturityRow).where(
        col(MaturityRow.org_id).in_(sorted(org_ids)),
        MaturityRow.status == MaturityState.CONFIRMED,
        col(MaturityRow.issued_on) <= on,
        col(MaturityRow.valid_until) >= on,
    )
    rows = (await s.exec(query.order_by(col(MaturityRow.level), col(MaturityRow.maturity_id)))).all()
    return {row.org_id: row for row in rows}


async def certificates(
    s: ReadSession, *, org_id: str | None = None, after: str | None = None, limit: int = 50
) -> Sequence[MaturityRow]:
    """Every certificate, newest first, whatever became of it."""
    query = select(MaturityRow)
    if org_id is not None:
        query = query.where(MaturityRow.org_id == org_id)
    if after is not None:
        query = query.where(col(MaturityRow.maturity_id) < after)
    return (await s.exec(query.order_by(col(MaturityRow.maturity_id).desc()).limit(limit))).all()


async def _enter(
    s: WriteSession,
    act: Act,
    event: MaturityEvent,
    *,
    org_id: str,
    level: int,
    certificate_sha256: str,
    issued_on: date,
    valid_until: date,
) -> MaturityRow:
    status = may_move(None, event, act.role)
    await require_member(s, org_id=org_id)
    today = shanghai_day(act.now)
    if level not in LEVELS or not issued_on <= today <= valid_until:
        raise MaturityMalformed(
            "a level of 1 to 5 and a certificate that is valid now", fields=["level", "valid_until"]
        )
    row = MaturityRow(
        maturity_id=act.new_id("dcm"),
        org_id=org_id,
        level=level,
        certificate_sha256=certificate_sha256,
        issued_on=issued_on,
        valid_until=valid_until,
        status=status,
        claimed_at=act.now,
        decided_by=act.actor.org_id if status is MaturityState.CONFIRMED else None,
        decided_at=act.now if status is MaturityState.CONFIRMED else None,
    )
    s.add(row)
    await s.flush()
    await _state(s, act, row, event, before=None, subjects={"certificate": certificate_sha256})
    return row


async def _state(
    s: WriteSession,
    act: Act,
    row: MaturityRow,
    event: MaturityEvent,
    *,
    before: str | None,
    opening: dict[str, Any] | None = None,
    subjects: dict[str, str] | None = None,
) -> None:
    draft = Draft(
        f"DCM.{event.value}",
        row.maturity_id,
        public={
            "maturity_id": row.maturity_id,
            "org_id": row.org_id,
            "level": row.level,
            "valid_until": row.valid_until.isoformat(),
        },
        opening=opening,
        subjects=subjects or {},
        before=before,
        after=row.status.value,
    )
    await record(s, act, draft)
