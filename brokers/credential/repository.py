"""What is asked about issuers, credentials and the places in their lists."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_
from sqlmodel import col, select

from base.credential.status import Purpose
from base.db import ReadSession
from brokers.credential.document import Practitioner
from brokers.credential.tables import CredentialRow, IssuerRow, StatusPlaceRow
from brokers.states import IN_BEING, CertificateEvent, CertificateState
from brokers.tables import ApplicationRow, CertificateEventRow, CertificateRow

# Over before its time: the credential must not outlive it. (One that expired says so itself.)
GONE = (CertificateState.REVOKED, CertificateState.EXITED)


@dataclass(frozen=True, slots=True)
class Marked:
    """The places of a list whose bits are set, and when one was last set or cleared."""

    places: dict[Purpose, frozenset[int]]
    changed_at: datetime | None


async def issuer_in_office(s: ReadSession) -> IssuerRow | None:
    """The issuer that signs now, or None where none was appointed."""
    return (await s.exec(select(IssuerRow).where(col(IssuerRow.retired_at).is_(None)))).first()


async def issuers(s: ReadSession) -> list[IssuerRow]:
    """All issuers, newest first."""
    return list((await s.exec(select(IssuerRow).order_by(col(IssuerRow.number).desc()))).all())


async def get_issuer(s: ReadSession, *, number: int) -> IssuerRow | None:
    """An issuer, by its number."""
    return (await s.exec(select(IssuerRow).where(IssuerRow.number == number))).first()


async def get_credential(s: ReadSession, *, credential_id: str) -> CredentialRow | None:
    """A credential, withdrawn or not."""
    return (await s.exec(select(CredentialRow).where(CredentialRow.credential_id == credential_id))).first()


async def credential_of(s: ReadSession, *, cert_id: str) -> CredentialRow | None:
    """The credential of a certificate that is not withdrawn."""
    query = select(CredentialRow).where(
        CredentialRow.cert_id == cert_id, col(CredentialRow.withdrawn_at).is_(None)
    )
    return (await s.exec(query.order_by(col(CredentialRow.credential_id).desc()).limit(1))).first()


async def places_taken(s: ReadSession, *, number: int) -> Collection[int]:
    """The places of a list that were ever given."""
    query = select(StatusPlaceRow.place).where(StatusPlaceRow.issuer_number == number)
    return set((await s.exec(query)).all())


async def marked(s: ReadSession, *, number: int) -> Marked:
    """What a list has to say at this moment, straight from the certificates: no copy that could lag."""
    gone = or_(
        col(CredentialRow.withdrawn_at).is_not(None),
        col(CertificateRow.status).in_(GONE),
    )
    says = or_(
        and_(col(StatusPlaceRow.purpose) == Purpose.REVOCATION.value, gone),
        and_(
            col(StatusPlaceRow.purpose) == Purpose.SUSPENSION.value,
            col(CertificateRow.status) == CertificateState.SUSPENDED,
        ),
    )
    query = (
        select(StatusPlaceRow.purpose, StatusPlaceRow.place)
        .join(CredentialRow, col(CredentialRow.credential_id) == col(StatusPlaceRow.credential_id))
        .join(CertificateRow, col(CertificateRow.cert_id) == col(CredentialRow.cert_id))
        .where(StatusPlaceRow.issuer_number == number, says)
    )
    places: dict[Purpose, set[int]] = {purpose: set() for purpose in Purpose}
    for purpose, place in (await s.exec(query)).all():
        places[Purpose(purpose)].add(place)
    moved = (
        select(func.max(CertificateEventRow.at))
        .join(CredentialRow, col(CredentialRow.cert_id) == col(CertificateEventRow.cert_id))
        .where(CredentialRow.issuer_number == number)
    )
    withdrawn = select(func.max(CredentialRow.withdrawn_at)).where(CredentialRow.issuer_number == number)
    changes = [(await s.exec(query)).one() for query in (moved, withdrawn)]
    return Marked(
        {purpose: frozenset(found) for purpose, found in places.items()},
        max((at for at in changes if at is not None), default=None),
    )


async def certificates_in_being(s: ReadSession) -> list[str]:
    """The ids of the certificates that are in force, or could come back into it."""
    query = select(CertificateRow.cert_id).where(col(CertificateRow.status).in_(IN_BEING))
    return list((await s.exec(query.order_by(CertificateRow.cert_id))).all())


async def statement_that_says(s: ReadSession, *, cert_id: str) -> str | None:
    """The newest statement that gave the certificate its words: it was entered, renewed or cut."""
    giving = (CertificateEvent.CERTIFY.value, CertificateEvent.RENEW.value, CertificateEvent.CUT_SCOPE.value)
    query = (
        select(CertificateEventRow.statement_id)
        .where(CertificateEventRow.cert_id == cert_id, col(CertificateEventRow.event).in_(giving))
        .order_by(col(CertificateEventRow.at).desc(), col(CertificateEventRow.statement_id).desc())
    )
    return (await s.exec(query.limit(1))).first()


async def practitioners_of(s: ReadSession, *, cert_id: str) -> list[Practitioner]:
    """The persons whom the application named; nobody where the certificate was entered without one."""
    query = select(ApplicationRow.claims).where(ApplicationRow.cert_id == cert_id)
    claims = (await s.exec(query)).first() or {}
    return [Practitioner(one["name"], one["number"]) for one in claims.get("practitioners", [])]
