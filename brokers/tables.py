"""What is kept about brokers: certificates with their history, and mandates."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from brokers.states import CertificateState, MandateState


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


class CertificateRow(SQLModel, table=True):
    """A broker's qualification certificate (数据经纪人资格证书, `rules.md` §2.2.3)."""

    __tablename__ = "brokers_certificates"
    __table_args__ = (CheckConstraint("grade BETWEEN 1 AND 3", name="grade"),)

    cert_id: str = Field(sa_column=Column(Text, primary_key=True))
    cert_no: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    org_id: str = Field(sa_column=_org())
    broker_type: str = Field(sa_column=Column(Text, nullable=False))
    grade: int = Field(sa_column=Column(Integer, nullable=False))
    sectors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    max_level: str = Field(sa_column=Column(Text, nullable=False))
    cross_border: bool = Field(sa_column=Column(Boolean, nullable=False))
    valid_from: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    valid_to: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    status: CertificateState = Field(sa_column=Column(text_enum(CertificateState), nullable=False))


class CertificateEventRow(SQLModel, table=True):
    """One step in a certificate's history, with the statement that records it."""

    __tablename__ = "brokers_certificate_events"

    statement_id: str = Field(sa_column=Column(Text, primary_key=True))
    cert_id: str = Field(
        sa_column=Column(Text, ForeignKey("brokers_certificates.cert_id"), nullable=False, index=True)
    )
    event: str = Field(sa_column=Column(Text, nullable=False))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class MandateRow(SQLModel, table=True):
    """A client's written mandate to a broker; without a listing it covers the client's whole side."""

    __tablename__ = "brokers_mandates"
    __table_args__ = (
        CheckConstraint("side IN ('PROVIDER', 'BUYER')", name="side"),
        CheckConstraint("fee_bp >= 0", name="fee"),
    )

    mandate_id: str = Field(sa_column=Column(Text, primary_key=True))
    broker_id: str = Field(sa_column=_org())
    client_id: str = Field(sa_column=_org())
    side: str = Field(sa_column=Column(Text, nullable=False))
    listing_id: str | None = Field(default=None, sa_column=Column(Text))
    scope: str = Field(sa_column=Column(Text, nullable=False))
    fee_bp: int = Field(sa_column=Column(Integer, nullable=False))
    conflict_disclosed: bool = Field(sa_column=Column(Boolean, nullable=False))
    dual_consent: bool = Field(sa_column=Column(Boolean, nullable=False))
    signed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ends_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    status: MandateState = Field(sa_column=Column(text_enum(MandateState), nullable=False))
