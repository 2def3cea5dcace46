"""What is kept of mediation: lists of matches that were sent, deals, and what a deal's record holds."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.mediation.rules import EntryKind
from market.mediation.states import Stage


def _org(*, nullable: bool = False) -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=nullable)


class Presentation(SQLModel, table=True):
    """Matches that a broker sent its client, in its order; `document` has the neutral one with its reasons.

    `listing_ids`, `document` and `reason` go when their opening is erased; the digest stays.
    `related` tells what links the broker to the seller of a listing, where something does.
    """

    __tablename__ = "market_presentations"
    __table_args__ = (
        Index("ix_market_presentations_broker_id_presentation_id", "broker_id", "presentation_id"),
        Index("ix_market_presentations_client_id_presentation_id", "client_id", "presentation_id"),
    )

    presentation_id: str = Field(sa_column=Column(Text, primary_key=True))
    request_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_requests.request_id"), nullable=False, index=True)
    )
    broker_id: str = Field(sa_column=_org())
    client_id: str = Field(sa_column=_org())
    mandate_id: str = Field(sa_column=Column(Text, nullable=False))
    rule_version: str = Field(sa_column=Column(Text, nullable=False))
    listing_ids: list[str] = Field(sa_column=Column(JSON, nullable=False))
    related: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    departs: bool = Field(sa_column=Column(Boolean, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    document: str | None = Field(default=None, sa_column=Column(Text))
    order_sha256: str = Field(sa_column=Column(Text, nullable=False))
    sent_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class Deal(SQLModel, table=True):
    """A broker's working record of one piece of business. With a trade, `stage` is what it was before it.

    `owner_id` is the person in charge; `mandate_id` is what makes the client's part the client's to see.
    """

    __tablename__ = "market_deals"
    __table_args__ = (
        CheckConstraint("(stage = 'LOST') = (lost_reason IS NOT NULL)", name="lost"),
        CheckConstraint("expenses_minor > 0", name="expenses"),
        CheckConstraint("stage IN ('LEAD', 'MATCHED', 'PROPOSED', 'LOST')", name="own_stage"),
        Index("ix_market_deals_broker_id_deal_id", "broker_id", "deal_id"),
        Index("ix_market_deals_client_id_deal_id", "client_id", "deal_id"),
    )

    deal_id: str = Field(sa_column=Column(Text, primary_key=True))
    broker_id: str = Field(sa_column=_org())
    owner_id: str | None = Field(default=None, sa_column=Column(Text))
    title: str = Field(sa_column=Column(Text, nullable=False))
    client_id: str | None = Field(default=None, sa_column=_org(nullable=True))
    side: str | None = Field(default=None, sa_column=Column(Text))
    mandate_id: str | None = Field(default=None, sa_column=Column(Text))
    request_id: str | None = Field(default=None, sa_column=Column(Text))
    listing_id: str | None = Field(default=None, sa_column=Column(Text))
    trade_id: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    stage: Stage = Field(sa_column=Column(text_enum(Stage), nullable=False))
    lost_reason: str | None = Field(default=None, sa_column=Column(Text))
    next_step: str | None = Field(default=None, sa_column=Column(Text))
    next_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    expenses_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    expenses_agreed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    entries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    touched_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class DealEntry(SQLModel, table=True):
    """One entry of a deal's record; `shared` is the client's to read as well."""

    __tablename__ = "market_deal_entries"

    deal_id: str = Field(sa_column=Column(Text, ForeignKey("market_deals.deal_id"), primary_key=True))
    entry_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kind: EntryKind = Field(sa_column=Column(text_enum(EntryKind), nullable=False))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    org_id: str = Field(sa_column=Column(Text, nullable=False))
    user_id: str | None = Field(default=None, sa_column=Column(Text))
    text: str | None = Field(default=None, sa_column=Column(Text))
    sha256: str | None = Field(default=None, sa_column=Column(Text))
    shared: bool = Field(sa_column=Column(Boolean, nullable=False))
