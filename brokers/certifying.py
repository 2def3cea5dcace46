"""What the data authority decides about certificates, and what the clock does to them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.calendar import deadline_after, months_after, shanghai_day
from base.clock import parse_rfc3339, rfc3339
from base.db import WriteSession
from base.errors import Malformed
from base.jobs import enqueue
from brokers import repository
from brokers.credential.issuing import order_credential
from brokers.errors import (
    ApplicationUnderWay,
    BrokerBarred,
    BrokerRoleMissing,
    CertificateNumberTaken,
    CertificateOverlaps,
    CertificateTermWrong,
    CertificateWrongState,
    DecidedSince,
    EmergencyRepeated,
)
from brokers.moving import LATE, Said, begin, moments, step
from brokers.reporting import first_year, wind_year
from brokers.rule_table import in_force
from brokers.rules import (
    BrokerType,
    CertificateEvent,
    CertificateState,
    certificate_may_move,
    check_grade_scope,
)
from brokers.states import APPLICATION, AT_WORK, AUTHORITY, CERTIFICATE_MOVES, IN_BEING
from brokers.tables import ApplicationRow, CertificateRow
from identity.repository import get_founded, get_organisation, lock_organisation
from identity.rules import Role
from identity.service import insert, require_member, same_controller
from ledger.recording import Act
from registry.rules import Level

EXPIRE_JOB: Final = "brokers.certificate-expire"
EMERGENCY_JOB: Final = "brokers.emergency-over"
# However the application ended: what a panel would not have passed is not passed by withdrawing it.
_DECIDED_HERE: Final = (
    *APPLICATION,
    CertificateState.REFUSED,
    CertificateState.WITHDRAWN,
    CertificateState.LAPSED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateScope:
    """What a certificate is for: sectors (`*` for all), the highest level, and whether abroad."""

    broker_type: BrokerType
    grade: int
    sectors: tuple[str, ...]
    max_level: Level
    cross_border: bool = False

    def columns(self) -> dict[str, Any]:
        """As the registers keep it."""
        return {
            "broker_type": self.broker_type.value,
            "grade": self.grade,
            "sectors": sorted(set(self.sectors)),
            "max_level": self.max_level.value,
            "cross_border": self.cross_border,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """On what a certificate is entered that no panel here has passed: a decision of before this exchange."""

    decided_on: date
    decision_sha256: str


async def certify(
    s: WriteSession,
    act: Act,
    *,
    org_id: str,
    cert_no: str,
    scope: CertificateScope,
    valid_from: datetime,
    valid_to: datetime,
    basis: Basis | None = None,
) -> CertificateRow:
    """Enter a certificate that the data authority decided on before this exchange was (BRK.CERTIFY).

    `basis` is that decision, on the ledger by its digest; from outside nothing is entered without one. What
    is decided since goes the way of an application. Raises DecidedSince, CertificateTermWrong,
    CertificateBeyondGrade, CertificateWrongRole, BrokerRoleMissing, BrokerBarred, CertificateOverlaps,
    CertificateNumberTaken, ApplicationUnderWay, `member-not-active`.
    """
    state = certificate_may_move(None, CertificateEvent.CERTIFY, act.role)
    check_scope(scope)
    if basis is not None:
        await _check_before_us(s, basis)
    if valid_to <= valid_from:
        raise Malformed("a certificate ends after it begins", valid_to=rfc3339(valid_to))
    if basis is not None:
        _check_term(act, basis, valid_from=valid_from, valid_to=valid_to)
    await claim_broker(s, org_id=org_id)
    applied = await repository.application_of(s, org_id=org_id, states=_DECIDED_HERE)
    if applied is not None:
        raise ApplicationUnderWay(
            "who has applied here is certified on the application",
            cert_id=applied.cert_id,
            status=applied.status.value,
        )
    await check_free(s, act, org_id=org_id, valid_from=valid_from, valid_to=valid_to)
    row = CertificateRow(
        cert_id=act.new_id("crt"),
        cert_no=cert_no,
        org_id=org_id,
        **scope.columns(),
        valid_from=valid_from,
        valid_to=valid_to,
        status=state,
    )
    await enter(s, act, row, before=None, basis=basis)
    return row


async def _check_before_us(s: WriteSession, basis: Basis) -> None:
    founded = await get_founded(s)
    if founded is not None and basis.decided_on > (day := shanghai_day(founded.at)):
        raise DecidedSince("who is certified since applies here", founded_on=day.isoformat())


def _check_term(act: Act, basis: Basis, *, valid_from: datetime, valid_to: datetime) -> None:
    """What was decided elsewhere runs already, since its decision or later, as long as one from here."""
    latest = years_after(valid_from, in_force(act.now).whole("BRK-CERT", "validity"))
    if valid_to > latest:
        raise CertificateTermWrong("longer than a certificate runs", latest=rfc3339(latest))
    if valid_from > act.now:
        raise CertificateTermWrong("what begins later is applied for here", valid_from=rfc3339(valid_from))
    if basis.decided_on > (day := shanghai_day(valid_from)):
        raise CertificateTermWrong("it begins before it was decided", begins_on=day.isoformat())


def check_scope(scope: CertificateScope) -> None:
    """A scope that a grade may have. Raises CertificateBeyondGrade; Malformed where it names no sector."""
    check_grade_scope(grade=scope.grade, max_level=scope.max_level, cross_border=scope.cross_border)
    if not scope.sectors:
        raise Malformed("a certificate names its sectors, or * for all")


async def claim_broker(s: WriteSession, *, org_id: str) -> None:
    """One decision about a broker at a time. Raises BrokerRoleMissing, `member-not-active`."""
    await lock_organisation(s, org_id=org_id, alone=True)
    member = await require_member(s, org_id=org_id)
    if Role.BROKER not in member.roles:
        raise BrokerRoleMissing("the organisation is no broker of the exchange", org_id=org_id)


async def enter(
    s: WriteSession,
    act: Act,
    row: CertificateRow,
    *,
    before: CertificateState | None,
    basis: Basis | None = None,
) -> None:
    """Store a certificate and state it (BRK.CERTIFY); its clocks begin. Raises CertificateNumberTaken."""
    taken = CertificateNumberTaken("this number belongs to a certificate", cert_no=row.cert_no)
    await insert(s, row, taken)
    public = words_of(row)
    if basis is not None:
        public |= {"decided_on": basis.decided_on.isoformat(), "decision_sha256": basis.decision_sha256}
    said = Said(public=public)
    recorded = await begin(s, act, CertificateEvent.CERTIFY, row, said, before=before)
    await order_credential(s, act, cert_id=row.cert_id, because=recorded.statement_id)
    await wind_end(s, row)
    await wind_year(s, row, year=first_year(max(row.valid_from, act.now)))


def scope_document(row: ApplicationRow | CertificateRow) -> dict[str, Any]:
    """What a certificate is, or would be, for, as statements have it."""
    return {
        "broker_type": row.broker_type,
        "grade": row.grade,
        "sectors": row.sectors,
        "max_level": row.max_level,
        "cross_border": row.cross_border,
    }


def words_of(row: CertificateRow) -> dict[str, Any]:
    """What a certificate says, as statements have it."""
    return {
        "cert_id": row.cert_id,
        "cert_no": row.cert_no,
        "org_id": row.org_id,
        **scope_document(row),
        "valid_from": rfc3339(row.valid_from),
        "valid_to": rfc3339(row.valid_to),
    }


async def wind_end(s: WriteSession, row: CertificateRow) -> None:
    """Have the clock look at a certificate when its validity is over."""
    key = f"{row.cert_id} {rfc3339(row.valid_to)}"
    run_at = row.valid_to + LATE
    await enqueue(s, kind=EXPIRE_JOB, key=key, run_at=run_at, payload={"cert_id": row.cert_id})


async def check_free(
    s: WriteSession, act: Act, *, org_id: str, valid_from: datetime, valid_to: datetime
) -> None:
    """At most one certificate at a time, so that no suspension is walked around; none after a revocation.

    While one is suspended there is no other, not even for the time after its end.
    The bar holds for whoever has the same controller, now or when it was revoked, under whatever name.
    Raises BrokerBarred, CertificateOverlaps.
    """
    organisation = await get_organisation(s, org_id=org_id)
    for barred in await repository.bars(s, now=act.now):
        then = barred.barred_controller
        ours = {org_id, organisation.controller_id if organisation else None} - {None}
        if then in ours or await same_controller(s, org_id, barred.org_id):
            assert barred.barred_until is not None
            raise BrokerBarred(
                "a certificate was revoked less than three years ago",
                cert_id=barred.cert_id,
                barred_until=rfc3339(barred.barred_until),
            )
    for held in await repository.certificates_of(s, org_id=org_id):
        overlaps = valid_from <= held.valid_to and held.valid_from <= valid_to
        undecided = held.status is CertificateState.SUSPENDED
        if undecided or (held.status in IN_BEING and overlaps):
            raise CertificateOverlaps(
                "the organisation holds a certificate for this time",
                cert_id=held.cert_id,
                status=held.status.value,
            )


def years_after(at: datetime, years: int) -> datetime:
    """The same day and hour some years later; the day before where that is 29 February."""
    return months_after(at, 12 * years)


async def suspend_certificate(
    s: WriteSession, act: Act, *, cert_id: str, reason_code: str, case_id: str | None = None
) -> CertificateRow:
    """Take a certificate out of force at once: no act of the broker is sealed after it (BRK.SUSPEND).

    The exchange does so in an emergency, for ten working days, which the authority takes over or lets end.
    Raises CertificateWrongState where the authority's own suspension stands, EmergencyRepeated.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.SUSPEND, act.role)
    if row.status is CertificateState.SUSPENDED and row.emergency_until is None:
        raise CertificateWrongState(
            "an authority's suspension stands already",
            state=row.status.value,
            event=CertificateEvent.SUSPEND.value,
            allowed=sorted(event.value for state, event in CERTIFICATE_MOVES if state is row.status),
        )
    until = None
    if act.role != AUTHORITY:
        await _check_not_repeated(s, act, cert_id=cert_id)
        until = deadline_after(act.now, in_force(act.now).whole("BRK-CERT", "emergency")).at
    await step(
        s,
        act,
        CertificateEvent.SUSPEND,
        row,
        Said(public=moments(until=until)),
        reason_code=reason_code,
        case_id=case_id,
        values={"emergency_until": until},
    )
    if until is not None:
        await _wind_emergency(s, cert_id=cert_id, since=act.now, until=until)
    return row


