"""The questions of the catalogue, built once for each shape: which words, filters, order, and page.

Building a SELECT costs more than asking it. So each shape is kept, and only its values change. Plain
columns come back, as `Offered`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, case, func, literal, select
from sqlmodel import SQLModel

from market.listings.categories import Category, ProductType
from market.listings.states import ListingState
from market.listings.tables import Listing, ListingTag, ListingToken
from market.listings.tags import TAGS
from registry.rules import Level

_SHAPES_KEPT: Final = 512
_ESCAPE: Final = "/"
_LISTINGS: Final = SQLModel.metadata.tables[str(Listing.__tablename__)]
_TOKENS: Final = SQLModel.metadata.tables[str(ListingToken.__tablename__)]
_TAGS: Final = SQLModel.metadata.tables[str(ListingTag.__tablename__)]


class Sort(StrEnum):
    """In which order a page comes. Equal prices stand by age, so that one index serves both ways."""

    NEWEST = "newest"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"


@dataclass(frozen=True, slots=True)
class Offered:
    """What a page of the catalogue shows of a listing."""

    listing_id: str
    product_id: str
    seller_id: str
    title: str
    description: str
    category: Category
    geo: str
    product_type: ProductType
    level: Level
    public_data: bool
    scenario: str
    licence_of_data: str
    licence_class: str
    unit: str
    quantity: int
    list_price_minor: int | None
    cap_minor: int | None
    report_sha256: str | None
    status: ListingState
    reasons: Sequence[str]
    listed_at: datetime | None


_SHOWN: Final = [_LISTINGS.c[name] for name in Offered.__slots__]
FILTERS: Final = ("category", "geo", "product_type", "seller_id")
BANDS: Final[Mapping[str, tuple[int, int | None]]] = {
    "under-10k": (0, 1_000_000),
    "10k-100k": (1_000_000, 10_000_000),
    "100k-500k": (10_000_000, 50_000_000),
    "500k-1m": (50_000_000, 100_000_000),
    "1m-up": (100_000_000, None),
}
"""Price bands by name: from so many fen up to, not including, so many."""
_PRICE: Final = _LISTINGS.c.list_price_minor
FACETS: Final[Mapping[str, ColumnElement[Any]]] = {
    "category": _LISTINGS.c.category,
    "geo": _LISTINGS.c.geo,
    "price": case(
        *((high > _PRICE, literal(name)) for name, (_, high) in BANDS.items() if high is not None),
        else_=literal(next(name for name, (_, high) in BANDS.items() if high is None)),
    ),
    "product_type": _LISTINGS.c.product_type,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a question looks like without its values: `filters` are names of those that are set."""

    words: int
    runs: int
    filters: frozenset[str]
    sort: Sort
    goes_on: bool


@lru_cache(_SHAPES_KEPT)
def question(shape: Shape) -> Select[Any]:
    """The SELECT of a shape.

    Its values are `word0 …`, `run0 …`, the names of `filters`, `after`, and `rows`: how many at most.
    """
    chosen, key = _matching(shape, _SHOWN)
    return _in_order(chosen, shape, key).limit(_value("rows"))


@lru_cache(_SHAPES_KEPT)
def counting(shape: Shape, facet: str) -> Select[Any]:
    """How many of what a shape finds have each value of a facet, of the first `rows` found."""
    found = _matching(shape, [FACETS[facet].label("value")])[0].limit(_value("rows")).subquery()
    return select(found.c.value, func.count()).group_by(found.c.value)


@lru_cache(_SHAPES_KEPT)
def counting_tags(shape: Shape, facets: frozenset[str]) -> Select[Any]:
    """How many of what a shape finds have each tag of these facets, of the first `rows` found."""
    found = _matching(shape, [_LISTINGS.c.listing_id])[0].limit(_value("rows")).subquery()
    joined = _TAGS.join(found, found.c.listing_id == _TAGS.c.listing_id)
    chosen = select(_TAGS.c.facet, _TAGS.c.value, func.count()).select_from(joined)
    return chosen.where(_TAGS.c.facet.in_(sorted(facets))).group_by(_TAGS.c.facet, _TAGS.c.value)


def _matching(shape: Shape, columns: Sequence[ColumnElement[Any]]) -> tuple[Select[Any], ColumnElement[str]]:
    """What a shape finds, in no order, and the column that names a listing."""
    chosen = select(*columns).where(*_filters(shape))
    if shape.words:  # only what is on offer has words: no further question, no other road for the planner
        first, *others = [_TOKENS.alias(f"word_{number}") for number in range(shape.words)]
        chosen = chosen.join(first, first.c.listing_id == _LISTINGS.c.listing_id)
        chosen = chosen.where(first.c.token == _value("word0"))
        for number, other in enumerate(others, 1):
            same = (other.c.token == _value(f"word{number}")) & (other.c.listing_id == first.c.listing_id)
            chosen = chosen.where(select(other.c.listing_id).where(same).exists())
        key = first.c.listing_id
    else:
        chosen, key = chosen.where(_LISTINGS.c.status == ListingState.LISTED), _LISTINGS.c.listing_id
    return chosen, key


def like(run: str) -> str:
    """The value of a run: found as it is, whatever signs it has."""
    for sign in (_ESCAPE, "%", "_"):
        run = run.replace(sign, _ESCAPE + sign)
    return f"%{run}%"


def _filters(shape: Shape) -> list[ColumnElement[bool]]:
    price = _LISTINGS.c.list_price_minor
    wanted = [_LISTINGS.c[name] == _value(name) for name in FILTERS if name in shape.filters]
    for name in TAGS:
        if name in shape.filters:
            tag = _TAGS.alias(f"tag_{name}")
            same = (tag.c.facet == name) & (tag.c.value == _value(name))
            wanted.append(
                select(tag.c.listing_id).where(same & (tag.c.listing_id == _LISTINGS.c.listing_id)).exists()
            )
    if "min_price_minor" in shape.filters:
        wanted.append(price >= _value("min_price_minor"))
    if "max_price_minor" in shape.filters:
        wanted.append(price <= _value("max_price_minor"))
    found = _LISTINGS.c.search_text
    return [*wanted, *(found.like(_value(f"run{n}"), escape=_ESCAPE) for n in range(shape.runs))]


def _in_order(chosen: Select[Any], shape: Shape, key: ColumnElement[str]) -> Select[Any]:
    """Sort a selection, and begin behind the listing `after`."""
    price, after = _LISTINGS.c.list_price_minor, _value("after")
    if shape.sort is Sort.NEWEST:
        chosen = chosen.order_by(key.desc())
        return chosen.where(key < after) if shape.goes_on else chosen
    cheapest = shape.sort is Sort.CHEAPEST
    chosen = chosen.order_by(price, key) if cheapest else chosen.order_by(price.desc(), key.desc())
    if not shape.goes_on:
        return chosen
    before = _LISTINGS.alias("before")
    last = select(before.c.list_price_minor).where(before.c.listing_id == after).scalar_subquery()
    if cheapest:
        return chosen.where((price > last) | ((price == last) & (key > after)))
    return chosen.where((price < last) | ((price == last) & (key < after)))


def _value(name: str) -> BindParameter[Any]:
    return bindparam(name)
