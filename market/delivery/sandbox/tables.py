"""What the sandbox keeps: questions and their answers, spent privacy, and questions prepared for approval."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum


class QuestionStatus(StrEnum):
    """RUNNING holds its ε back; BROKEN, ended by a limit, has spent it; LAPSED and FAILED spent none."""

    RUNNING = "RUNNING"
    ANSWERED = "ANSWERED"
    BROKEN = "BROKEN"
    FAILED = "FAILED"
    LAPSED = "LAPSED"


class PrivacyBudget(SQLModel, table=True):
    """What a buyer's questions about a product have spent, under whatever rights; its lock orders them."""

    __tablename__ = "market_privacy_budgets"
    __table_args__ = (CheckConstraint("spent_micro >= 0 AND questions >= 0", name="counted"),)

    buyer_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, nullable=False)
    )
    product_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_products.product_id"), primary_key=True, nullable=False)
    )
    spent_micro: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    questions: int = Field(default=0, sa_column=Column(Integer, nullable=False))


class Question(SQLModel, table=True):
    """One question, and its answer once there is one.

    `form` is the checked form and `form_sha256` its digest, by which the same question is known again (never
    public); `key` is the caller's, and free again where nothing was spent. `answer` are the bytes that
    `result_sha256` names. `spent_micro` is what all had spent when this one was counted. A run that is not
    over at `lapses_at` is given up.
    """

    __tablename__ = "market_questions"
    __table_args__ = (
        UniqueConstraint("entitlement_id", "key", name="uq_market_questions_key"),
        CheckConstraint("epsilon_micro >= 0 AND delta_pico >= 0", name="priced"),
        CheckConstraint("status != 'ANSWERED' OR result_sha256 IS NOT NULL", name="answered"),
        Index("ix_market_questions_budget", "buyer_id", "product_id", "status"),
        Index("ix_market_questions_form", "entitlement_id", "form_sha256"),
    )

    query_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False)
    )
    buyer_id: str = Field(sa_column=Column(Text, nullable=False))
    product_id: str = Field(sa_column=Column(Text, nullable=False))
    key: str | None = Field(default=None, sa_column=Column(Text))
    asked_by: str | None = Field(default=None, sa_column=Column(Text))
    purpose: str | None = Field(default=None, sa_column=Column(Text))
    recipient: str | None = Field(default=None, sa_column=Column(Text))
    form: str = Field(sa_column=Column(Text, nullable=False))
    form_sha256: str = Field(sa_column=Column(Text, nullable=False))
    nonce: str = Field(sa_column=Column(Text, nullable=False))
    query_sha256: str = Field(sa_column=Column(Text, nullable=False))
    algorithm_sha256: str = Field(sa_column=Column(Text, nullable=False))
    epsilon_micro: int = Field(sa_column=Column(BigInteger, nullable=False))
    delta_pico: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    status: QuestionStatus = Field(sa_column=Column(text_enum(QuestionStatus), nullable=False))
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    lapses_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    answer: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    result_sha256: str | None = Field(default=None, sa_column=Column(Text))
    rows: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    spent_micro: int | None = Field(default=None, sa_column=Column(BigInteger))
    use_id: str | None = Field(default=None, sa_column=Column(Text))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))


class PreparedQuestion(SQLModel, table=True):
    """A question registered beforehand; it may be run once the seller has approved its digest."""

    __tablename__ = "market_prepared_questions"

    algorithm_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False, index=True)
    )
    prepared_by: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    form: str = Field(sa_column=Column(Text, nullable=False))
    nonce: str = Field(sa_column=Column(Text, nullable=False))
    epsilon_micro: int = Field(sa_column=Column(BigInteger, nullable=False))
    algorithm_sha256: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    prepared_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    approved_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))
