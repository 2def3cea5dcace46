"""What is done with certificates and mandates, and what every act of a broker must ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from brokers import repository
from brokers.commission import check_commission
from brokers.errors import CertificateWrongState, MandateWrongRole, MandateWrongState, NoActiveMandate
from brokers.rules import (
    BrokerAct,
    BrokerType,
    Certificate,
    CertificateEvent,
    CertificateState,
    Mandate,
    MandateEvent,
    MandateState,
    Side,
    certificate_may_move,
    check_certificate,
    check_grade_scope,
    check_mandate,
    mandate_may_move,
)
from brokers.tables import CertificateEventRow, CertificateRow, MandateRow
from identity.service import require_member
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.rules import Level


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

    Raises CertificateBeyondGrade, CertificateWrongRole, `member-not-active`.
    """
    state = certificate_may_move(None, CertificateEvent.CERTIFY, act.role)
    check_grade_scope(grade=scope.grade, max_level=scope.max_level, cross_border=scope.cross_border)
    if valid_to <= valid_from:
        raise Malformed("a certificate ends after it begins", valid_to=rfc3339(valid_to))
    await require_member(s, org_id=org_id)
    row = CertificateRow(
        cert_id=act.new_id("crt"),
        cert_no=cert_no,
        org_id=org_id,
        broker_type=scope.broker_type.value,
        grade=scope.grade,
        sectors=sorted(scope.sectors),
        max_level=scope.max_level.value,
        cross_border=scope.cross_border,
        valid_from=valid_from,
        valid_to=valid_to,
        status=state,
    )
    s.add(row)
    await s.flush()
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
    s.add(_history(act, row, event="CERTIFY", reason_code=None, recorded=recorded))
    return row


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
    before = row.status
    after = certificate_may_move(before, event, act.role)
    claimed = await s.exec(
        update(CertificateRow)
        .where(col(CertificateRow.cert_id) == cert_id, col(CertificateRow.status) == before)
        .values(status=after)
    )
    if claimed.rowcount != 1:
        raise CertificateWrongState("the certificate has moved on", cert_id=cert_id, event=event.value)
    await s.refresh(row)
    public = {"cert_id": cert_id, "org_id": row.org_id, "reason_code": reason_code}
    recorded = await record(
        s,
        act,
        Draft(
            f"BRK.{event.value}",
            cert_id,
            public=public | ({"case_id": case_id} if case_id else {}),
            before=before.value,
            after=after.value,
        ),
    )
    s.add(_history(act, row, event=event.value, reason_code=reason_code, recorded=recorded))
    return row


def _history(
    act: Act, row: CertificateRow, *, event: str, reason_code: str | None, recorded: Recorded
) -> CertificateEventRow:
    return CertificateEventRow(
        statement_id=recorded.statement_id,
        cert_id=row.cert_id,
        event=event,
        reason_code=reason_code,
        at=act.occurred_at,
    )


async def sign_mandate(
    s: WriteSession,
    act: Act,
    *,
    broker_id: str,
    side: Side,
    listing_id: str | None,
    scope: str,
    fee_bp: int,
    ends_at: datetime,
    conflict_disclosed: bool = False,
    dual_consent: bool = False,
) -> MandateRow:
    """A client's written mandate, signed by the client (MND.SIGN); the broker still has to accept.

    Raises CommissionAboveCap (BR7), MandateWrongRole, `member-not-active`.
    """
    state = mandate_may_move(None, MandateEvent.SIGN, act.role)
    if act.role != side.value:
        raise MandateWrongRole("a client mandates for its own side", role=act.role, side=side.value)
    check_commission(fee_bp)
    if ends_at <= act.now:
        raise Malformed("a mandate ends in the future", ends_at=rfc3339(ends_at))
    await require_member(s, org_id=act.actor.org_id)
    await require_member(s, org_id=broker_id)
    row = MandateRow(
        mandate_id=act.new_id("mnd"),
        broker_id=broker_id,
        client_id=act.actor.org_id,
        side=side.value,
        listing_id=listing_id,
        scope=scope,
        fee_bp=fee_bp,
        conflict_disclosed=conflict_disclosed,
        dual_consent=dual_consent,
        signed_at=act.occurred_at,
        ends_at=ends_at,
        status=state,
    )
    s.add(row)
    await s.flush()
    await record(s, act, _mandate_draft("MND.SIGN", row, before=None))
    return row


