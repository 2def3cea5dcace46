"""The public catalogue: what is on offer, found by its words, counted as it comes and goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col, delete, insert, select, update
from sqlmodel.sql.expression import SelectOfScalar

from base.db import ReadSession, WriteSession
from market.listings.categories import Category, ProductType
from market.listings.repository import MAX_PAGE
from market.listings.states import ListingState
from market.listings.tables import FacetCount, Listing, ListingToken
from market.listings.words import query_tokens, runs, tokens

_Chosen: TypeAlias = SelectOfScalar[Listing]
_RARE: Final = 10_000  # above this many listings one word is as common as another
BANDS: Final[Mapping[str, tuple[int, int | None]]] = {
    "under-10k": (0, 1_000_000),
    "10k-100k": (1_000_000, 10_000_000),
    "100k-500k": (10_000_000, 50_000_000),
    "500k-1m": (50_000_000, 100_000_000),
    "1m-up": (100_000_000, None),
}
"""Price bands by name: from so many fen up to, not including, so many."""


class Sort(StrEnum):
    """In which order a page comes. Equal prices stand by age, so that one index serves both ways."""

    NEWEST = "newest"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for. Every word of `text` must occur; prices are in fen, both ends included."""

    text: str = ""
    category: Category | None = None
    geo: str | None = None
    product_type: ProductType | None = None
    seller_id: str | None = None
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the catalogue; `next_after` goes on where it ends, None at the end."""

    listings: Sequence[Listing]
    next_after: str | None


async def search(s: ReadSession, query: Query, *, after: str | None = None, limit: int = 20) -> Page:
    """Listings on offer, by keyset: `after` is the listing id that the page before ended with."""
    limit = max(1, min(limit, MAX_PAGE))
    chosen = select(Listing).where(*_filters(query))
    words = await _rarest_first(s, query_tokens(query.text))
    if words:  # only what is on offer has words: no further question, no other road for the planner
        chosen, key = _having(chosen, words), col(ListingToken.listing_id)
    else:
        chosen, key = chosen.where(Listing.status == ListingState.LISTED), col(Listing.listing_id)
    rows = (await s.exec(_in_order(chosen, query.sort, key, after).limit(limit + 1))).all()
    found = rows[:limit]
    return Page(found, found[-1].listing_id if len(rows) > limit else None)


async def facets(s: ReadSession) -> dict[str, dict[str, int]]:
    """How many listings on offer have each value of category, geo, product type and price band."""
    counts: dict[str, dict[str, int]] = {}
    query = select(FacetCount).where(FacetCount.listings > 0)
    for row in await s.exec(query.order_by(FacetCount.facet, FacetCount.value)):
        counts.setdefault(row.facet, {})[row.value] = row.listings
    return counts


async def enter(s: WriteSession, listing: Listing) -> None:
    """Put a listing that is on offer now into the catalogue."""
    words = sorted(tokens(listing.search_text))
    if words:
        rows = [{"token": word, "listing_id": listing.listing_id} for word in words]
        await s.exec(insert(ListingToken), params=rows)
    dialect = sqlite if s.get_bind().dialect.name == "sqlite" else postgresql
    for facet, value in _facets_of(listing):
        first = dialect.insert(FacetCount).values(facet=facet, value=value, listings=1)
        await s.exec(
            first.on_conflict_do_update(
                index_elements=["facet", "value"], set_={"listings": FacetCount.listings + 1}
            )
        )


async def leave(s: WriteSession, listing: Listing) -> None:
    """Take a listing that is not on offer any more out of the catalogue."""
    await s.exec(delete(ListingToken).where(col(ListingToken.listing_id) == listing.listing_id))
    for facet, value in _facets_of(listing):
        await s.exec(
            update(FacetCount)
            .where(col(FacetCount.facet) == facet, col(FacetCount.value) == value)
            .values(listings=FacetCount.listings - 1)
        )


def band_of(price_minor: int) -> str:
    """The name of the price band of a price in fen."""
    return next(
        name
        for name, (low, high) in BANDS.items()
        if low <= price_minor and (high is None or price_minor < high)
    )


def _facets_of(listing: Listing) -> list[tuple[str, str]]:
    """In one order for everybody, so that two who count at once do not wait for each other."""
    assert listing.list_price_minor is not None
    return [
        ("category", listing.category.value),
        ("geo", listing.geo),
        ("price", band_of(listing.list_price_minor)),
        ("product_type", listing.product_type.value),
    ]


def _having(chosen: _Chosen, words: Sequence[str]) -> _Chosen:
    """The listings of the first word, which have each of the others too."""
    of_first = col(ListingToken.listing_id) == col(Listing.listing_id)
    chosen = chosen.join(ListingToken, of_first).where(ListingToken.token == words[0])
    for word in words[1:]:
        other = aliased(ListingToken)
        same = select(other.listing_id).where(
            other.token == word, col(other.listing_id) == col(ListingToken.listing_id)
        )
        chosen = chosen.where(same.exists())
    return chosen


def _in_order(chosen: _Chosen, sort: Sort, key: Mapped[str], after: str | None) -> _Chosen:
    """Sort a selection, and begin behind the listing `after`."""
    price = col(Listing.list_price_minor)
    before = aliased(Listing)
    last = select(before.list_price_minor).where(before.listing_id == after).scalar_subquery()
    if sort is Sort.NEWEST:
        chosen = chosen.order_by(key.desc())
        return chosen if after is None else chosen.where(key < after)
    if sort is Sort.CHEAPEST:
        chosen = chosen.order_by(price, key)
        return chosen if after is None else chosen.where((price > last) | ((price == last) & (key > after)))
    chosen = chosen.order_by(price.desc(), key.desc())
    return chosen if after is None else chosen.where((price < last) | ((price == last) & (key < after)))


def _filters(query: Query) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    for column, value in (
        (col(Listing.category), query.category),
        (col(Listing.geo), query.geo),
        (col(Listing.product_type), query.product_type),
        (col(Listing.seller_id), query.seller_id),
    ):
        if value is not None:
            wanted.append(column == value)
    if query.min_price_minor is not None:
        wanted.append(col(Listing.list_price_minor) >= query.min_price_minor)
    if query.max_price_minor is not None:
        wanted.append(col(Listing.list_price_minor) <= query.max_price_minor)
    wanted += [col(Listing.search_text).contains(run, autoescape=True) for run in runs(query.text)]
    return wanted


async def _rarest_first(s: ReadSession, words: Sequence[str]) -> list[str]:
    """The words, the one with the fewest listings first: the search walks through that one's listings."""
    if len(words) < 2:  # noqa: PLR2004 - one word needs no choice
        return list(words)
    sizes = {}
    for word in words:
        some = select(ListingToken.listing_id).where(ListingToken.token == word).limit(_RARE).subquery()
        sizes[word] = (await s.exec(select(func.count()).select_from(some))).one()
    return sorted(words, key=sizes.__getitem__)
