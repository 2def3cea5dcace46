"""What is kept about brokers: certificates with their history, and mandates."""

from datetime import datetime
from typing import Any

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
    # The end of the exchange's emergency suspension; None for a suspension of the authority's.
    emergency_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    # What a suspended certificate was suspended from, and goes back to.
    suspended_from: str | None = Field(default=None, sa_column=Column(Text))
    exits_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    # After a revocation: until when, and under whose control, nobody applies again.
    barred_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    barred_controller: str | None = Field(default=None, sa_column=Column(Text))


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


class ApplicationRow(SQLModel, table=True):
    """An application for a certificate, which will bear the same id; ACTIVE once it was certified.

    `since` is when the clock of the present state began and `due_at` when it ends. `claims` is what the
    applicant says of itself, `gaps` what it was told to correct.
    """

    __tablename__ = "brokers_applications"
    __table_args__ = (CheckConstraint("grade BETWEEN 1 AND 3", name="grade"),)

    cert_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(sa_column=_org())
    status: CertificateState = Field(
        sa_column=Column(text_enum(CertificateState), nullable=False, index=True)
    )
    broker_type: str = Field(sa_column=Column(Text, nullable=False))
    grade: int = Field(sa_column=Column(Integer, nullable=False))
    sectors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    max_level: str = Field(sa_column=Column(Text, nullable=False))
    cross_border: bool = Field(sa_column=Column(Boolean, nullable=False))
    claims: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    gaps: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    asked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    applied_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    notice_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))


class EvidenceRow(SQLModel, table=True):
    """A document that was filed for a certificate, with the statement that has its digest."""

    __tablename__ = "brokers_evidence"

    statement_id: str = Field(sa_column=Column(Text, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    cert_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    org_id: str = Field(sa_column=_org())
    event: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    dated_on: str = Field(sa_column=Column(Text, nullable=False))
    back_dated: bool = Field(sa_column=Column(Boolean, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class PanelVoteRow(SQLModel, table=True):
    """What one natural person of the panel thinks of an application; each votes once."""

    __tablename__ = "brokers_panel_votes"

    cert_id: str = Field(sa_column=Column(Text, ForeignKey("brokers_applications.cert_id"), primary_key=True))
    person: str = Field(sa_column=Column(Text, primary_key=True))
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    approves: bool = Field(sa_column=Column(Boolean, nullable=False))
    reasons: str = Field(sa_column=Column(Text, nullable=False))
    voted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class PanelTieRow(SQLModel, table=True):
    """An organisation to which somebody of the authority has declared a tie."""

    __tablename__ = "brokers_panel_ties"

    person: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True))
    declared_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class ObjectionRow(SQLModel, table=True):
    """A named objection against an application on public notice. `upheld` None while it is open."""

    __tablename__ = "brokers_objections"

    objection_id: str = Field(sa_column=Column(Text, primary_key=True))
    cert_id: str = Field(
        sa_column=Column(Text, ForeignKey("brokers_applications.cert_id"), nullable=False, index=True)
    )
    objector_id: str = Field(sa_column=_org())
    text: str = Field(sa_column=Column(Text, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    upheld: bool | None = Field(default=None, sa_column=Column(Boolean))
    answer: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class AnnualRow(SQLModel, table=True):
    """A broker's report on a year, what the authority found, and what was to be put right."""

    __tablename__ = "brokers_annual"

    cert_id: str = Field(sa_column=Column(Text, ForeignKey("brokers_certificates.cert_id"), primary_key=True))
    year: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    report_sha256: str = Field(sa_column=Column(Text, nullable=False))
    dated_on: str = Field(sa_column=Column(Text, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    late: bool = Field(sa_column=Column(Boolean, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    result: str | None = Field(default=None, sa_column=Column(Text))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    rectify_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    rectified_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
