"""The catalogue: what is on offer, how good it was measured to be."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from market.listings import catalogue, repository
from market.listings.categories import Category, ProductType
from market.listings.errors import ListingUnknown
from registry.repository import latest_report
from web.api.listings import QualityView
from web.deps import CallerDep, ReadDep
from web.views import ListingView, View

router = APIRouter(tags=["catalogue"])


class PageView(View):
    listings: list[ListingView]
    next_after: str | None


class SearchForm(BaseModel):
    """What a search may name; every member narrows it."""

    q: str = Field(default="", max_length=200)
    category: Category | None = None
    geo: str | None = Field(default=None, max_length=6)
    product_type: ProductType | None = None
    min_price_minor: int | None = Field(default=None, ge=0)
    max_price_minor: int | None = Field(default=None, ge=0)
    sort: catalogue.Sort = catalogue.Sort.NEWEST
    after: str | None = Field(default=None, max_length=40)
    limit: int = Field(default=20, ge=1, le=100)

    def query(self) -> catalogue.Query:
        """As the catalogue takes it."""
        return catalogue.Query(
            text=self.q,
            category=self.category,
            geo=self.geo,
            product_type=self.product_type,
            min_price_minor=self.min_price_minor,
            max_price_minor=self.max_price_minor,
            sort=self.sort,
        )


@router.get("/listings")
async def search(s: ReadDep, form: Annotated[SearchForm, Query()]) -> PageView:
    """The catalogue: what is on offer, by keyset."""
    page = await catalogue.search(s, form.query(), after=form.after, limit=form.limit)
    return PageView(listings=[ListingView.of(row) for row in page.listings], next_after=page.next_after)


@router.get("/facets")
async def facets(s: ReadDep) -> dict[str, dict[str, int]]:
    """How many listings on offer have each value."""
    return await catalogue.facets(s)


@router.get("/my/listings")
async def my_listings(caller: CallerDep, s: ReadDep) -> list[ListingView]:
    """One's own listings, in every state; the operator sees everybody's."""
    seller = None if "EXCHANGE_OPERATOR" in caller.actor.roles else caller.actor.org_id
    return [ListingView.of(row) for row in await repository.listings_of(s, seller_id=seller)]


@router.get("/listings/{listing_id}")
async def listing(listing_id: str, s: ReadDep) -> ListingView:
    """One listing that is, or was, on offer."""
    found = await repository.get_listing(s, listing_id=listing_id)
    if found.listed_at is None:
        raise ListingUnknown("no such listing", listing_id=listing_id)
    return ListingView.of(found)


@router.get("/listings/{listing_id}/quality")
async def quality(listing_id: str, s: ReadDep) -> QualityView:
    """The newest measured quality report of a listing, whole."""
    row = await latest_report(s, listing_id=listing_id)
    if row is None:
        raise ListingUnknown("no report for this listing", listing_id=listing_id)
    return QualityView(
        listing_id=listing_id, report_sha256=row.report_sha256, report=orjson.loads(row.report)
    )