async def accept_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """The broker takes the mandate (MND.ACCEPT). Raises BrokerNotCertified for one without certificate."""
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    _only(row.broker_id, act)
    if act.now > row.ends_at:
        raise MandateWrongState("the mandate has ended", mandate_id=mandate_id)
    held = await repository.certificate_in_use(s, org_id=row.broker_id)
    check_certificate(
        certificate_facts(held),
        broker_id=row.broker_id,
        act=BrokerAct(
            at=act.now,
            sector=held.sectors[0] if held and held.sectors else "*",
            level=Level.GENERAL_1,
        ),
    )
    return await _move_mandate(s, act, row, MandateEvent.ACCEPT, "MND.ACCEPT")


async def revoke_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """The client takes the mandate back (MND.REVOKE)."""
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    _only(row.client_id, act)
    return await _move_mandate(s, act, row, MandateEvent.REVOKE, "MND.REVOKE")


def _only(org_id: str, act: Act) -> None:
    if act.actor.org_id != org_id:
        raise MandateWrongRole("the mandate is between others", role=act.role)


async def _move_mandate(
    s: WriteSession, act: Act, row: MandateRow, event: MandateEvent, name: str
) -> MandateRow:
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
    await record(s, act, _mandate_draft(name, row, before=before))
    return row


def _mandate_draft(event: str, row: MandateRow, *, before: MandateState | None) -> Draft:
    return Draft(
        event,
        row.mandate_id,
        public={
            "mandate_id": row.mandate_id,
            "broker_id": row.broker_id,
            "client_id": row.client_id,
            "side": row.side,
            "listing_id": row.listing_id,
            "ends_at": rfc3339(row.ends_at),
        },
        opening={
            "fee_bp": row.fee_bp,
            "conflict_disclosed": row.conflict_disclosed,
            "dual_consent": row.dual_consent,
            "scope": row.scope,
        },
        before=before.value if before else None,
        after=row.status.value,
    )


async def require_certified(
    s: WriteSession,
    *,
    org_id: str,
    at: datetime,
    sector: str,
    level: Level,
    personal: bool = False,
    cross_border: bool = False,
) -> CertificateRow:
    """BR1, at every act of a broker: an active certificate that covers it, share-locked.

    Raises BrokerNotCertified.
    """
    row = await repository.certificate_in_use(s, org_id=org_id)
    act = BrokerAct(at=at, sector=sector, level=level, personal=personal, cross_border=cross_border)
    check_certificate(certificate_facts(row), broker_id=org_id, act=act)
    assert row is not None
    return row


async def require_mandate(
    s: WriteSession, *, broker_id: str, client_id: str, side: Side, listing_id: str, at: datetime
) -> MandateRow:
    """BR2, at every act of a broker: the client's active mandate for this listing, share-locked.

    Raises NoActiveMandate.
    """
    rows = await repository.mandates_in_use(
        s, broker_id=broker_id, client_ids=[client_id], listing_id=listing_id
    )
    fitting = [row for row in rows if row.side == side.value]
    row = fitting[-1] if fitting else None
    check_mandate(
        mandate_facts(row) if row else None,
        broker_id=broker_id,
        client_id=client_id,
        side=side,
        listing_id=listing_id,
        at=at,
    )
    if row is None:  # check_mandate has refused already; this tells the type checker
        raise NoActiveMandate("the client gave no mandate", broker_id=broker_id, client_id=client_id)
    return row


async def first_mandate(
    s: WriteSession,
    *,
    broker: str,
    clients: Sequence[tuple[Side, str]],
    listing_id: str,
    at: datetime,
) -> MandateRow:
    """The first active mandate among these clients, in their order, share-locked.

    Raises NoActiveMandate, about the last client, when none of them gave one.
    """
    refused: NoActiveMandate | None = None
    for side, client_id in clients:
        try:
            return await require_mandate(
                s, broker_id=broker, client_id=client_id, side=side, listing_id=listing_id, at=at
            )
        except NoActiveMandate as refusal:
            refused = refusal
    raise refused or NoActiveMandate("no client was named", broker_id=broker)


def certificate_facts(row: CertificateRow | None) -> Certificate | None:
    """A certificate's row as the rules take it."""
    if row is None:
        return None
    return Certificate(
        cert_id=row.cert_id,
        org_id=row.org_id,
        broker_type=BrokerType(row.broker_type),
        grade=row.grade,
        sectors=frozenset(row.sectors),
        max_level=Level(row.max_level),
        cross_border=row.cross_border,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        status=CertificateState(row.status),
    )


def mandate_facts(row: MandateRow) -> Mandate:
    """A mandate's row as the rules take it."""
    return Mandate(
        mandate_id=row.mandate_id,
        broker_id=row.broker_id,
        client_id=row.client_id,
        side=Side(row.side),
        listing_id=row.listing_id,
        ends_at=row.ends_at,
        status=MandateState(row.status),
        fee_bp=row.fee_bp,
        conflict_disclosed=row.conflict_disclosed,
        dual_consent=row.dual_consent,
    )
