"""What is kept about auctions and their bids."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.auctions.rules import Mechanism
from market.auctions.states import AuctionState


class Auction(SQLModel, table=True):
    """An auction. Its status moves through `auctions.repository.move` alone; `bids` counts its commitments.

    `terms` is what the winners get beside the price (`market.orders.statements.OfferTerms`), in canonical
    JSON; `document` and `facts` are the quote of the award and what it was made from.
    """

    __tablename__ = "market_auctions"
    __table_args__ = (
        CheckConstraint("bids >= 0", name="bids"),
        CheckConstraint("reserve_minor IS NULL OR reserve_minor > 0", name="reserve"),
        CheckConstraint("closes_at < reveal_by", name="times"),
        Index("ix_market_auctions_status_auction_id", "status", "auction_id"),
        Index(
            "uq_market_auctions_running",
            "listing_id",
            unique=True,
            sqlite_where=text("status IN ('OPEN', 'CLOSED')"),
            postgresql_where=text("status IN ('OPEN', 'CLOSED')"),
        ),
    )

    auction_id: str = Field(sa_column=Column(Text, primary_key=True))
    status: AuctionState = Field(sa_column=Column(text_enum(AuctionState), nullable=False))
    mechanism: Mechanism = Field(sa_column=Column(text_enum(Mechanism), nullable=False))
    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), nullable=False, index=True)
    )
    product_id: str = Field(sa_column=Column(Text, nullable=False))
    seller_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    units: int | None = Field(default=None, sa_column=Column(Integer))
    reserve_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    reserve_sha256: str | None = Field(default=None, sa_column=Column(Text))
    terms: str = Field(sa_column=Column(Text, nullable=False))
    bids: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    closes_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    reveal_by: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    failed_for: str | None = Field(default=None, sa_column=Column(Text))
    closed_by: str | None = Field(default=None, sa_column=Column(Text))
    document: str | None = Field(default=None, sa_column=Column(Text))
    facts: str | None = Field(default=None, sa_column=Column(Text))


class AuctionBid(SQLModel, table=True):
    """One undertaking's bid: a commitment, what opened it where it was revealed, the trade where it won."""

    __tablename__ = "market_auction_bids"
    __table_args__ = (
        CheckConstraint("(price_minor IS NULL) = (nonce IS NULL)", name="opened"),
        UniqueConstraint("auction_id", "bidder_id", name="uq_market_auction_bids_bidder"),
        UniqueConstraint("auction_id", "commitment", name="uq_market_auction_bids_commitment"),
    )

    bid_id: str = Field(sa_column=Column(Text, primary_key=True))
    auction_id: str = Field(sa_column=Column(Text, ForeignKey("market_auctions.auction_id"), nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    bidder_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    broker_id: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("identity_orgs.org_id")))
    broker_side: str | None = Field(default=None, sa_column=Column(Text))
    mandate_id: str | None = Field(default=None, sa_column=Column(Text))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    scenario: str = Field(sa_column=Column(Text, nullable=False))
    commitment: str = Field(sa_column=Column(Text, nullable=False))
    committed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    price_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    nonce: str | None = Field(default=None, sa_column=Column(Text))
    revealed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    trade_id: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("market_trades.trade_id"), index=True)
    )
