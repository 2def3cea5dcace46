"""Rows as the rules take them."""

from brokers.rules import BrokerType, Certificate, CertificateState, Mandate, MandateState, Side
from brokers.tables import CertificateRow, MandateRow
from registry.rules import Level


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
