"""What is kept about cases and orders."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from cases.rules import CaseState, Measure


class Case(SQLModel, table=True):
    """A case: the finding it began with, and where it stands."""

    __tablename__ = "cases"

    case_id: str = Field(sa_column=Column(Text, primary_key=True))
    status: CaseState = Field(sa_column=Column(text_enum(CaseState), nullable=False, index=True))
    finding_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    rule_id: str = Field(sa_column=Column(Text, nullable=False))
    finding: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    filed_by: str = Field(sa_column=Column(Text, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    opened_by: str | None = Field(default=None, sa_column=Column(Text))  # the person


class CaseOrder(SQLModel, table=True):
    """A signed order issued in a case, and the statement that carries it."""

    __tablename__ = "case_orders"

    order_id: str = Field(sa_column=Column(Text, primary_key=True))
    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), nullable=False, index=True))
    measure: Measure = Field(sa_column=Column(text_enum(Measure), nullable=False))
    object_id: str = Field(sa_column=Column(Text, nullable=False))
    reason_code: str = Field(sa_column=Column(Text, nullable=False))
    issued_by: str = Field(sa_column=Column(Text, nullable=False))
    issued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class OrderProposal(SQLModel, table=True):
    """An order that one officer has proposed; in force once another one has confirmed it, under the same id.

    `digest` is that of the envelope in which it was proposed.
    """

    __tablename__ = "case_order_proposals"

    order_id: str = Field(sa_column=Column(Text, primary_key=True))
    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), nullable=False, index=True))
    measure: Measure = Field(sa_column=Column(text_enum(Measure), nullable=False))
    object_id: str = Field(sa_column=Column(Text, nullable=False))
    reason_code: str = Field(sa_column=Column(Text, nullable=False))
    refund_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    fault: list[str] = Field(sa_column=Column(JSON, nullable=False))
    proposed_by: str = Field(sa_column=Column(Text, nullable=False))
    officer_id: str = Field(sa_column=Column(Text, nullable=False))
    proposed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    digest: str = Field(sa_column=Column(Text, nullable=False))
    confirmed_by: str | None = Field(default=None, sa_column=Column(Text))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class CaseFlag(SQLModel, table=True):
    """A trade under suspicion while its case is open: statistics and comparables leave it out."""

    __tablename__ = "case_flags"

    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), primary_key=True))
    trade_id: str = Field(sa_column=Column(Text, primary_key=True))
    set_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    cleared_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
