"""What is kept about disputes and refunds: one dispute a trade, proposals, votes, ties, later refunds."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.disputes.rules import Basis, DisputeState, Ground, Outcome, ProposalState, Side


def _dispute() -> Column[str]:
    return Column(Text, ForeignKey("market_disputes.dispute_id"), primary_key=True)


class Dispute(SQLModel, table=True):
    """A dispute about what was delivered, and what came of it. `refund_minor` of the price goes back.

    `outcome` stays None where an authority made the contract void while it was disputed.
    """

    __tablename__ = "market_disputes"
    __table_args__ = (CheckConstraint("refund_minor IS NULL OR refund_minor >= 0", name="refund"),)

    dispute_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, unique=True)
    )
    status: DisputeState = Field(sa_column=Column(text_enum(DisputeState), nullable=False, index=True))
    opened_by: str = Field(sa_column=Column(Text, nullable=False))
    side: Side = Field(sa_column=Column(text_enum(Side), nullable=False))
    ground: Ground = Field(sa_column=Column(text_enum(Ground), nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    evidence: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    mediate_by: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    outcome: Outcome | None = Field(default=None, sa_column=Column(text_enum(Outcome)))
    basis: Basis | None = Field(default=None, sa_column=Column(text_enum(Basis)))
    refund_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    award_sha256: str | None = Field(default=None, sa_column=Column(Text))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Proposal(SQLModel, table=True):
    """How one side would end a dispute. Each side has at most one that stands: its latest."""

    __tablename__ = "market_dispute_proposals"
    __table_args__ = (CheckConstraint("refund_minor >= 0", name="refund"),)

    dispute_id: str = Field(sa_column=_dispute())
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    side: Side = Field(sa_column=Column(text_enum(Side), nullable=False))
    outcome: Outcome = Field(sa_column=Column(text_enum(Outcome), nullable=False))
    refund_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    status: ProposalState = Field(sa_column=Column(text_enum(ProposalState), nullable=False))
    made_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class Vote(SQLModel, table=True):
    """What one officer of the exchange would rule; each votes once."""

    __tablename__ = "market_dispute_votes"
    __table_args__ = (CheckConstraint("refund_minor >= 0", name="refund"),)

    dispute_id: str = Field(sa_column=_dispute())
    officer_id: str = Field(sa_column=Column(Text, primary_key=True))
    outcome: Outcome = Field(sa_column=Column(text_enum(Outcome), nullable=False))
    refund_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    reasons: str = Field(sa_column=Column(Text, nullable=False))
    voted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class LateRefund(SQLModel, table=True):
    """A refund that was ordered after the release: why, how much, whose fault it is."""

    __tablename__ = "market_late_refunds"
    __table_args__ = (CheckConstraint("refund_minor > 0", name="refund"),)

    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), primary_key=True))
    ground: Ground = Field(sa_column=Column(text_enum(Ground), nullable=False))
    refund_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    fault: list[str] = Field(sa_column=Column(JSON, nullable=False))
    order_id: str | None = Field(default=None, sa_column=Column(Text))
    award_sha256: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
