"""What the meter keeps: each use of a right that is exercised use by use."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.delivery.kinds import DeliveryKind


class Use(SQLModel, table=True):
    """One use of a right: a query of a share, a call of an interface, a question to a sandbox.

    `number` is which use of the right it is; `key` is the caller's, so that a call repeated is one use.
    `units` are what is billed, `epsilon_micro` is spent privacy budget in millionths. `usage_id` names the
    statement that the use was rolled up in, None until then.
    """

    __tablename__ = "market_uses"
    __table_args__ = (
        UniqueConstraint("entitlement_id", "key", name="uq_market_uses_key"),
        UniqueConstraint("entitlement_id", "number", name="uq_market_uses_number"),
        CheckConstraint("number > 0 AND units >= 0 AND bytes >= 0 AND epsilon_micro >= 0", name="counted"),
        Index("ix_market_uses_usage", "entitlement_id", "usage_id"),
    )

    use_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False)
    )
    number: int = Field(sa_column=Column(Integer, nullable=False))
    kind: DeliveryKind = Field(sa_column=Column(text_enum(DeliveryKind), nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    taken_by: str | None = Field(default=None, sa_column=Column(Text))
    purpose: str | None = Field(default=None, sa_column=Column(Text))
    recipient: str | None = Field(default=None, sa_column=Column(Text))
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    request_sha256: str = Field(sa_column=Column(Text, nullable=False))
    answer_sha256: str = Field(sa_column=Column(Text, nullable=False))
    epsilon_micro: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    usage_id: str | None = Field(default=None, sa_column=Column(Text))


class Usage(SQLModel, table=True):
    """What the exchange has stated of some uses of a right (DLV.USAGE): `first` to `last`, all of them.

    `root` is that of the tree of their receipts. `units_so_far` counts from the first use of all; what they
    cost is there where the contract has a metered plan, `charged_minor` being the sum so far.
    """

    __tablename__ = "market_usages"
    __table_args__ = (
        UniqueConstraint("entitlement_id", "first", name="uq_market_usages_first"),
        CheckConstraint(
            "first > 0 AND last >= first AND units >= 0 AND units_so_far >= units", name="counted"
        ),
    )

    usage_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False)
    )
    first: int = Field(sa_column=Column(Integer, nullable=False))
    last: int = Field(sa_column=Column(Integer, nullable=False))
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: str = Field(sa_column=Column(Text, nullable=False))
    units_so_far: int = Field(sa_column=Column(BigInteger, nullable=False))
    charge_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    charged_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    stated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
