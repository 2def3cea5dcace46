"""What is kept of marked copies: never a key, only what the keys are made of again."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum


class MarkState(StrEnum):
    """PENDING: being made, and nothing leaves. UNMARKED: it cannot be marked; the source is delivered."""

    PENDING = "PENDING"
    MARKED = "MARKED"
    UNMARKED = "UNMARKED"


class Mark(SQLModel, table=True):
    """The marked copy of one delivery, and of what it was made.

    `columns` and `plan` are canonical JSON; `report_sha256` is the quality report of the copy, measured as
    the source was; `places` says how many different places carry the mark (counted up to a few thousand).
    """

    __tablename__ = "market_marks"
    __table_args__ = (CheckConstraint("(status = 'MARKED') = (commitment IS NOT NULL)", name="marked"),)

    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), primary_key=True)
    )
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, unique=True)
    )
    source_file_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listing_files.file_id"), nullable=False)
    )
    source_sha256: str = Field(sa_column=Column(Text, nullable=False, index=True))
    source_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    columns: str = Field(sa_column=Column(Text, nullable=False))
    status: MarkState = Field(sa_column=Column(text_enum(MarkState), nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    plan: str | None = Field(default=None, sa_column=Column(Text))
    places: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    changed: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    copy_sha256: str | None = Field(default=None, sa_column=Column(Text, index=True))
    report_sha256: str | None = Field(default=None, sa_column=Column(Text))
    commitment: str | None = Field(default=None, sa_column=Column(Text))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    made_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
