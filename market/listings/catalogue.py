"""The public catalogue: what is on offer, found by its words, counted as it comes and goes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, insert, select, update

from base.db import ReadSession, WriteSession
from market.listings.categories import Category, ProductType
from market.listings.repository import MAX_PAGE
from market.listings.shapes import (
    BANDS,
    FACETS,
    FILTERS,
    Offered,
    Shape,
    Sort,
    counting,
    counting_tags,
    like,
    question,
)
from market.listings.tables import FacetCount, Listing, ListingTag, ListingToken
from market.listings.tags import TAGS, tags_of
from market.listings.words import query_tokens, runs, tokens

__all__ = [
    "BANDS",
    "Offered",
    "Page",
    "Query",
    "Sort",
    "band_of",
    "enter",
    "facets",
    "leave",
    "narrowed",
    "search",
]

_RARE: Final = 10_000  # above this many listings one word is as common as another
_SIZE_HOLDS_S: Final = 60.0
_WORDS_KEPT: Final = 10_000
_NEVER: Final = (0, 0.0)
COUNTED: Final = 10_000
_PRICES: Final = ("min_price_minor", "max_price_minor")
_FREE: Final[Mapping[str, Mapping[str, Any]]] = {
    "category": {"category": None},
    "geo": {"geo": None},
    "price": {"min_price_minor": None, "max_price_minor": None},
    "product_type": {"product_type": None},
}
"""A query with these values narrows by everything but the facet."""
_FACETS: Final = """
SELECT facet, value, listings FROM market_listing_facets WHERE listings > 0 ORDER BY facet, value
"""
_sizes: WeakKeyDictionary[Engine, dict[str, tuple[int, float]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for. Every word of `text` must occur; prices are in fen, both ends included.

    From `delivery` on each names a value of the tag of its name (`market.listings.tags`).
    """

    text: str = ""
    category: Category | None = None
    geo: str | None = None
    product_type: ProductType | None = None
    seller_id: str | None = None
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    delivery: str | None = None
    purpose: str | None = None
    grade: str | None = None
    frequency: str | None = None
    registered: str | None = None
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the catalogue; `next_after` goes on where it ends, None at the end."""

    listings: Sequence[Offered]
    next_after: str | None


async def search(s: ReadSession, query: Query, *, after: str | None = None, limit: int = 20) -> Page:
    """Listings on offer, by keyset: `after` is the listing id that the page before ended with."""
    limit = max(1, min(limit, MAX_PAGE))
    shape, values = await _shaped(s, query, goes_on=after is not None)
    values |= {"rows": limit + 1} if after is None else {"rows": limit + 1, "after": after}
    rows = (await (await s.connection()).execute(question(shape), values)).all()
    found = [Offered(*row) for row in rows[:limit]]
    return Page(found, found[-1].listing_id if len(rows) > limit else None)


async def _shaped(s: ReadSession, query: Query, *, goes_on: bool = False) -> tuple[Shape, dict[str, Any]]:
    """The shape of a query, and its values."""
    words = await rarest_first(s, query_tokens(query.text))
    values: dict[str, Any] = {
        name: value for name in (*FILTERS, *_PRICES, *TAGS) if (value := getattr(query, name)) is not None
    }
    exact = runs(query.text)
    shape = Shape(len(words), len(exact), frozenset(values), query.sort, goes_on)
    values |= {f"word{number}": word for number, word in enumerate(words)}
    values |= {f"run{number}": like(run) for number, run in enumerate(exact)}
    return shape, values


async def narrowed(s: ReadSession, query: Query) -> dict[str, dict[str, int]]:
    """How many of what a query finds have each value of a facet, were that facet's own choice not made.

    So each count says what choosing the value would find. Of the first ten thousand found: then
    `COUNTED` stands for more. Where nothing narrows, it is what `facets` keeps.
    """
    kept = await facets(s)
    counts: dict[str, dict[str, int]] = {}
    for facet in FACETS:
        others = replace(query, **_FREE[facet], sort=Sort.NEWEST)
        if others == Query():
            counts[facet] = kept.get(facet, {})
            continue
        shape, values = await _shaped(s, others)
        asked = counting(shape, facet), values | {"rows": COUNTED}
        rows: Sequence[Any] = (await (await s.connection()).execute(*asked)).all()
        counts[facet] = {str(value): int(number) for value, number in rows}
    return counts | await _tagged(s, query, kept)


async def _tagged(
    s: ReadSession, query: Query, kept: Mapping[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    """The same for tags: those of which none is chosen by one question, each other by one of its own."""
    counts: dict[str, dict[str, int]] = {name: {} for name in TAGS}
    free = frozenset(name for name in TAGS if getattr(query, name) is None)
    for facets_asked in (free, *(frozenset({name}) for name in TAGS if name not in free)):
        free_of: Mapping[str, Any] = dict.fromkeys(facets_asked)
        others = replace(query, **free_of, sort=Sort.NEWEST)
        if others == Query():
            counts |= {name: kept.get(name, {}) for name in facets_asked}
            continue
        shape, values = await _shaped(s, others)
        asked = counting_tags(shape, facets_asked), values | {"rows": COUNTED}
        for facet, value, number in (await (await s.connection()).execute(*asked)).all():
            counts[facet][str(value)] = int(number)
    return counts


async def facets(s: ReadSession) -> dict[str, dict[str, int]]:
    """How many listings on offer have each value of category, geo, product type, price band and tags."""
    counts: dict[str, dict[str, int]] = {}
    rows: Sequence[Any] = (await (await s.connection()).exec_driver_sql(_FACETS)).all()
    for facet, value, listings in rows:
        counts.setdefault(facet, {})[value] = listings
    return counts


async def enter(s: WriteSession, listing: Listing) -> None:
    """Put a listing that is on offer now into the catalogue."""
    words = sorted(tokens(listing.search_text))
    if words:
        rows = [{"token": word, "listing_id": listing.listing_id} for word in words]
        await s.exec(insert(ListingToken), params=rows)
    tags = await tags_of(s, listing)
    rows = [{"facet": facet, "value": value, "listing_id": listing.listing_id} for facet, value in tags]
    await s.exec(insert(ListingTag), params=rows)
    dialect = sqlite if s.get_bind().dialect.name == "sqlite" else postgresql
    for facet, value in sorted([*_facets_of(listing), *tags]):
        first = dialect.insert(FacetCount).values(facet=facet, value=value, listings=1)
        await s.exec(
            first.on_conflict_do_update(
                index_elements=["facet", "value"], set_={"listings": FacetCount.listings + 1}
            )
        )


async def leave(s: WriteSession, listing: Listing) -> None:
    """Take a listing that is not on offer any more out of the catalogue."""
    await s.exec(delete(ListingToken).where(col(ListingToken.listing_id) == listing.listing_id))
    mine = select(ListingTag.facet, ListingTag.value).where(ListingTag.listing_id == listing.listing_id)
    tags = [(facet, value) for facet, value in (await s.exec(mine)).all()]
    await s.exec(delete(ListingTag).where(col(ListingTag.listing_id) == listing.listing_id))
    for facet, value in sorted([*_facets_of(listing), *tags]):
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
    """What the listing's own columns say. Counted in one order by everybody: nobody waits for each other."""
    assert listing.list_price_minor is not None
    return [
        ("category", listing.category.value),
        ("geo", listing.geo),
        ("price", band_of(listing.list_price_minor)),
        ("product_type", listing.product_type.value),
    ]


