"""The room's one door: what every act of a broker must ask, beside what is done with its papers.

Certificates are decided in `brokers.certifying`, mandates in `brokers.mandating`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from base.db import WriteSession
from brokers import repository
from brokers.certifying import (
    EXPIRE_JOB,
    Basis,
    CertificateScope,
    certify,
    expire_certificate,
    reinstate_certificate,
    revoke_certificate,
    suspend_certificate,
)
from brokers.errors import BrokerNotCertified, NoActiveMandate
from brokers.facts import certificate_facts, mandate_facts
from brokers.mandates.document import Use, check_use
from brokers.mandates.errors import MandateExceeded
from brokers.mandates.repository import limits_of, terms_by_mandate
from brokers.mandating import accept_mandate, hand_over_mandate, revoke_mandate, sign_mandate
from brokers.rules import BrokerAct, Side, check_certificate, check_mandate
from brokers.tables import CertificateRow, MandateRow
from registry.rules import Level

__all__ = [
    "EXPIRE_JOB",
    "Basis",
    "CertificateScope",
    "accept_mandate",
    "certificate_facts",
    "certify",
    "expire_certificate",
    "first_mandate",
    "hand_over_mandate",
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
    s: WriteSession,
    *,
    broker_id: str,
    client_id: str,
    side: Side,
    listing_id: str,
    at: datetime,
    use: Use | None = None,
    spent: Collection[str] = (),
) -> MandateRow:
    """BR2, at every act of a broker: the client's active mandate for this listing, share-locked.

    `use` is what the act does under it, `spent` are the mandates for one deal that have theirs. Of several
    mandates in force one that allows it is enough. Raises NoActiveMandate, MandateExceeded.
    """
    rows = await repository.mandates_in_use(
        s, broker_id=broker_id, client_ids=[client_id], listing_id=listing_id, at=at
    )
    fitting = [row for row in rows if row.side == side.value and row.mandate_id not in spent]
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
    if use is not None:
        return await _allowing(s, [one for one in fitting if repository.in_force(one, at)], use)
    return row


async def _allowing(s: WriteSession, rows: Sequence[MandateRow], use: Use) -> MandateRow:
    """The last of these mandates, the first of which there is, that allows the use; else MandateExceeded."""
    terms = await terms_by_mandate(s, [row.mandate_id for row in rows])
    refused: MandateExceeded | None = None
    for row in reversed(rows):
        try:
            check_use(limits_of(terms.get(row.mandate_id)), use, mandate_id=row.mandate_id)
        except MandateExceeded as refusal:
            refused = refused or refusal
        else:
            return row
    assert refused is not None  # there is a mandate in force, or BR2 has refused before
    raise refused


async def first_mandate(
    s: WriteSession,
    *,
    broker: str,
    clients: Sequence[tuple[Side, str]],
    listing_id: str,
    at: datetime,
    use: Use | None = None,
    spent: Collection[str] = (),
) -> MandateRow:
    """The first active mandate among these clients, in their order, share-locked.

    Raises NoActiveMandate, about the last client, when none of them gave one.
    """
    refused: NoActiveMandate | None = None
    for side, client_id in clients:
        try:
            return await require_mandate(
                s,
                broker_id=broker,
                client_id=client_id,
                side=side,
                listing_id=listing_id,
                at=at,
                use=use,
                spent=spent,
            )
        except NoActiveMandate as refusal:
            refused = refusal
    raise refused or NoActiveMandate("no client was named", broker_id=broker)
