"""What is kept about data requests and their answers."""

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
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.listings.categories import Category, ProductType
from market.listings.conditions import Purpose
from market.requests.states import RequestState


class DataRequest(SQLModel, table=True):
    """A request. Its status moves through `requests.repository.move` alone; `answers` counts its answers."""

    __tablename__ = "market_requests"
    __table_args__ = (
        CheckConstraint("answers >= 0", name="answers"),
        CheckConstraint("(status = 'FULFILLED') = (fulfilled_by IS NOT NULL)", name="fulfilled"),
        Index("ix_market_requests_status_request_id", "status", "request_id"),
        Index("ix_market_requests_status_category_request_id", "status", "category", "request_id"),
        Index("ix_market_requests_buyer_id_request_id", "buyer_id", "request_id"),
    )

    request_id: str = Field(sa_column=Column(Text, primary_key=True))
    buyer_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    status: RequestState = Field(sa_column=Column(text_enum(RequestState), nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str = Field(sa_column=Column(Text, nullable=False))
    category: Category = Field(sa_column=Column(text_enum(Category), nullable=False))
    geo: str = Field(sa_column=Column(Text, nullable=False))
    product_type: ProductType | None = Field(
        default=None, sa_column=Column(text_enum(ProductType), nullable=True)
    )
    purpose: Purpose = Field(sa_column=Column(text_enum(Purpose), nullable=False))
    period: str = Field(sa_column=Column(Text, nullable=False))
    volume: str = Field(sa_column=Column(Text, nullable=False))
    budget_min_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    budget_max_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    answers: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    fulfilled_by: int | None = Field(default=None, sa_column=Column(Integer))
    published_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class RequestWishes(SQLModel, table=True):
    """What more a request asks of the data, where it does (`market.requests.wishes`)."""

    __tablename__ = "market_request_wishes"

    request_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_requests.request_id"), primary_key=True)
    )
    document: str = Field(sa_column=Column(Text, nullable=False))


class RequestAnswer(SQLModel, table=True):
    """One answer: a listing of a named seller, brought by itself or by its mandated broker."""

    __tablename__ = "market_request_answers"
    __table_args__ = (UniqueConstraint("request_id", "listing_id"),)

    request_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_requests.request_id"), primary_key=True)
    )
    answer_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), nullable=False, index=True)
    )
    seller_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    broker_id: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("identity_orgs.org_id")))
    mandate_id: str | None = Field(default=None, sa_column=Column(Text))
    note: str | None = Field(default=None, sa_column=Column(Text))
    answered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
