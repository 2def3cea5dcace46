"""What a trade keeps, from its inquiry to its settlement. One object, one row: the trade."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.orders.rules import TradeState


def _org(*, nullable: bool = False) -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=nullable, index=True)


class Trade(SQLModel, table=True):
    """A trade: who, what, where it stands. Its status moves through `orders.repository.move` alone."""

    __tablename__ = "market_trades"
    __table_args__ = (CheckConstraint("price_minor IS NULL OR price_minor >= 0", name="price"),)

    trade_id: str = Field(sa_column=Column(Text, primary_key=True))
    status: TradeState = Field(sa_column=Column(text_enum(TradeState), nullable=False, index=True))
    frozen_from: str | None = Field(default=None, sa_column=Column(Text))
    frozen_by: str | None = Field(default=None, sa_column=Column(Text))
    frozen_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    listing_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    product_id: str = Field(sa_column=Column(Text, nullable=False))
    seller_id: str = Field(sa_column=_org())
    buyer_id: str = Field(sa_column=_org())
    broker_id: str | None = Field(default=None, sa_column=_org(nullable=True))
    broker_side: str | None = Field(default=None, sa_column=Column(Text))
    mandate_id: str | None = Field(default=None, sa_column=Column(Text))
    category: str = Field(sa_column=Column(Text, nullable=False))
    geo: str = Field(sa_column=Column(Text, nullable=False))
    level: str = Field(sa_column=Column(Text, nullable=False))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    scenario: str = Field(sa_column=Column(Text, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    licence_class: str = Field(sa_column=Column(Text, nullable=False))
    offer_no: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    price_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    commission_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    platform_fee_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    quote_id: str | None = Field(default=None, sa_column=Column(Text))
    declaration_id: str | None = Field(default=None, sa_column=Column(Text))
    refusal_code: str | None = Field(default=None, sa_column=Column(Text))
    # A broker without a seat in the trade that the commission is paid to (`market.orders.rewarding`).
    reward_to: str | None = Field(default=None, sa_column=Column(Text, index=True))
    payment_reference: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    answer_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    fund_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    deliver_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    accept_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    settle_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    inquired_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    agreed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    contracted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    funded_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    delivered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    accepted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    settled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def commission_to(self) -> str | None:
        """Who is paid the commission: its broker, or one that has no seat in it."""
        return self.broker_id or self.reward_to


class Introduction(SQLModel, table=True):
    """Two organisations that a broker brought together over a product, under a mandate of one of them.

    `source_id` is the trade it came into, or the list of matches that it sent. `released_at` is when the
    claim was given up, or found to be none.
    """

    __tablename__ = "market_introductions"
    __table_args__ = (Index("ix_market_introductions_product_id_seller_id", "product_id", "seller_id"),)

    introduction_id: str = Field(sa_column=Column(Text, primary_key=True))
    source_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    broker_id: str = Field(sa_column=_org())
    mandate_id: str = Field(sa_column=Column(Text, nullable=False))
    product_id: str = Field(sa_column=Column(Text, nullable=False))
    seller_id: str = Field(sa_column=_org())
    buyer_id: str = Field(sa_column=_org())
    introduced_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    released_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class RewardContest(SQLModel, table=True):
    """A party's word that a broker is owed no reward in a trade; its reasons are in the opening.

    `upheld` is None while it is open; a contest that was withdrawn is decided and not upheld.
    """

    __tablename__ = "market_reward_contests"

    contest_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    broker_id: str = Field(sa_column=_org())
    mandate_id: str = Field(sa_column=Column(Text, nullable=False))
    contester_id: str = Field(sa_column=_org())
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    upheld: bool | None = Field(default=None, sa_column=Column(Boolean))
    withdrawn: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Offer(SQLModel, table=True):
    """One offer or counter-offer of a trade; only the latest can be accepted.

    `scope` is a `market.orders.scope.LicenceScope` in its canonical form, empty once it was erased;
    `commission_bp` is the rate that the offer showed the price taken apart with. Offers from before these
    terms were kept have none of them.
    """

    __tablename__ = "market_offers"
    __table_args__ = (
        CheckConstraint("price_minor > 0", name="price"),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), primary_key=True))
    offer_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    by_org: str = Field(sa_column=Column(Text, nullable=False))
    side: str = Field(sa_column=Column(Text, nullable=False))
    price_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    licence_class: str = Field(sa_column=Column(Text, nullable=False))
    term_months: int = Field(sa_column=Column(Integer, nullable=False))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    territory: str = Field(sa_column=Column(Text, nullable=False))
    scope: str | None = Field(default=None, sa_column=Column(Text))
    delivery_mode: str | None = Field(default=None, sa_column=Column(Text))
    delivery_days: int | None = Field(default=None, sa_column=Column(Integer))
    delivery_part: str | None = Field(default=None, sa_column=Column(Text))
    acceptance: str | None = Field(default=None, sa_column=Column(Text))
    commission_bp: int | None = Field(default=None, sa_column=Column(Integer))
    made_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class QuoteRow(SQLModel, table=True):
    """The quote that a contract cites: canonical bytes as they were digested."""

    __tablename__ = "market_quotes"

    quote_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    mechanism: str = Field(sa_column=Column(Text, nullable=False))
    document: str = Field(sa_column=Column(Text, nullable=False))
    facts: str = Field(sa_column=Column(Text, nullable=False))
    quoted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class Contract(SQLModel, table=True):
    """The one canonical document that every party signs, and the opening they commit to."""

    __tablename__ = "market_contracts"

    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), primary_key=True))
    contract_sha256: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    document: str = Field(sa_column=Column(Text, nullable=False))
    opening: str = Field(sa_column=Column(Text, nullable=False))
    drawn_up_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ContractPolicy(SQLModel, table=True):
    """The usage policy that a contract names by its digest; asked at every access."""

    __tablename__ = "market_contract_policies"

    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), primary_key=True))
    policy_sha256: str = Field(sa_column=Column(Text, nullable=False))
    document: str = Field(sa_column=Column(Text, nullable=False))


class ContractRecipient(SQLModel, table=True):
    """An organisation that a contract's policy names beside the buyer: it may take for itself."""

    __tablename__ = "market_contract_recipients"

    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, index=True)
    )


class ContractSignature(SQLModel, table=True):
    """One party's signature: its own statement over the identical payload."""

    __tablename__ = "market_signatures"
    __table_args__ = (UniqueConstraint("trade_id", "org_id"),)

    envelope_sha256: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    org_id: str = Field(sa_column=Column(Text, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    signed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class OfficerTie(SQLModel, table=True):
    """An organisation to which an officer has declared a tie: the officer decides on none of its trades."""

    __tablename__ = "market_officer_ties"

    officer_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True))
    declared_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
