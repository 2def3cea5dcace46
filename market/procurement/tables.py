"""The bases of procurement that agencies have stated."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.procurement.rules import Method, Reason


class Procurement(SQLModel, table=True):
    """What an agency stated of one purchase; a later one of the same trade takes its place.

    `seen` is the canonical list of the duplicates' trades that were shown. The two of the budget are empty
    once the statement's opening was erased.
    """

    __tablename__ = "market_procurements"
    __table_args__ = (
        UniqueConstraint("trade_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("budget_minor > 0", name="budget"),
    )

    procurement_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    buyer_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    method: Method = Field(sa_column=Column(text_enum(Method), nullable=False))
    budget_reference: str | None = Field(default=None, sa_column=Column(Text))
    budget_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    document_sha256: str = Field(sa_column=Column(Text, nullable=False))
    seen: str = Field(sa_column=Column(Text, nullable=False))
    reason: Reason | None = Field(default=None, sa_column=Column(text_enum(Reason), nullable=True))
    stated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
