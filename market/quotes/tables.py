"""What is kept of held quotes."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.listings.conditions import Purpose


class HeldQuote(SQLModel, table=True):
    """A price held for a buyer. `document` is the canonical text that the exchange stated the digest of.

    `trade_id` is the one trade that it began, written once by `quotes.repository.use`. An erased quote has
    an empty document; its amounts stay.
    """

    __tablename__ = "market_held_quotes"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("term_months > 0", name="term"),
        CheckConstraint("total_minor > 0", name="total"),
        CheckConstraint("(trade_id IS NULL) = (used_at IS NULL)", name="used"),
        Index("ix_market_held_quotes_buyer_id_quote_id", "buyer_id", "quote_id"),
    )

    quote_id: str = Field(sa_column=Column(Text, primary_key=True))
    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), nullable=False, index=True)
    )
    buyer_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    seller_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    purpose: Purpose = Field(sa_column=Column(text_enum(Purpose), nullable=False))
    term_months: int = Field(sa_column=Column(Integer, nullable=False))
    total_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    mechanism: str = Field(sa_column=Column(Text, nullable=False))
    document: str = Field(sa_column=Column(Text, nullable=False))
    document_sha256: str = Field(sa_column=Column(Text, nullable=False))
    held_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    trade_id: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("market_trades.trade_id"), unique=True)
    )
    used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
