"""What is kept about products and their listings: files, reviews, the catalogue's words and counts."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

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
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.listings.categories import Category, ProductType
from market.listings.states import ListingState
from registry.rules import Level

# Words are compared byte by byte on every database, whatever its locale.
_WORD: Final = Text().with_variant(Text(collation="C"), "postgresql")


class Product(SQLModel, table=True):
    """A data product, by the seller who brought it first. Listings offer it, under its category and type."""

    __tablename__ = "market_products"

    product_id: str = Field(sa_column=Column(Text, primary_key=True))
    seller_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    title: str = Field(sa_column=Column(Text, nullable=False))
    category: Category = Field(sa_column=Column(text_enum(Category), nullable=False))
    product_type: ProductType = Field(sa_column=Column(text_enum(ProductType), nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ListingFile(SQLModel, table=True):
    """An uploaded file: who brought it, and what the object store needs to open it.

    The file's own key rests wrapped in the head of the stored file, bound to these three facts; no key is
    in the database. `copy_of` is the file of which this one is a buyer's marked copy; nobody uploaded that.
    """

    __tablename__ = "market_listing_files"
    __table_args__ = (
        CheckConstraint("bytes > 0", name="not_empty"),
        CheckConstraint("length(sha256) = 64", name="digest"),
    )

    file_id: str = Field(sa_column=Column(Text, primary_key=True))
    owner_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    sha256: str = Field(sa_column=Column(Text, nullable=False, index=True))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    media_type: str = Field(sa_column=Column(Text, nullable=False))
    copy_of: str | None = Field(default=None, sa_column=Column(Text))
    stored_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Listing(SQLModel, table=True):
    """An offer of a product. Its status moves through `listings.repository.move` alone.

    `submitter` is the person who brought it in last, who therefore reviews nothing of it; `review_round`
    counts submissions, so that approvals of an earlier round do not count. `materials` is what was declared
    for its compliance, as `market.listings.rules.Materials` takes it.
    """

    __tablename__ = "market_listings"
    __table_args__ = (
        CheckConstraint("list_price_minor IS NULL OR list_price_minor > 0", name="list_price"),
        CheckConstraint("cap_minor IS NULL OR cap_minor > 0", name="cap"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("(status = 'SUSPENDED') = (suspended_by IS NOT NULL)", name="suspension"),
        Index("ix_market_listings_status_listing_id", "status", "listing_id"),
        Index("ix_market_listings_status_category_listing_id", "status", "category", "listing_id"),
        Index("ix_market_listings_status_list_price_minor", "status", "list_price_minor", "listing_id"),
    )

    listing_id: str = Field(sa_column=Column(Text, primary_key=True))
    product_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_products.product_id"), nullable=False, index=True)
    )
    seller_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    broker_id: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), index=True)
    )
    mandate_id: str | None = Field(default=None, sa_column=Column(Text))
    file_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listing_files.file_id"), nullable=False, unique=True)
    )
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str = Field(sa_column=Column(Text, nullable=False))
    status: ListingState = Field(sa_column=Column(text_enum(ListingState), nullable=False))
    suspended_by: str | None = Field(default=None, sa_column=Column(Text))
    reasons: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    category: Category = Field(sa_column=Column(text_enum(Category), nullable=False))
    geo: str = Field(sa_column=Column(Text, nullable=False))
    product_type: ProductType = Field(sa_column=Column(text_enum(ProductType), nullable=False))
    level: Level = Field(sa_column=Column(text_enum(Level), nullable=False))
    public_data: bool = Field(sa_column=Column(Boolean, nullable=False))
    grant_id: str | None = Field(default=None, sa_column=Column(Text))
    scenario: str = Field(sa_column=Column(Text, nullable=False))
    licence_of_data: str = Field(sa_column=Column(Text, nullable=False))
    licence_class: str = Field(sa_column=Column(Text, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    list_price_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    cap_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    materials: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    report_sha256: str | None = Field(default=None, sa_column=Column(Text))
    submitter: str | None = Field(default=None, sa_column=Column(Text))
    review_round: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    search_text: str = Field(sa_column=Column(Text, nullable=False))
    drafted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    submitted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    listed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    delisted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Decision(StrEnum):
    """What a reviewer says; each is the event of its name."""

    APPROVE = "APPROVE"
    RETURN = "RETURN"
    REJECT = "REJECT"


class Review(SQLModel, table=True):
    """One member's decision in one round of a listing's compliance review; each person decides once."""

    __tablename__ = "market_reviews"
    __table_args__ = (UniqueConstraint("listing_id", "review_round", "reviewer"),)

    review_id: str = Field(sa_column=Column(Text, primary_key=True))
    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), nullable=False, index=True)
    )
    review_round: int = Field(sa_column=Column(Integer, nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    reviewer: str = Field(sa_column=Column(Text, nullable=False))
    reviewer_org: str = Field(sa_column=Column(Text, nullable=False))
    decision: Decision = Field(sa_column=Column(text_enum(Decision), nullable=False))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))
    note: str | None = Field(default=None, sa_column=Column(Text))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    reviewed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ListingConditions(SQLModel, table=True):
    """What a seller lets be done with a product at most, where the listing says so (`conditions`)."""

    __tablename__ = "market_listing_conditions"

    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), primary_key=True)
    )
    document: str = Field(sa_column=Column(Text, nullable=False))


class ListingBuyers(SQLModel, table=True):
    """Whom a product is sold to, where the listing says so (`market.listings.buyers`)."""

    __tablename__ = "market_listing_buyers"

    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), primary_key=True)
    )
    document: str = Field(sa_column=Column(Text, nullable=False))


class ListingPlan(SQLModel, table=True):
    """How the price of a listing follows from the quantity, where it does (`market.listings.plans`)."""

    __tablename__ = "market_listing_plans"

    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), primary_key=True)
    )
    document: str = Field(sa_column=Column(Text, nullable=False))


class ListingSandbox(SQLModel, table=True):
    """What may be asked of a table that stays where it lies (`market.listings.sandboxing`)."""

    __tablename__ = "market_listing_sandboxes"

    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), primary_key=True)
    )
    document: str = Field(sa_column=Column(Text, nullable=False))


class ListingToken(SQLModel, table=True):
    """A word by which a listing that is on offer is found (`market.listings.words`)."""

    __tablename__ = "market_listing_tokens"

    token: str = Field(sa_column=Column(_WORD, primary_key=True))
    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), primary_key=True, index=True)
    )


class ListingTag(SQLModel, table=True):
    """What a listing that is on offer is sorted by beside its columns (`market.listings.tags`)."""

    __tablename__ = "market_listing_tags"

    facet: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    listing_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_listings.listing_id"), primary_key=True, index=True)
    )


class FacetCount(SQLModel, table=True):
    """How many listings on offer have a value of a facet; kept as they come and go, never counted."""

    __tablename__ = "market_listing_facets"
    __table_args__ = (CheckConstraint("listings >= 0", name="listings"),)

    facet: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    listings: int = Field(sa_column=Column(BigInteger, nullable=False))


class SavedSearch(SQLModel, table=True):
    """A search of the catalogue that a person keeps: the query of its address, under a name of its own."""

    __tablename__ = "market_saved_searches"

    user_id: str = Field(sa_column=Column(Text, ForeignKey("identity_users.user_id"), primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    address: str = Field(sa_column=Column(Text, nullable=False))
    saved_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
