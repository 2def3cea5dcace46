"""The catalogue: what is on offer, how good it was measured to be."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from base.db import ReadSession
from ledger.reader import statements_about
from market.listings import catalogue, repository
from market.listings.buyers import BuyerConditions
from market.listings.categories import Category, ProductType
from market.listings.conditions import Purpose
from market.listings.errors import ListingUnknown
from market.listings.history import versions_of
from market.listings.quoting import whole_quote
from market.listings.rules import MAX_QUANTITY, ListingState
from market.listings.tables import Listing
from market.listings.tags import TAGS, Delivery, Grade
from registry.declared import Frequency
from web.acts import Asked, Id
from web.deps import Caller, CallerDep, ReadDep, VisitorDep
from web.sheets import CSV, Format, sheet
from web.views import ListingView, StatementView, View

router = APIRouter(tags=["catalogue"])
OPERATOR = "EXCHANGE_OPERATOR"
_STEPS = 200
_COLUMNS = (
    *("listing_id", "product_id", "seller_id", "title", "category", "geo", "product_type", "level"),
    *("licence_class", "unit", "quantity", "list_price_minor", "listed_at"),
)


class PageView(View):
    listings: list[ListingView]
    next_after: str | None


class HistoryView(View):
    versions: list[ListingView]
    steps: list[StatementView]


class SearchForm(Asked):
    """What a search may name; every member narrows it."""

    q: str = Field(default="", max_length=200)
    category: Category | None = None
    geo: str | None = Field(default=None, max_length=6)
    product_type: ProductType | None = None
    seller_id: Id | None = None
    delivery: Delivery | None = None
    purpose: Purpose | None = None
    grade: Grade | None = None
    frequency: Frequency | None = None
    registered: Literal["yes"] | None = None
    min_price_minor: int | None = Field(default=None, ge=0, le=10**15)
    max_price_minor: int | None = Field(default=None, ge=0, le=10**15)
    sort: catalogue.Sort = catalogue.Sort.NEWEST
    after: Id | None = None
    limit: int = Field(default=20, ge=1, le=100)
    format: Format = Format.JSON

    def query(self) -> catalogue.Query:
        """As the catalogue takes it."""
        return catalogue.Query(
            text=self.q,
            category=self.category,
            geo=self.geo,
            product_type=self.product_type,
            seller_id=self.seller_id,
            **{name: getattr(self, name) for name in TAGS},
            min_price_minor=self.min_price_minor,
            max_price_minor=self.max_price_minor,
            sort=self.sort,
        )


@router.get("/listings", response_model=PageView, responses={200: {"content": {CSV: {}}}})
async def search(s: ReadDep, form: Annotated[SearchForm, Query()]) -> Any:
    """The catalogue: what is on offer, by keyset."""
    page = await catalogue.search(s, form.query(), after=form.after, limit=form.limit)
    if form.format is Format.CSV:
        rows = ([getattr(row, name) for name in _COLUMNS] for row in page.listings)
        return sheet("products.csv", _COLUMNS, rows)
    return PageView(listings=[ListingView.of(row) for row in page.listings], next_after=page.next_after)


@router.get("/facets")
async def facets(s: ReadDep) -> dict[str, dict[str, int]]:
    """How many listings on offer have each value."""
    return await catalogue.facets(s)


@router.get("/my/listings")
async def my_listings(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[ListingState | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[ListingView]:
    """One's own listings, in every state or in one, newest first; the operator sees everybody's."""
    seller = None if OPERATOR in caller.actor.roles else caller.actor.org_id
    rows = await repository.listings_of(s, seller_id=seller, status=status, after=after, limit=limit)
    return [ListingView.of(row) for row in rows]


@router.get("/listings/{listing_id}")
async def listing(listing_id: Id, s: ReadDep, caller: VisitorDep) -> ListingView:
    """One listing that is, or was, on offer; one's own and for the operator also before."""
    return ListingView.of(await visible(s, caller, listing_id))


@router.get("/listings/{listing_id}/conditions")
async def conditions(listing_id: Id, s: ReadDep, caller: VisitorDep) -> dict[str, Any]:
    """What the seller lets be done with the product at most: an offer stays inside it."""
    await visible(s, caller, listing_id)
    return (await repository.conditions_of(s, listing_id=listing_id)).document()


@router.get("/listings/{listing_id}/plan")
async def plan(listing_id: Id, s: ReadDep, caller: VisitorDep) -> dict[str, Any] | None:
    """How its price follows from the quantity; null where it has one price."""
    await visible(s, caller, listing_id)
    found = await repository.plan_of(s, listing_id=listing_id)
    return None if found is None else found.document()


@router.get("/listings/{listing_id}/quote")
async def quote(
    listing_id: Id,
    s: ReadDep,
    caller: VisitorDep,
    quantity: Annotated[int, Query(ge=1, le=MAX_QUANTITY)] = 1,
) -> dict[str, Any] | None:
    """What a quantity costs, fees included, with the reasons: the same bytes for everybody who asks.

    Null where the listing has no price yet. A listing without a plan has one price, whatever the quantity.
    """
    found = await whole_quote(s, await visible(s, caller, listing_id), quantity=quantity)
    return None if found is None else found.document()


@router.get("/listings/{listing_id}/history")
async def history(listing_id: Id, s: ReadDep, caller: VisitorDep) -> HistoryView:
    """The versions of its product that are or were on offer, newest first, and every step of theirs."""
    found = await visible(s, caller, listing_id)
    versions = await versions_of(s, product_id=found.product_id, seller_id=found.seller_id)
    ids = [one.listing.listing_id for one in versions]
    said = await statements_about(s, object_ids=ids or [listing_id], limit=_STEPS)
    return HistoryView(
        versions=[ListingView.of(one.listing) for one in versions],
        steps=[StatementView.of(one) for one in said],
    )


@router.get("/listings/{listing_id}/buyers")
async def buyers(listing_id: Id, s: ReadDep, caller: VisitorDep) -> dict[str, Any]:
    """Whom the product is sold to, as an inquiry is asked; what is empty is not asked."""
    await visible(s, caller, listing_id)
    return (await repository.buyers_of(s, listing_id=listing_id) or BuyerConditions()).document()


async def visible(s: ReadSession, caller: Caller | None, listing_id: str) -> Listing:
    """The listing, if it may be seen. Raises ListingUnknown."""
    found = await repository.get_listing(s, listing_id=listing_id)
    if found.listed_at is not None or (caller is not None and OPERATOR in caller.actor.roles):
        return found
    if caller is None:
        raise ListingUnknown("no such listing", listing_id=listing_id)
    return await repository.get_listing_of(s, listing_id=listing_id, org_id=caller.actor.org_id)
