"""What is kept of a mandate beside its row: its document and its limits."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Text,
    false,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class MandateTermsRow(SQLModel, table=True):
    """The document that client and broker sign, and what it limits; an empty list limits nothing.

    `document` goes when the mandate's words are erased; its digest stays.
    """

    __tablename__ = "brokers_mandate_terms"
    __table_args__ = (
        CheckConstraint("price_floor_minor >= 0", name="floor"),
        CheckConstraint("price_ceiling_minor >= 0", name="ceiling"),
    )

    mandate_id: str = Field(
        sa_column=Column(Text, ForeignKey("brokers_mandates.mandate_id"), primary_key=True)
    )
    document_sha256: str = Field(sa_column=Column(Text, nullable=False))
    document: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    categories: list[str] = Field(sa_column=Column(JSON, nullable=False))
    powers: list[str] = Field(sa_column=Column(JSON, nullable=False))
    territories: list[str] = Field(sa_column=Column(JSON, nullable=False))
    price_floor_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    price_ceiling_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    exclusive: bool = Field(sa_column=Column(Boolean, nullable=False))
    one_deal: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    signed_by: str | None = Field(default=None, sa_column=Column(Text))
    accepted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    accepted_by: str | None = Field(default=None, sa_column=Column(Text))
    successor_id: str | None = Field(default=None, sa_column=Column(Text))
