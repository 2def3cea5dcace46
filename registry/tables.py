"""What the registry keeps: a holder's rights, a product's level, a file's measured quality."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Integer, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.rules import Level, Right, Source

_DECLARED = text_enum(Level)
_DECLARED.name = "declared_level"  # two columns of one enum in a table: each CHECK needs its own name


class RightsRow(SQLModel, table=True):
    """One right of one holder in one product, or one that ended. Others may hold the same at once."""

    __tablename__ = "registry_rights"

    product_id: str = Field(sa_column=Column(Text, primary_key=True))
    right: Right = Field(sa_column=Column("right_held", text_enum(Right), primary_key=True))
    holder_id: str = Field(sa_column=Column(Text, primary_key=True))
    source: Source = Field(sa_column=Column(text_enum(Source), nullable=False))
    source_statement_sha256: str = Field(sa_column=Column(Text, nullable=False))
    public_registration_no: str | None = Field(default=None, sa_column=Column(Text))
    registered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    # REVOKED by the registrar, CANCELLED by the holder, EXPIRED; None while it stands.
    ended_as: str | None = Field(default=None, sa_column=Column(Text))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    # The registration that it rests on; None where only the exchange has looked at the basis.
    registration_id: str | None = Field(default=None, sa_column=Column(Text, index=True))


class ClassificationRow(SQLModel, table=True):
    """The level of a product, and what the screen said of it. Acts share-lock this row."""

    __tablename__ = "registry_classification"

    product_id: str = Field(sa_column=Column(Text, primary_key=True))
    declared_level: Level = Field(sa_column=Column(_DECLARED, nullable=False))
    level: Level = Field(sa_column=Column("graded_level", text_enum(Level), nullable=False))
    personal: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    hints: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    passed: bool = Field(sa_column=Column(Boolean, nullable=False))
    reasons: list[str] = Field(sa_column=Column(JSON, nullable=False))
    classified_by: str = Field(sa_column=Column(Text, nullable=False))
    classified_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class QualityRow(SQLModel, table=True):
    """A report bound to a listing: its canonical bytes, and the masked preview made with it."""

    __tablename__ = "registry_quality"
    __table_args__ = (
        UniqueConstraint("listing_id", "report_sha256"),
        CheckConstraint("score_tenths BETWEEN 0 AND 1000", name="score"),
    )

    report_id: str = Field(sa_column=Column(Text, primary_key=True))
    listing_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    file_sha256: str = Field(sa_column=Column(Text, nullable=False))
    report_sha256: str = Field(sa_column=Column(Text, nullable=False, index=True))
    report: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    method: str = Field(sa_column=Column(Text, nullable=False))
    score_tenths: int = Field(sa_column=Column(Integer, nullable=False))
    passed: bool = Field(sa_column=Column(Boolean, nullable=False))
    preview: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    measured_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
