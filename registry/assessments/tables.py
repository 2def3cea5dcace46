"""What is kept of these duties: findings, yearly assessments, assessors, rounds, confidential items."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.assessments.rules import Secrecy
from registry.assessments.states import AssessorState, ItemState, RiskState, RoundState


def _org(*, nullable: bool = False) -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=nullable, index=True)


def _moment(*, nullable: bool = True) -> Column[datetime]:
    return Column(UtcDateTime, nullable=nullable)


class FindingRow(SQLModel, table=True):
    """A finding of an assessment: open until the reviewer closes what the holder has remedied.

    `remedied_at` is None while nothing was handed in; an answer that reopens it takes it back.
    """

    __tablename__ = "registry_assessment_findings"

    assessment_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_assessments.assessment_id"), primary_key=True)
    )
    no: int = Field(sa_column=Column("finding_no", Integer, primary_key=True))
    text: str = Field(sa_column=Column("said", Text, nullable=False))
    due_at: datetime = Field(sa_column=_moment(nullable=False))
    remedy: str | None = Field(default=None, sa_column=Column(Text))
    evidence_sha256: str | None = Field(default=None, sa_column=Column(Text))
    remedied_at: datetime | None = Field(default=None, sa_column=_moment())
    remedied_by: str | None = Field(default=None, sa_column=Column(Text))
    answer: str | None = Field(default=None, sa_column=Column(Text))
    closed_at: datetime | None = Field(default=None, sa_column=_moment())


class RiskRow(SQLModel, table=True):
    """A year's risk assessment of a handler of important data.

    `entries` are the live entries it is about, `assessor_id` the organisation that assesses (the handler's
    own for a self-assessment). `due_at` is the deadline of the present stage of the handler, `forward_by`
    the authority's; `overdue_at` and `forward_overdue_at` are when they were stated as missed.
    """

    __tablename__ = "registry_risk_assessments"
    __table_args__ = (UniqueConstraint("handler_id", "of_year"),)

    risk_id: str = Field(sa_column=Column(Text, primary_key=True))
    handler_id: str = Field(sa_column=_org())
    year: int = Field(sa_column=Column("of_year", Integer, nullable=False))
    status: RiskState = Field(sa_column=Column(text_enum(RiskState), nullable=False, index=True))
    entries: list[str] = Field(sa_column=Column(JSON, nullable=False))
    assessor_id: str | None = Field(default=None, sa_column=_org(nullable=True))
    report: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    report_sha256: str | None = Field(default=None, sa_column=Column(Text))
    order_text: str | None = Field(default=None, sa_column=Column(Text))
    rectification: str | None = Field(default=None, sa_column=Column(Text))
    evidence_sha256: str | None = Field(default=None, sa_column=Column(Text))
    planned_at: datetime = Field(sa_column=_moment(nullable=False))
    completed_at: datetime | None = Field(default=None, sa_column=_moment())
    reported_at: datetime | None = Field(default=None, sa_column=_moment())
    forwarded_at: datetime | None = Field(default=None, sa_column=_moment())
    finished_at: datetime | None = Field(default=None, sa_column=_moment())
    due_at: datetime | None = Field(default=None, sa_column=_moment())
    overdue_at: datetime | None = Field(default=None, sa_column=_moment())
    forward_by: datetime | None = Field(default=None, sa_column=_moment())
    forward_overdue_at: datetime | None = Field(default=None, sa_column=_moment())
    keep_until: datetime | None = Field(default=None, sa_column=_moment())


class AssessorRow(SQLModel, table=True):
    """An assessor on the register, from its application on."""

    __tablename__ = "registry_assessors"
    __table_args__ = (CheckConstraint("staff >= 0 AND years >= 0", name="qualified"),)

    assessor_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(sa_column=_org())
    status: AssessorState = Field(sa_column=Column(text_enum(AssessorState), nullable=False, index=True))
    trades: list[str] = Field(sa_column=Column(JSON, nullable=False))
    staff: int = Field(sa_column=Column(Integer, nullable=False))
    years: int = Field(sa_column=Column(Integer, nullable=False))
    certificate_sha256: str = Field(sa_column=Column(Text, nullable=False))
    applied_at: datetime = Field(sa_column=_moment(nullable=False))
    registered_at: datetime | None = Field(default=None, sa_column=_moment())
    valid_until: datetime | None = Field(default=None, sa_column=_moment())
    reason: str | None = Field(default=None, sa_column=Column(Text))


class RoundRow(SQLModel, table=True):
    """A department's yearly look through its entries of the important-data catalogue in one sector.

    `answers` is what became of each entry, by its id; `added` how many were identified since it opened.
    """

    __tablename__ = "registry_catalogue_rounds"
    __table_args__ = (UniqueConstraint("department_id", "sector", "of_year"),)

    round_id: str = Field(sa_column=Column(Text, primary_key=True))
    department_id: str = Field(sa_column=_org())
    sector: str = Field(sa_column=Column(Text, nullable=False))
    year: int = Field(sa_column=Column("of_year", Integer, nullable=False))
    status: RoundState = Field(sa_column=Column(text_enum(RoundState), nullable=False, index=True))
    answers: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    added: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    chief_id: str | None = Field(default=None, sa_column=Column(Text))
    opened_at: datetime = Field(sa_column=_moment(nullable=False))
    due_at: datetime = Field(sa_column=_moment(nullable=False))
    answered_at: datetime | None = Field(default=None, sa_column=_moment())


class ItemRow(SQLModel, table=True):
    """A confidential item: a file that is kept here, or an object that is kept elsewhere, by its digest.

    `accesses` is how many there were, `head` the digest of the last one (the item's own before the first).
    """

    __tablename__ = "registry_confidential"

    item_id: str = Field(sa_column=Column(Text, primary_key=True))
    holder_id: str = Field(sa_column=_org())
    status: ItemState = Field(sa_column=Column(text_enum(ItemState), nullable=False))
    secrecy: Secrecy = Field(sa_column=Column(text_enum(Secrecy), nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    object_id: str | None = Field(default=None, sa_column=Column(Text, index=True))
    file_id: str | None = Field(default=None, sa_column=Column(Text))
    file_bytes: int | None = Field(default=None, sa_column=Column(BigInteger))
    until: datetime = Field(sa_column=_moment(nullable=False))
    accesses: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    head: str = Field(sa_column=Column(Text, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    marked_at: datetime = Field(sa_column=_moment(nullable=False))


class ReaderRow(SQLModel, table=True):
    """A member that an item's holder has admitted to it."""

    __tablename__ = "registry_confidential_readers"

    item_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_confidential.item_id"), primary_key=True)
    )
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, index=True)
    )
    admitted_at: datetime = Field(sa_column=_moment(nullable=False))


class AccessRow(SQLModel, table=True):
    """One access to a confidential item, chained to the one before; `record` is what its digest is of."""

    __tablename__ = "registry_confidential_accesses"

    item_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_confidential.item_id"), primary_key=True)
    )
    no: int = Field(sa_column=Column("access_no", Integer, primary_key=True))
    org_id: str = Field(sa_column=Column(Text, nullable=False))
    user_id: str | None = Field(default=None, sa_column=Column(Text))
    record: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column("read_at", UtcDateTime, nullable=False))
