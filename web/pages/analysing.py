"""The regulator's charts of prices against comparables, of who trades with whom, and of what goes abroad.

Every figure is `supervision.analysis`'s, of the newest run; what is chosen here is which of them to show.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS
from pricing.guide import rounded
from web.charts.exports import Abroad, exports
from web.charts.flows import Flow, flows
from web.charts.parts import Line
from web.charts.prices import Outlier, Range, prices
from web.pages import words
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.picturing import picture
from web.pages.regions import region
from web.pages.supervisor import READERS, supervising_of
from web.pages.visiting import Visitor, VisitorDep
from web.supervising import NoFindingsYet

router = APIRouter()
Asked = Annotated[str, Query(max_length=40)]
_MOST_GROUPS: Final = 15
_MOST_FAR: Final = 60
_MOST_PLACES: Final = 10
_MOST_PAIRS: Final = 30
GROUPINGS: Final[Mapping[str, tuple[str, str, str, str, str]]] = {
    "regions": (N_("By region"), "seller_region", "buyer_region", N_("Providers in"), N_("Buyers in")),
    "zones": (
        N_("By part of the province"),
        "seller_zone",
        "buyer_zone",
        N_("Providers in"),
        N_("Buyers in"),
    ),
    "sectors": (N_("By category and region"), "category", "buyer_region", N_("Category"), N_("Buyers in")),
}
ZONES: Final[Mapping[str, str]] = {
    "gba": N_("Greater Bay Area"),
    "hk-macao": N_("Hong Kong and Macao"),
    "east": N_("Eastern Guangdong"),
    "west": N_("Western Guangdong"),
    "north": N_("Northern Guangdong"),
    "guangdong": N_("Guangdong, city unknown"),
    "other": N_("Other provinces"),
    "unknown": N_("unknown"),
}


async def analysis_for(visitor: Visitor) -> dict[str, Any] | None:
    """The newest analysis, None before the first run. Raises Unauthenticated, Forbidden."""
    visitor.require(READERS)
    try:
        return await supervising_of(visitor).analysis()
    except NoFindingsYet:
        return None


def market_name(visitor: Visitor, market: Mapping[str, str]) -> str:
    """A relevant market as people call it."""
    return f"{category_name(visitor, market['category'])} · {visitor.named(region(market['geo']))}"


def category_name(visitor: Visitor, code: str) -> str:
    """A category of the catalogue; the code itself where it is none."""
    known = {str(category.value): label for category, label in CATEGORY_LABELS.items()}
    return visitor.named(known[code]) if code in known else code


@router.get("/reg/prices")
async def price_outliers(visitor: VisitorDep, sector: Asked = "") -> Response:
    """Groups of comparable sales by unit price, and the sales that FAIR_PRICE found far from them."""
    told = await analysis_for(visitor)
    if told is None:
        return visitor.render("reg_prices.html", told=None)
    report = await supervising_of(visitor).report()
    found = [one for one in report.findings if one.rule_id == "FAIR_PRICE" and one.market is not None]
    far = [(one, _cell_of(one.market.category, one.statistic)) for one in found if one.market]
    groups = told["prices"] or []
    sectors = sorted({one["category"] for one in groups})
    chosen = sector if sector in sectors else ""
    far = [(one, cell) for one, cell in far if chosen in {"", cell[0]}]
    far.sort(
        key=lambda pair: -_fen(pair[0].statistic["price_minor"]) / _fen(pair[0].statistic["median_minor"])
    )
    more = len(far) - _MOST_FAR
    far = far[:_MOST_FAR]
    wanted = {cell for _, cell in far}
    shown = [one for one in groups if chosen in {"", one["category"]}]
    shown.sort(key=lambda one: (_cell_of(one["category"], one) not in wanted, -one["sales"]))
    shown = shown[:_MOST_GROUPS]
    labels = {_cell_of(one["category"], one): _group(visitor, one) for one in shown}
    async with visitor.node.database.read() as s:
        names = await names_of(s, (org for one, _ in far for org in one.subjects))
    chart = prices(
        [
            Range(
                labels[_cell_of(one["category"], one)],
                one["sales"],
                *(_fen(one[f"{place}_minor"]) for place in ("low", "lower", "median", "upper", "high")),
            )
            for one in shown
        ],
        [
            Outlier(
                labels[cell],
                one.objects[0],
                _fen(one.statistic["price_minor"]),
                _fen(one.statistic["median_minor"]),
                visitor.url(f"/reg/findings/{one.finding_id}"),
            )
            for one, cell in far
            if cell in labels
        ],
        name="prices",
        title=visitor.say("Unit prices of comparable sales"),
        says=visitor.say(
            "Each bar is the middle half of a group's prices, the line its lowest and highest, the mark its "
            "median. Diamonds are sales that were found far from it; each leads to its finding."
        ),
        lines=[Line(float(Fraction(told["limits"]["ratio_from"])), visitor.say("twice the median"))],
        say=visitor.say,
    )
    return visitor.render(
        "reg_prices.html",
        told=told,
        chart=await picture(visitor, chart),
        far=[(one, labels.get(cell, ""), one.statistic) for one, cell in far],
        more=max(more, 0),
        names=names,
        sector=chosen,
        sectors=[(code, category_name(visitor, code)) for code in sectors],
        others=[
            (rule, sum(one.rule_id == rule for one in report.findings)) for rule in ("PRICE_CAP", "AB1", "S4")
        ],
        fen=_fen,
    )


def _distance(told: Mapping[str, Any]) -> Fraction:
    """How many times a price is its median, or its median the price."""
    ratio = Fraction(told["price_minor"]) / Fraction(told["median_minor"])
    return max(ratio, 1 / ratio) if ratio else ratio


def _cell_of(category: str, told: Mapping[str, Any]) -> tuple[Any, ...]:
    return (category, told["product_type"], told["level"], told["unit"], told["size_digits"])


def _group(visitor: Visitor, one: Mapping[str, Any]) -> str:
    kinds = {str(kind.value): label for kind, label in PRODUCT_TYPE_LABELS.items()}
    kind = kinds.get(one["product_type"])
    level = visitor.say(words.word("level", one["level"])) if one["level"] else ""
    parts = [
        category_name(visitor, one["category"]),
        visitor.named(kind) if kind else one["product_type"],
        level,
        one["unit"],
        visitor.say("%(n)s digits of bytes", n=one["size_digits"]) if one["size_digits"] else "",
    ]
    return " · ".join(part for part in parts if part)


def _fen(exact: str) -> int:
    return rounded(Fraction(exact))


@router.get("/reg/flows")
async def flow(visitor: VisitorDep, by: Asked = "regions") -> Response:
    """Who sells to whom: between regions, by category, between controllers; and what goes abroad."""
    told = await analysis_for(visitor)
    if told is None:
        return visitor.render("reg_flows.html", told=None)
    by = by if by in GROUPINGS else "regions"
    _, down, across, *titles = GROUPINGS[by]
    rows = told["flows"][by]
    largest = {side: _largest(rows, side) for side in (down, across)}
    shown = [one for one in rows if one[down] in largest[down] and one[across] in largest[across]]
    pairs = told["flows"]["pairs"][:_MOST_PAIRS]
    async with visitor.node.database.read() as s:
        names = await names_of(s, (one[side] for one in pairs for side in ("seller_group", "buyer_group")))
    matrix = flows(
        [
            Flow(
                _place(visitor, down, one[down]),
                _place(visitor, across, one[across]),
                int(one["value_minor"]),
                one["trades"],
            )
            for one in shown
        ],
        name="flows",
        title=visitor.say("Value of sales"),
        says=visitor.say("Who sells is down, who buys across; a darker field is a larger value."),
        sides=(visitor.say(titles[0]), visitor.say(titles[1])),
        say=visitor.say,
    )
    abroad = [
        Abroad(
            one["country"] or visitor.say("unknown"),
            one["declarations"],
            one["persons_declared"],
            one["persons_sent"],
        )
        for one in _by_country(told["exports"] or ())
    ]
    return visitor.render(
        "reg_flows.html",
        told=told,
        by=by,
        groupings=[(code, visitor.say(one[0])) for code, one in GROUPINGS.items()],
        matrix=await picture(visitor, matrix),
        left_out=len(rows) - len(shown),
        pairs=pairs,
        names=names,
        abroad=await picture(
            visitor,
            exports(
                abroad,
                title=visitor.say("Declared to go abroad, by destination"),
                says=visitor.say("Persons whose data was declared, and whose data has gone."),
                say=visitor.say,
            ),
        ),
        exports=told["exports"],
    )


def _largest(rows: Sequence[Mapping[str, Any]], side: str) -> set[str]:
    totals: dict[str, int] = {}
    for one in rows:
        totals[one[side]] = totals.get(one[side], 0) + int(one["value_minor"])
    return set(sorted(totals, key=lambda key: (-totals[key], key))[:_MOST_PLACES])


def _place(visitor: Visitor, side: str, code: str) -> str:
    if side == "category":
        return category_name(visitor, code)
    if side.endswith("_zone"):
        return visitor.say(ZONES.get(code, code))
    return visitor.named(region(code)) if code else visitor.say("unknown")


def _by_country(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Destinations with all their routes and states together, the largest first."""
    found: dict[str, dict[str, Any]] = {}
    for one in rows:
        sums = found.setdefault(one["country"], {"country": one["country"]})
        for name in ("declarations", "persons_declared", "persons_sent"):
            sums[name] = sums.get(name, 0) + one[name]
    return sorted(found.values(), key=lambda one: (-one["persons_declared"], one["country"]))[:_MOST_PLACES]