async def rarest_first(s: ReadSession, words: Sequence[str]) -> list[str]:
    """The words, the one with the fewest listings first: the search walks through that one's listings.

    How rare a word is, is remembered for a while: a wrong order is slower and finds the same.
    """
    if len(words) < 2:  # noqa: PLR2004 - one word needs no choice
        return list(words)
    known, now = _sizes.setdefault(s.get_bind().engine, {}), time.monotonic()
    unknown = [word for word in words if known.get(word, _NEVER)[1] < now]
    if unknown:
        if len(known) > _WORDS_KEPT:
            known.clear()
        for word, size in zip(unknown, await _sizes_of(s, unknown), strict=True):
            known[word] = size, now + _SIZE_HOLDS_S
    sizes = {word: known[word][0] if word in known else 0 for word in words}
    return sorted(words, key=sizes.__getitem__)


async def _sizes_of(s: ReadSession, words: Sequence[str]) -> list[int]:
    """How many listings each word has, up to `_RARE`, by one question."""
    counts = []
    for word in words:
        some = select(ListingToken.listing_id).where(ListingToken.token == word).limit(_RARE).subquery()
        counts.append(select(func.count()).select_from(some).scalar_subquery())
    row = (await (await s.connection()).execute(sql.select(*counts))).one()
    return [int(size) for size in row]
