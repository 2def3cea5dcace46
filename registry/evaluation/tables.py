"""What is kept about evaluations: the periods, each agency's course, and every frozen set of inputs."""

from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.evaluation.states import EvaluationState


class PeriodRow(SQLModel, table=True):
    """A period that is evaluated: `covers_from` to `covers_to`, both days inclusive."""

    __tablename__ = "registry_evaluation_periods"
    __table_args__ = (CheckConstraint("covers_from <= covers_to", name="covers"),)

    period_id: str = Field(sa_column=Column(Text, primary_key=True))
    authority_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    name: str = Field(sa_column=Column(Text, nullable=False))
    covers_from: date = Field(sa_column=Column(Date, nullable=False))
    covers_to: date = Field(sa_column=Column(Date, nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class EvaluationRow(SQLModel, table=True):
    """One agency in one period.

    `due_at` is when the present state is over, None where it has no end or is overdue. `score` is in
    hundredths of a point; None where too little could be weighed. `scored_by` and `answered_by` are persons,
    `chief_id` and `objected_as` the appointments that signed.
    """

    __tablename__ = "registry_evaluations"
    __table_args__ = (
        UniqueConstraint("period_id", "agency_id"),
        CheckConstraint("score BETWEEN 0 AND 10000", name="score"),
        CheckConstraint("version >= 0", name="version"),
    )

    evaluation_id: str = Field(sa_column=Column(Text, primary_key=True))
    period_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_evaluation_periods.period_id"), nullable=False)
    )
    agency_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    authority_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    status: EvaluationState = Field(sa_column=Column(text_enum(EvaluationState), nullable=False, index=True))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    chief_id: str | None = Field(default=None, sa_column=Column(Text))
    report: str | None = Field(default=None, sa_column=Column(Text))
    report_sha256: str | None = Field(default=None, sa_column=Column(Text))
    reported_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    version: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    score: int | None = Field(default=None, sa_column=Column(Integer))
    grade: str | None = Field(default=None, sa_column=Column(Text))
    scored_by: str | None = Field(default=None, sa_column=Column(Text))
    scored_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    objection: str | None = Field(default=None, sa_column=Column(Text))
    objected_as: str | None = Field(default=None, sa_column=Column(Text))
    objected_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    answer: str | None = Field(default=None, sa_column=Column(Text))
    answered_by: str | None = Field(default=None, sa_column=Column(Text))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    published_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class FrozenRow(SQLModel, table=True):
    """What a score was computed from and what came out: canonical bytes, kept as they are."""

    __tablename__ = "registry_evaluation_inputs"

    evaluation_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_evaluations.evaluation_id"), primary_key=True)
    )
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    inputs: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    inputs_sha256: str = Field(sa_column=Column(Text, nullable=False, index=True))
    result: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    frozen_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class IncidentRecordRow(SQLModel, table=True):
    """A security incident of a member, as the desk of incidents has entered it (`cases.incidents`).

    `counts`: it is of a level that is reported. `late`: a report of it was.
    """

    __tablename__ = "registry_incident_records"

    incident_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    detected_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    counts: bool = Field(sa_column=Column(Boolean, nullable=False))
    late: bool = Field(sa_column=Column(Boolean, nullable=False))
