"""What units answered."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class SurveyAnswer(SQLModel, table=True):
    """One answer of a unit about a year: the first, or a later one that takes its place.

    `lines` is the canonical document that the opening holds.
    """

    __tablename__ = "market_survey_answers"
    __table_args__ = (
        UniqueConstraint("org_id", "year", "answer_no"),
        CheckConstraint("answer_no >= 1", name="answer_no"),
    )

    survey_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    year: int = Field(sa_column=Column(Integer, nullable=False, index=True))
    answer_no: int = Field(sa_column=Column(Integer, nullable=False))
    corrects: str | None = Field(default=None, sa_column=Column(Text))
    lines: str = Field(sa_column=Column(Text, nullable=False))
    expenditure_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    explained: str | None = Field(default=None, sa_column=Column(Text))
    late: bool = Field(sa_column=Column(Boolean, nullable=False))
    answered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
