"""What is kept of opening: the open list, users and agreements, what was had of it, checks and plans."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.opening.rules import Licence, Mode
from registry.opening.states import AgreementState, OpenState


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


def _of_entry() -> Column[str]:
    return Column(Text, ForeignKey("registry_open_entries.open_id"), nullable=False, index=True)


def _text() -> Column[str]:
    return Column(Text, nullable=False)


def _at() -> Column[datetime]:
    return Column(UtcDateTime, nullable=False)


_GONE = text("status NOT IN ('NOT_OPEN', 'RETIRED')")


class OpenEntryRow(SQLModel, table=True):
    """An entry of the open list (开放清单). Downloads share-lock it, and the data entry that it opens.

    `held_by` is the role of the authority that suspended it and has not let it go. `security_review_id` is
    the review that opened city video or sensor readings. `file_sha256` are the bytes that it serves: those
    that were reviewed, or scanned since; None for an interface. `first_opened_at` stays through suspensions.
    """

    __tablename__ = "registry_open_entries"
    __table_args__ = (
        Index(
            "ix_registry_open_entries_one_live",
            "data_id",
            unique=True,
            postgresql_where=_GONE,
            sqlite_where=_GONE,
        ),
    )

    open_id: str = Field(sa_column=Column(Text, primary_key=True))
    data_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_data.data_id"), nullable=False, index=True)
    )
    agency_id: str = Field(sa_column=_org())
    status: OpenState = Field(sa_column=Column(text_enum(OpenState), nullable=False, index=True))
    mode: Mode = Field(sa_column=Column("open_mode", text_enum(Mode), nullable=False))
    licence: Licence = Field(sa_column=Column(text_enum(Licence), nullable=False))
    conditions: str = Field(sa_column=_text())
    law: str = Field(sa_column=_text())
    risk_assessment_sha256: str | None = Field(default=None, sa_column=Column(Text))
    covers_from: date | None = Field(default=None, sa_column=Column(Date))
    covers_to: date | None = Field(default=None, sa_column=Column(Date))
    proposed_by: str | None = Field(default=None, sa_column=Column(Text))
    chief_id: str | None = Field(default=None, sa_column=Column(Text))
    security_review_id: str | None = Field(default=None, sa_column=Column(Text))
    file_sha256: str | None = Field(default=None, sa_column=Column(Text))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    held_by: str | None = Field(default=None, sa_column=Column(Text))
    proposed_at: datetime = Field(sa_column=_at())
    changed_at: datetime = Field(sa_column=_at())
    first_opened_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class OpenUserRow(SQLModel, table=True):
    """A user whom a targeted opening names, for which purposes, until when; `ended_at` when no longer."""

    __tablename__ = "registry_open_users"

    open_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_open_entries.open_id"), primary_key=True)
    )
    user_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, index=True)
    )
    purposes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    until: datetime = Field(sa_column=_at())
    named_at: datetime = Field(sa_column=_at())
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class AgreementRow(SQLModel, table=True):
    """An agreement of an authorised opening; `policy` is the ODRL document that both signed by its digest."""

    __tablename__ = "registry_open_agreements"
    __table_args__ = (CheckConstraint("length(policy_sha256) = 64", name="digest"),)

    agreement_id: str = Field(sa_column=Column(Text, primary_key=True))
    open_id: str = Field(sa_column=_of_entry())
    agency_id: str = Field(sa_column=_org())
    user_id: str = Field(sa_column=_org())
    status: AgreementState = Field(sa_column=Column(text_enum(AgreementState), nullable=False))
    purposes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    valid_from: datetime = Field(sa_column=_at())
    valid_to: datetime = Field(sa_column=_at())
    policy: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    policy_sha256: str = Field(sa_column=_text())
    offered_at: datetime = Field(sa_column=_at())
    signed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class OpenUseRow(SQLModel, table=True):
    """How often an entry was had on a day, and how much of it. `taker` is empty for everybody.

    Nobody who takes what is open to all is told from anybody else; a named user is counted by purpose.
    """

    __tablename__ = "registry_open_uses"

    open_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_open_entries.open_id"), primary_key=True)
    )
    day: date = Field(sa_column=Column("used_on", Date, primary_key=True))
    taker: str = Field(sa_column=Column(Text, primary_key=True))
    purpose: str = Field(sa_column=Column(Text, primary_key=True))
    downloads: int = Field(sa_column=Column(BigInteger, nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))


class OpenCheckRow(SQLModel, table=True):
    """A check of the open list against reality: its report as canonical bytes."""

    __tablename__ = "registry_open_checks"

    check_id: str = Field(sa_column=Column(Text, primary_key=True))
    agency_id: str | None = Field(default=None, sa_column=Column(Text))
    report: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    report_sha256: str = Field(sa_column=_text())
    holds: bool = Field(sa_column=Column(Boolean, nullable=False))
    checked_at: datetime = Field(sa_column=_at())


class OpenPlanRow(SQLModel, table=True):
    """An agency's opening plan of a year: the first rows of the ranking, each with its reasons."""

    __tablename__ = "registry_open_plans"
    __table_args__ = (
        UniqueConstraint("agency_id", "plan_year"),
        CheckConstraint("version >= 1", name="version"),
    )

    plan_id: str = Field(sa_column=Column(Text, primary_key=True))
    agency_id: str = Field(sa_column=_org())
    year: int = Field(sa_column=Column("plan_year", Integer, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    rows: list[dict[str, Any]] = Field(sa_column=Column("planned_rows", JSON, nullable=False))
    rows_sha256: str = Field(sa_column=_text())
    chief_id: str = Field(sa_column=_text())
    published_at: datetime = Field(sa_column=_at())
