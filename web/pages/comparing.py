"""Two or three products side by side: what they are, what they cost, how good they were measured to be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from market.listings import catalogue, repository
from market.listings.buyers import KIND_LABELS, BuyerConditions
from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS
from market.listings.conditions import PURPOSE_LABELS, Conditions, Purpose
from market.listings.tables import Listing, ListingFile
from registry.quality import WEIGHT_PERCENT
from registry.repository import latest_report
from web.pages import words
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.products import seen
from web.pages.regions import region
from web.pages.showing import day, money, number, place, size
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
MOST: Final = 3
_OTHERS: Final = 8


@dataclass(frozen=True, slots=True)
class Beside:
    """One product as it is compared; `report` is its newest quality report, empty where there is none."""

    listing: Listing
    file: ListingFile
    report: dict[str, Any]
    conditions: Conditions
    buyers: BuyerConditions | None
    provider: str


@router.get("/compare")
async def compare(
    visitor: VisitorDep,
    product: Annotated[list[Annotated[str, Query(max_length=40)]] | None, Query(max_length=20)] = None,
) -> Response:
    """The products that the address names, a column each, and what else could stand beside them.

    Raises ListingUnknown.
    """
    wanted = list(dict.fromkeys(product or []))
    async with visitor.node.database.read() as s:
        shown = [await _beside(s, visitor, listing_id) for listing_id in wanted[:MOST]]
        query = catalogue.Query(category=shown[0].listing.category if shown else None)
        others = await catalogue.search(s, query, limit=_OTHERS + MOST)
    ids = [one.listing.listing_id for one in shown]
    return visitor.render(
        "compare.html",
        shown=shown,
        rows=[(visitor.say(title), [of(visitor, one) for one in shown]) for title, of in _ROWS],
        left_out=len(wanted) - len(ids),
        without={one: _address(visitor, [other for other in ids if other != one]) for one in ids},
        most=MOST,
        others=[
            (one, _address(visitor, [*ids, one.listing_id]))
            for one in others.listings
            if one.listing_id not in ids
        ][:_OTHERS],
    )


def _address(visitor: Visitor, ids: Sequence[str]) -> str:
    """The page that compares these."""
    return f"{visitor.url('/compare')}?{urlencode([('product', one) for one in ids])}"


async def _beside(s: ReadSession, visitor: Visitor, listing_id: str) -> Beside:
    listing = await seen(s, visitor, listing_id)
    report = await latest_report(s, listing_id=listing_id)
    names = await names_of(s, [listing.seller_id])
    return Beside(
        listing=listing,
        file=await repository.get_file(s, file_id=listing.file_id),
        report={} if report is None else orjson.loads(report.report),
        conditions=await repository.conditions_of(s, listing_id=listing_id),
        buyers=await repository.buyers_of(s, listing_id=listing_id),
        provider=names[listing.seller_id],
    )


def _price(visitor: Visitor, one: Beside) -> str:
    if one.listing.list_price_minor is None:
        return visitor.say("On inquiry.")
    count = f"{number(one.listing.quantity)} " if one.listing.quantity > 1 else ""
    return f"{money(visitor.lang, one.listing.list_price_minor)} / {count}{one.listing.unit}"


def _coded(group: str, of: Callable[[Beside], str | None]) -> "Callable[[Visitor, Beside], str]":
    """A row of a code's word; a dash for none."""

    def said(visitor: Visitor, one: Beside) -> str:
        code = of(one)
        return "–" if code is None else visitor.say(words.word(group, code))

    return said


def _listed(visitor: Visitor, parts: Sequence[str]) -> str:
    return visitor.listed(parts) or "–"


def _table(visitor: Visitor, one: Beside) -> str:
    del visitor
    table = one.report.get("table")
    return "–" if table is None else f"{number(table['rows'])} × {table['columns']}"


def _score(name: str | None) -> "Callable[[Visitor, Beside], str]":
    """A row of one dimension of the measured quality, or of the whole."""

    def said(visitor: Visitor, one: Beside) -> str:
        del visitor
        found = one.report.get("score") if name is None else one.report.get("dimensions", {}).get(name)
        return "–" if found is None else str(found)

    return said


def _fields(visitor: Visitor, one: Beside) -> str:
    return _listed(visitor, [column["name"] for column in one.report.get("columns", [])])


def _purposes(visitor: Visitor, one: Beside) -> str:
    allowed = [PURPOSE_LABELS[two] for two in Purpose if two in one.conditions.purposes]
    return _listed(visitor, [visitor.named(label) for label in allowed])


def _territory(visitor: Visitor, one: Beside) -> str:
    places = [place(visitor.lang, code) for code in one.conditions.territory]
    return _listed(visitor, places) if places else visitor.say("wherever customs opens")


def _derived(visitor: Visitor, one: Beside) -> str:
    return visitor.say("allowed") if one.conditions.derivative_allowed else visitor.say("not allowed")


def _sold_to(visitor: Visitor, one: Beside) -> str:
    kinds = [] if one.buyers is None else [visitor.named(KIND_LABELS[kind]) for kind in one.buyers.kinds]
    regions = [] if one.buyers is None else [visitor.named(region(code)) for code in one.buyers.regions]
    return _listed(visitor, [*kinds, *regions]) if kinds or regions else visitor.say("every admitted buyer")


_ROWS: Final[Sequence[tuple[str, Callable[[Visitor, Beside], Any]]]] = (
    (N_("List price"), _price),
    (N_("Provider"), lambda _visitor, one: one.provider),
    (N_("Category"), lambda visitor, one: visitor.named(CATEGORY_LABELS[one.listing.category])),
    (N_("Type"), lambda visitor, one: visitor.named(PRODUCT_TYPE_LABELS[one.listing.product_type])),
    (N_("Region"), lambda visitor, one: visitor.named(region(one.listing.geo))),
    (N_("State"), _coded("state", lambda one: one.listing.status.value)),
    (N_("listed"), lambda _visitor, one: day(one.listing.listed_at)),
    (N_("Scenario of use"), lambda _visitor, one: one.listing.scenario),
    (N_("Level"), _coded("level", lambda one: one.listing.level.value)),
    (N_("Rows and columns"), _table),
    (N_("Size"), lambda _visitor, one: size(one.file.bytes)),
    (
        N_("Update frequency"),
        _coded("frequency", lambda one: one.report.get("declared", {}).get("update_frequency")),
    ),
    (N_("Score of 100"), _score(None)),
    *((words.word("dimension", str(name)), _score(str(name))) for name in WEIGHT_PERCENT),
    (N_("Fields"), _fields),
    (N_("Licence"), _coded("licence", lambda one: one.listing.licence_class)),
    (N_("Purposes"), _purposes),
    (N_("Territory"), _territory),
    (N_("Derived products"), _derived),
    (N_("Longest term in months"), lambda _visitor, one: str(one.conditions.max_term_months)),
    (N_("Sold to"), _sold_to),
)
"""What is compared, in order: the title of a row, and how a product says it."""
