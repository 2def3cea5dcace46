"""The room's one door: what every act of a broker must ask, beside what is done with its papers.

Certificates are decided in `brokers.certifying`, mandates in `brokers.mandating`.
"""

from collections.abc import Sequence
from datetime import datetime

from base.db import WriteSession
from brokers import repository
from brokers.certifying import (
    EXPIRE_JOB,
    CertificateScope,
    certify,
    expire_certificate,
    reinstate_certificate,
    revoke_certificate,
    suspend_certificate,
)
from brokers.errors import BrokerNotCertified, NoActiveMandate
from brokers.facts import certificate_facts, mandate_facts
from brokers.mandating import accept_mandate, revoke_mandate, sign_mandate
from brokers.rules import BrokerAct, Side, check_certificate, check_mandate
from brokers.tables import CertificateRow, MandateRow
from registry.rules import Level

__all__ = [
    "EXPIRE_JOB",
    "CertificateScope",
    "accept_mandate",
    "certificate_facts",
    "certify",
    "expire_certificate",
    "first_mandate",
    "mandate_facts",
    "reinstate_certificate",
    "require_certified",
    "require_mandate",
    "revoke_certificate",
    "revoke_mandate",
    "sign_mandate",
    "suspend_certificate",
]


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
    row = await repository.certificate_in_use(s, org_id=org_id, at=at)
    act = BrokerAct(at=at, sector=sector, level=level, personal=personal, cross_border=cross_border)
    check_certificate(certificate_facts(row), broker_id=org_id, act=act)
    if row is None:  # check_certificate has refused already; this tells the type checker
        raise BrokerNotCertified("the broker has no certificate", broker_id=org_id)
    return row


async def require_mandate(
    s: WriteSession, *, broker_id: str, client_id: str, side: Side, listing_id: str, at: datetime
) -> MandateRow:
    """BR2, at every act of a broker: the client's active mandate for this listing, share-locked.

    Raises NoActiveMandate.
    """
    rows = await repository.mandates_in_use(
        s, broker_id=broker_id, client_ids=[client_id], listing_id=listing_id, at=at
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
