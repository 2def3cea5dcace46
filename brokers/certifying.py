"""What the data authority decides about certificates, and what the clock does to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from base.jobs import enqueue
from brokers import repository
from brokers.credential.issuing import order_credential
from brokers.errors import (
    BrokerBarred,
    BrokerRoleMissing,
    CertificateNumberTaken,
    CertificateOverlaps,
    CertificateWrongState,
)
from brokers.rules import (
    BrokerType,
    CertificateEvent,
    CertificateState,
    certificate_may_move,
    check_grade_scope,
)
from brokers.tables import CertificateEventRow, CertificateRow
from identity.repository import lock_organisation
from identity.rules import Role
from identity.service import insert, require_member
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.rules import Level

EXPIRE_JOB: Final = "brokers.certificate-expire"
BAR_YEARS: Final = 3  # no new certificate after a revocation (`states.md` §3.3)
_LATE: Final = timedelta(milliseconds=1)
_OVER: Final = frozenset(
    {CertificateState.REFUSED, CertificateState.REVOKED, CertificateState.EXPIRED, CertificateState.EXITED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateScope:
    """What a certificate is for: sectors (`*` for all), the highest level, and whether abroad."""

    broker_type: BrokerType
    grade: int
    sectors: tuple[str, ...]
    max_level: Level
    cross_border: bool = False


async def certify(
    s: WriteSession,
    act: Act,
    *,
    org_id: str,
    cert_no: str,
    scope: CertificateScope,
    valid_from: datetime,
    valid_to: datetime,
) -> CertificateRow:
    """Enter a certificate that the data authority has decided on (BRK.CERTIFY).

    Raises CertificateBeyondGrade, CertificateWrongRole, BrokerRoleMissing, BrokerBarred,
    CertificateOverlaps, CertificateNumberTaken, `member-not-active`.
    """
    state = certificate_may_move(None, CertificateEvent.CERTIFY, act.role)
    check_grade_scope(grade=scope.grade, max_level=scope.max_level, cross_border=scope.cross_border)
    if valid_to <= valid_from:
        raise Malformed("a certificate ends after it begins", valid_to=rfc3339(valid_to))
    if not scope.sectors:
        raise Malformed("a certificate names its sectors, or * for all")
    await lock_organisation(s, org_id=org_id, alone=True)  # one decision about an organisation at a time
    member = await require_member(s, org_id=org_id)
    if Role.BROKER not in member.roles:
        raise BrokerRoleMissing("the organisation is no broker of the exchange", org_id=org_id)
    await _check_history(s, act, org_id=org_id, valid_from=valid_from, valid_to=valid_to)
    row = CertificateRow(
        cert_id=act.new_id("crt"),
        cert_no=cert_no,
        org_id=org_id,
        broker_type=scope.broker_type.value,
        grade=scope.grade,
        sectors=sorted(set(scope.sectors)),
        max_level=scope.max_level.value,
        cross_border=scope.cross_border,
        valid_from=valid_from,
        valid_to=valid_to,
        status=state,
    )
    await insert(s, row, CertificateNumberTaken("this number belongs to a certificate", cert_no=cert_no))
    recorded = await record(
        s,
        act,
        Draft(
            "BRK.CERTIFY",
            row.cert_id,
            public={
                "cert_id": row.cert_id,
                "cert_no": cert_no,
                "org_id": org_id,
                "broker_type": row.broker_type,
                "grade": row.grade,
                "sectors": row.sectors,
                "max_level": row.max_level,
                "cross_border": row.cross_border,
                "valid_from": rfc3339(valid_from),
                "valid_to": rfc3339(valid_to),
            },
            after=state.value,
        ),
    )
    s.add(_history(act, row, event=CertificateEvent.CERTIFY, reason_code=None, recorded=recorded))
    await order_credential(s, act, cert_id=row.cert_id, because=recorded.statement_id)
    await enqueue(
        s, kind=EXPIRE_JOB, key=row.cert_id, run_at=valid_to + _LATE, payload={"cert_id": row.cert_id}
    )
    return row


async def _check_history(
    s: WriteSession, act: Act, *, org_id: str, valid_from: datetime, valid_to: datetime
) -> None:
    """At most one certificate at a time, so that no suspension is walked around; none after a revocation."""
    for held in await repository.certificates_of(s, org_id=org_id):
        if held.status is CertificateState.REVOKED:
            revoked_at = await repository.moved_at(s, cert_id=held.cert_id, event=CertificateEvent.REVOKE)
            if revoked_at is not None and act.now < years_after(revoked_at, BAR_YEARS):
                raise BrokerBarred(
                    "a certificate was revoked less than three years ago",
                    cert_id=held.cert_id,
                    revoked_at=rfc3339(revoked_at),
                )
        elif held.status not in _OVER and valid_from <= held.valid_to and held.valid_from <= valid_to:
            raise CertificateOverlaps(
                "the organisation holds a certificate for this time",
                cert_id=held.cert_id,
                status=held.status.value,
            )


def years_after(at: datetime, years: int) -> datetime:
    """The same day and hour some years later; the day before where that is 29 February."""
    try:
        return at.replace(year=at.year + years)
    except ValueError:
        return at.replace(year=at.year + years, day=28)


async def suspend_certificate(
    s: WriteSession, act: Act, *, cert_id: str, reason_code: str, case_id: str | None = None
) -> CertificateRow:
    """Take a certificate out of force at once: no act of the broker is sealed after it (BRK.SUSPEND)."""
    return await _move(
        s, act, CertificateEvent.SUSPEND, cert_id=cert_id, reason_code=reason_code, case_id=case_id
    )


async def reinstate_certificate(
    s: WriteSession, act: Act, *, cert_id: str, reason_code: str, case_id: str | None = None
) -> CertificateRow:
    """Put a suspended certificate back into force (BRK.REINSTATE)."""
    return await _move(
        s, act, CertificateEvent.REINSTATE, cert_id=cert_id, reason_code=reason_code, case_id=case_id
    )


async def revoke_certificate(
    s: WriteSession, act: Act, *, cert_id: str, reason_code: str, case_id: str | None = None
) -> CertificateRow:
    """End a suspended certificate for good (BRK.REVOKE)."""
    return await _move(
        s, act, CertificateEvent.REVOKE, cert_id=cert_id, reason_code=reason_code, case_id=case_id
    )


async def expire_certificate(s: WriteSession, act: Act, *, cert_id: str) -> bool:
    """The clock's end of a certificate whose validity is over (BRK.EXPIRE); False where nothing is to do.

    No act waits for it: every act of a broker asks for the validity itself.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    if row.status in _OVER or act.now <= row.valid_to:
        return False
    await _step(s, act, CertificateEvent.EXPIRE, row, reason_code=None, case_id=None)
    return True


