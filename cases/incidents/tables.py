"""What is kept of incidents and warnings. What persons wrote of themselves is sealed (`intake`)."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from cases.incidents.rules import Kind, Level, Matter, Measure, Receiver, ReportKind
from cases.incidents.signals import Colour, Signal
from cases.incidents.states import IncidentState, WarningState


def _of_incident(*, primary: bool = False) -> Column[str]:
    return Column(
        Text,
        ForeignKey("incidents.incident_id"),
        primary_key=primary,
        nullable=False,
        index=not primary,
    )


class WarningRow(SQLModel, table=True):
    """An early warning: one of a signal (and what it is about) is open at a time.

    `text` is what somebody reported, or an officer should know; it is in no statement.
    """

    __tablename__ = "incident_warnings"
    __table_args__ = (Index("ix_incident_warnings_open", "signal", "about", "status"),)

    warning_id: str = Field(sa_column=Column(Text, primary_key=True))
    signal: Signal = Field(sa_column=Column(text_enum(Signal), nullable=False))
    about: str = Field(default="", sa_column=Column(Text, nullable=False))
    colour: Colour = Field(sa_column=Column(text_enum(Colour), nullable=False))
    status: WarningState = Field(sa_column=Column(text_enum(WarningState), nullable=False, index=True))
    numbers: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    raised_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ack_by: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    acknowledged_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    acknowledged_by: str | None = Field(default=None, sa_column=Column(Text))
    taken_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))  # up, for the first time
    overdue_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    incident_id: str | None = Field(default=None, sa_column=Column(Text))
    named: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    code_mark: str | None = Field(default=None, sa_column=Column(Text, index=True))
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class ReadingRow(SQLModel, table=True):
    """One reading of a signal, at the end of its window."""

    __tablename__ = "incident_readings"

    signal: Signal = Field(sa_column=Column(text_enum(Signal), primary_key=True))
    about: str = Field(default="", sa_column=Column(Text, primary_key=True))
    read_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))


class IncidentRow(SQLModel, table=True):
    """An incident: whom it has befallen, what is known, how far it is."""

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("(level IS NULL) = (status IN ('DETECTED', 'DISMISSED'))", name="graded"),
    )

    incident_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    status: IncidentState = Field(sa_column=Column(text_enum(IncidentState), nullable=False, index=True))
    kind: Kind = Field(sa_column=Column(text_enum(Kind), nullable=False))
    level: Level | None = Field(default=None, sa_column=Column(text_enum(Level)))
    highest: Level | None = Field(  # that it has ever been of
        default=None, sa_column=Column(text_enum(Level, checked=False))
    )
    title: str = Field(sa_column=Column(Text, nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    facts: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    cited: list[str] = Field(default=[], sa_column=Column(JSON, nullable=False))
    detected_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    opened_by: str | None = Field(default=None, sa_column=Column(Text))
    graded_by: str | None = Field(default=None, sa_column=Column(Text))
    warning_id: str | None = Field(default=None, sa_column=Column(Text))
    spared: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    notice_ordered: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    notified: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    reviewed_by: str | None = Field(default=None, sa_column=Column(Text))
    review: str = Field(default="", sa_column=Column(Text, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class DutyRow(SQLModel, table=True):
    """A time that runs in an incident, until it is met, is over, or falls away."""

    __tablename__ = "incident_duties"

    incident_id: str = Field(sa_column=_of_incident(primary=True))
    matter: Matter = Field(sa_column=Column(text_enum(Matter), primary_key=True))
    receiver: Receiver | None = Field(default=None, sa_column=Column(text_enum(Receiver)))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    cited: str = Field(sa_column=Column(Text, nullable=False))
    met_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    overdue_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    dropped_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ReportRow(SQLModel, table=True):
    """A report to an authority: what was known then. `forwarded` came from the protection department."""

    __tablename__ = "incident_reports"

    report_id: str = Field(sa_column=Column(Text, primary_key=True))
    incident_id: str = Field(sa_column=_of_incident())
    kind: ReportKind = Field(sa_column=Column(text_enum(ReportKind), nullable=False))
    receiver: Receiver = Field(sa_column=Column(text_enum(Receiver), nullable=False))
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    reported_by: str = Field(sa_column=Column(Text, nullable=False))
    reported_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    late: bool = Field(sa_column=Column(Boolean, nullable=False))
    forwarded: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    received_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    received_by: str | None = Field(default=None, sa_column=Column(Text))


class MeasureRow(SQLModel, table=True):
    """An order of containment, and what it has stopped; it stands until it is lifted."""

    __tablename__ = "incident_measures"

    order_id: str = Field(sa_column=Column(Text, primary_key=True))
    incident_id: str = Field(sa_column=_of_incident())
    measure: Measure = Field(sa_column=Column(text_enum(Measure), nullable=False))
    object_id: str = Field(sa_column=Column(Text, nullable=False))
    stopped: list[str] = Field(sa_column=Column(JSON, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    ordered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    lifted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class EvidenceRow(SQLModel, table=True):
    """What shows something of an incident, by its digest; `note` says what it is."""

    __tablename__ = "incident_evidence"

    incident_id: str = Field(sa_column=_of_incident(primary=True))
    sha256: str = Field(sa_column=Column(Text, primary_key=True))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    added_by: str = Field(sa_column=Column(Text, nullable=False))
    added_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
