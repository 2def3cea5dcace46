"""What is kept of interfaces: how each is answered, the secrets it is reached with, and every call."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class InterfaceSecret(SQLModel, table=True):
    """A header that a provider's endpoint asks for. Its value rests under the node's master key alone."""

    __tablename__ = "market_interface_secrets"

    secret_id: str = Field(sa_column=Column(Text, primary_key=True))
    owner_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    header: str = Field(sa_column=Column(Text, nullable=False))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    kept_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class InterfaceRow(SQLModel, table=True):
    """How a listing's interface is answered from a moment on; the highest number counts.

    The document is empty where the opening that said it was erased.
    """

    __tablename__ = "market_interfaces"
    __table_args__ = (CheckConstraint("number > 0", name="number"),)

    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    document: str = Field(sa_column=Column(Text, nullable=False))
    declared_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class CallRow(SQLModel, table=True):
    """One call of an interface that reached who answers it: whether that went well, and how long it took.

    `use_id` is the use that it was counted as; a call that failed is none. `repeats` is how often the same
    call was made again for it, uncharged.
    """

    __tablename__ = "market_interface_calls"
    __table_args__ = (
        CheckConstraint("latency_ms >= 0 AND repeats >= 0", name="counted"),
        Index("ix_market_interface_calls_of", "entitlement_id", "call_id"),
    )

    call_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False)
    )
    use_id: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    ok: bool = Field(sa_column=Column(Boolean, nullable=False))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    latency_ms: int = Field(sa_column=Column(Integer, nullable=False))
    repeats: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    called_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
