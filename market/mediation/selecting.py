"""Which listings of a category are compared with a request where there are more than can be: the likeliest.

Whatever is on offer can be among them, however old it is and whoever sells it. Chosen are those with the
most points of what a listing's row tells (`matching`: territory, delivery, budget where it is told, licence,
level); of equals those with more of the request's own words; of equals again by the end of the listing's id,
which is random and nobody's choice.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, literal
from sqlmodel import col, select

from base.db import ReadSession
from market.listings.catalogue import rarest_first
from market.listings.conditions import places_holding
from market.listings.states import ListingState
from market.listings.tables import Listing, ListingToken
from market.listings.words import query_tokens
from market.mediation.matching import NEAR, NEAR_DEN, NEAR_NUM, POINTS, WIDER, WITHIN, Asked, Criterion
from market.requests.tables import DataRequest
from registry.rules import Level, rank

MOST_WORDS: Final = 8
_RANDOM_FROM: Final = 15  # behind the kind and the time of an id (`base.ids`)
_DIVISION: Final = 6
_COUNTRIES: Final = {"CN": (), "TW": ("71",), "HK": ("81",), "MO": ("82",)}  # by the first letters of a code


async def candidates(s: ReadSession, request: DataRequest, asked: Asked, *, limit: int) -> Sequence[str]:
    """The ids of the listings of the request's category, the likeliest first, at most so many."""
    words = (await rarest_first(s, query_tokens(f"{request.title} {request.description}")))[:MOST_WORDS]
    of_words = (
        select(ListingToken.listing_id, func.count().label("hits"))
        .where(col(ListingToken.token).in_(words))
        .group_by(col(ListingToken.listing_id))
        .subquery()
    )
    query = (
        select(Listing.listing_id)
        .outerjoin(of_words, of_words.c.listing_id == col(Listing.listing_id))
        .where(
            Listing.status == ListingState.LISTED,
            Listing.category == request.category,
            Listing.seller_id != request.buyer_id,
        )
        .order_by(
            points_told(asked).desc(),
            func.coalesce(of_words.c.hits, 0).desc(),
            func.substr(col(Listing.listing_id), _RANDOM_FROM),
            col(Listing.listing_id),
        )
    )
    return (await s.exec(query.limit(limit))).all()


def points_told(asked: Asked) -> ColumnElement[int]:
    """The points of the criteria that a listing's own row decides, as `matching.judge` gives them."""
    levels = [
        level.value for level in Level if asked.wishes.level and rank(level) <= rank(asked.wishes.level)
    ]
    parts = [
        _territory(asked.geo),
        _of(Criterion.DELIVERY, col(Listing.product_type) == asked.product_type, asked.product_type),
        _of(
            Criterion.LICENCE,
            col(Listing.licence_class) == asked.wishes.licence_class,
            asked.wishes.licence_class,
        ),
        _of(Criterion.LEVEL, col(Listing.level).in_(levels), asked.wishes.level),
        _budget(asked.budget_max_minor if asked.budget_told else None),
    ]
    total: ColumnElement[int] = literal(0)
    for part in parts:
        total = total + part
    return total


def _of(criterion: Criterion, met: ColumnElement[bool], wanted: object) -> ColumnElement[int]:
    return literal(0) if wanted is None else case((met, POINTS[criterion]), else_=0)


def _territory(wanted: str) -> ColumnElement[int]:
    """The same place, one that holds it, or one in it: of a division by the letters of its code."""
    offered = col(Listing.geo)
    inside: ColumnElement[bool] = offered.in_([])
    if len(wanted) == _DIVISION:
        inside = offered.like(f"{wanted.removesuffix('00').removesuffix('00')}%")
    elif wanted in _COUNTRIES:
        own = func.substr(offered, 1, 2)
        apart = [code for country in _COUNTRIES.values() for code in country]
        there = own.in_(_COUNTRIES[wanted]) if _COUNTRIES[wanted] else own.not_in(apart)
        inside = and_(func.length(offered) == _DIVISION, there)
    return case(
        (offered == wanted, POINTS[Criterion.TERRITORY]),
        (offered.in_(places_holding(wanted)), WIDER),
        (inside, WITHIN),
        else_=0,
    )


def _budget(most: int | None) -> ColumnElement[int]:
    if most is None:
        return literal(0)
    price = col(Listing.list_price_minor)
    return case(
        (price.is_(None), NEAR),
        (price <= most, POINTS[Criterion.BUDGET]),
        (price * NEAR_DEN <= most * NEAR_NUM, NEAR),
        else_=0,
    )