async def _check_not_repeated(s: WriteSession, act: Act, *, cert_id: str) -> None:
    """Ten working days are not made many by doing it again: the authority decides between."""
    over = await repository.moved_at(s, cert_id=cert_id, event=CertificateEvent.EMERGENCY_OVER)
    decided = await repository.moved_at(s, cert_id=cert_id, event=CertificateEvent.REINSTATE)
    if over is None or (decided is not None and decided > over):
        return
    until = over + timedelta(days=in_force(act.now).whole("BRK-CERT", "emergency_again"))
    if act.now <= until:
        raise EmergencyRepeated(
            "the last emergency ended and nobody has decided on it", cert_id=cert_id, until=rfc3339(until)
        )


async def _wind_emergency(s: WriteSession, *, cert_id: str, since: datetime, until: datetime) -> None:
    await enqueue(
        s,
        kind=EMERGENCY_JOB,
        key=f"{cert_id} {rfc3339(since)} {rfc3339(until)}",
        run_at=until + LATE,
        payload={"cert_id": cert_id, "since": rfc3339(since), "until": rfc3339(until)},
    )


async def end_emergency(s: WriteSession, act: Act, *, cert_id: str, since: str, until: str) -> bool:
    """The clock's end of the exchange's emergency suspension (BRK.EMERGENCY_OVER), unless it was taken over.

    False where nothing is to do.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    stands = None if row.emergency_until is None else rfc3339(row.emergency_until)
    if row.status is not CertificateState.SUSPENDED or stands != until:
        return False
    begun = parse_rfc3339(since)
    over = deadline_after(begun, in_force(begun).whole("BRK-CERT", "emergency")).at
    if act.now <= over:  # the table of working days has grown
        await s.exec(
            update(CertificateRow).where(col(CertificateRow.cert_id) == cert_id).values(emergency_until=over)
        )
        await _wind_emergency(s, cert_id=cert_id, since=begun, until=over)
        return False
    await step(s, act, CertificateEvent.EMERGENCY_OVER, row, values={"emergency_until": None})
    await _expire_if_over(s, act, row)
    return True


async def reinstate_certificate(
    s: WriteSession, act: Act, *, cert_id: str, reason_code: str, case_id: str | None = None
) -> CertificateRow:
    """Put a suspended certificate back into force (BRK.REINSTATE), as it was before: with what still runs."""
    row = await repository.claim_certificate(s, cert_id=cert_id)
    await step(
        s,
        act,
        CertificateEvent.REINSTATE,
        row,
        reason_code=reason_code,
        case_id=case_id,
        values={"emergency_until": None},
    )
    await _expire_if_over(s, act, row)
    return row


async def _expire_if_over(s: WriteSession, act: Act, row: CertificateRow) -> None:
    if act.now > row.valid_to:  # it ended while it was suspended
        await step(s, act.as_exchange(), CertificateEvent.EXPIRE, row)


async def revoke_certificate(
    s: WriteSession, act: Act, *, cert_id: str, reason_code: str, case_id: str | None = None
) -> CertificateRow:
    """End a suspended certificate for good (BRK.REVOKE); a bar on its holder and controller begins."""
    row = await repository.claim_certificate(s, cert_id=cert_id)
    holder = await get_organisation(s, org_id=row.org_id)
    until = years_after(act.now, in_force(act.now).whole("BRK-CERT", "bar"))
    await step(
        s,
        act,
        CertificateEvent.REVOKE,
        row,
        Said(public=moments(barred_until=until)),
        reason_code=reason_code,
        case_id=case_id,
        values={
            "barred_until": until,
            "barred_controller": None if holder is None else holder.controller_id,
        },
    )
    return row


async def expire_certificate(s: WriteSession, act: Act, *, cert_id: str) -> bool:
    """The clock's end of a certificate whose validity is over (BRK.EXPIRE); False where nothing is to do.

    No act waits for it: every act of a broker asks for the validity itself. A suspended one does not expire
    before it is decided on, so that it can still be revoked.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    if row.status not in AT_WORK or act.now <= row.valid_to:
        return False
    await step(s, act, CertificateEvent.EXPIRE, row)
    return True
