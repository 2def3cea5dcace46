"""What customs keeps: its decision on each delivery."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class CustomsDecision(SQLModel, table=True):
    """Whether the delivery of a trade leaves the mainland, and whether it may, with the rule."""

    __tablename__ = "market_customs_decisions"
    __table_args__ = (CheckConstraint("route IN ('DOMESTIC', 'EXEMPT', 'REFUSED')", name="route"),)

    declaration_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    exporter_id: str = Field(sa_column=Column(Text, nullable=False))
    recipient_id: str = Field(sa_column=Column(Text, nullable=False))
    country: str = Field(sa_column=Column(Text, nullable=False))
    route: str = Field(sa_column=Column(Text, nullable=False))
    rule_id: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    legal_basis: str = Field(sa_column=Column(Text, nullable=False))
    decided_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