async def _move(
    s: WriteSession,
    act: Act,
    event: CertificateEvent,
    *,
    cert_id: str,
    reason_code: str,
    case_id: str | None,
) -> CertificateRow:
    row = await repository.claim_certificate(s, cert_id=cert_id)
    return await _step(s, act, event, row, reason_code=reason_code, case_id=case_id)


async def _step(
    s: WriteSession,
    act: Act,
    event: CertificateEvent,
    row: CertificateRow,
    *,
    reason_code: str | None,
    case_id: str | None,
) -> CertificateRow:
    before = row.status
    after = certificate_may_move(before, event, act.role)
    claimed = await s.exec(
        update(CertificateRow)
        .where(col(CertificateRow.cert_id) == row.cert_id, col(CertificateRow.status) == before)
        .values(status=after)
    )
    if claimed.rowcount != 1:
        raise CertificateWrongState("the certificate has moved on", cert_id=row.cert_id, event=event.value)
    await s.refresh(row)
    public = {"cert_id": row.cert_id, "org_id": row.org_id}
    public |= {"reason_code": reason_code} if reason_code else {}
    public |= {"case_id": case_id} if case_id else {}
    recorded = await record(
        s,
        act,
        Draft(f"BRK.{event.value}", row.cert_id, public=public, before=before.value, after=after.value),
    )
    s.add(_history(act, row, event=event, reason_code=reason_code, recorded=recorded))
    return row


def _history(
    act: Act, row: CertificateRow, *, event: CertificateEvent, reason_code: str | None, recorded: Recorded
) -> CertificateEventRow:
    return CertificateEventRow(
        statement_id=recorded.statement_id,
        cert_id=row.cert_id,
        event=event.value,
        reason_code=reason_code,
        at=act.occurred_at,
    )
