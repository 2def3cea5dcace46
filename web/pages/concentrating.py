"""The regulator's page of concentration: HHI and CR4 over months with their thresholds, shares by controller.

Every figure is `supervision.analysis`'s, of the newest run; what is chosen here is which of them to show.
"""

from collections.abc import Container, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import NotFound
from web.charts.chart import Chart, Column, Kind
from web.charts.parts import Line
from web.charts.shares import Share, shares
from web.charts.trend import MOST_LINES, Point, trend
from web.pages.analysing import analysis_for, category_name, market_name
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.picturing import as_file, picture
from web.pages.regions import region
from web.pages.visiting import Visitor, VisitorDep
from web.supervising import NoFindingsYet

router = APIRouter()
_NAMED: Final = 2
METRICS: Final[Mapping[str, tuple[str, str, str]]] = {
    "hhi": (N_("HHI by value"), "hhi", "HHI"),
    "hhi_by_count": (N_("HHI by number of trades"), "hhi_by_count", "HHI"),
    "cr4": (N_("CR4 by value"), "cr4_bp", "CR4"),
    "cr4_by_count": (N_("CR4 by number of trades"), "cr4_by_count_bp", "CR4"),
}
BANDS: Final[Mapping[str, str]] = {
    "moderate_from": N_("moderate from %(value)s"),
    "high_above": N_("high above %(value)s"),
    "oligopolistic_from": N_("oligopolistic from %(value)s"),
    "very_high_from": N_("very high from %(value)s"),
}


class _Chosen:
    """What of the analysis was asked for; what cannot be is as if nothing had been said."""

    def __init__(self, told: Mapping[str, Any], asked: Mapping[str, str]) -> None:
        months = [one["month"] for one in told["concentration"]]
        self.months = months
        self.metric = _one_of(asked, "metric", METRICS, "hhi")
        self.first = _one_of(asked, "from", months, months[0])
        self.last = _one_of(asked, "to", months, months[-1])
        if self.first > self.last:
            self.first, self.last = self.last, self.first
        self.shown = [one for one in told["concentration"] if self.first <= one["month"] <= self.last]
        newest = self.shown[-1]["markets"]
        self.sectors = sorted({one["market"]["category"] for one in newest})
        self.places = sorted({one["market"]["geo"] for one in newest})
        self.sector = _one_of(asked, "sector", self.sectors, "")
        self.geo = _one_of(asked, "geo", self.places, "")
        self.bands: Mapping[str, int] = told["bands"][METRICS[self.metric][2]]
        field = METRICS[self.metric][1]
        self.markets: list[dict[str, Any]] = sorted(
            (one for one in newest if self._fits(one["market"])),
            key=lambda one: (-one[field], one["market"]["category"], one["market"]["geo"]),
        )

    def _fits(self, market: Mapping[str, str]) -> bool:
        return self.sector in {"", market["category"]} and self.geo in {"", market["geo"]}

    @property
    def field(self) -> str:
        return METRICS[self.metric][1]

    @property
    def kind(self) -> Kind:
        return Kind.SHARE if METRICS[self.metric][2] == "CR4" else Kind.COUNT

    def query(self) -> dict[str, str]:
        """The state of the page, for its address."""
        return {
            "sector": self.sector,
            "geo": self.geo,
            "from": self.first,
            "to": self.last,
            "metric": self.metric,
        }


def _one_of(asked: Mapping[str, str], name: str, known: Container[str], default: str) -> str:
    told = asked.get(name, "")
    return told if told in known else default


def _trend(visitor: Visitor, chosen: _Chosen) -> Chart:
    """The measure over the months, of the markets that are highest at the end."""
    drawn = chosen.markets[:MOST_LINES]
    keys = {(one["market"]["category"], one["market"]["geo"]): one["market"] for one in drawn}
    points = [
        Point(month["month"], market_name(visitor, keys[key]), one[chosen.field])
        for key in keys
        for month in chosen.shown
        for one in month["markets"]
        if (one["market"]["category"], one["market"]["geo"]) == key
    ]
    return trend(
        points,
        name="trend",
        title=visitor.say(METRICS[chosen.metric][0]),
        says=visitor.say(
            "Each month looks back over twelve months from its end. The dashed lines are the thresholds."
        ),
        kind=chosen.kind,
        lines=[Line(at / _parts(chosen), label) for at, label in _bands(visitor, chosen)],
        say=visitor.say,
    )


def _parts(chosen: _Chosen) -> int:
    return 100 if chosen.kind is Kind.SHARE else 1


def _bands(visitor: Visitor, chosen: _Chosen) -> list[tuple[int, str]]:
    def shown(value: int) -> str:
        return f"{value // 100} %" if chosen.kind is Kind.SHARE else f"{value:,}"

    return [
        (value, visitor.say(BANDS[name], value=shown(value)))
        for name, value in sorted(chosen.bands.items(), key=lambda item: item[1])
    ]


def _shares(visitor: Visitor, chosen: _Chosen, names: Mapping[str, str], limits: Mapping[str, str]) -> Chart:
    """Shares in the most concentrated of the markets that were asked for."""
    market = chosen.markets[0]
    found = [
        Share(
            f"{place}. {_undertaking(one['org_ids'], names)}",
            one["share_bp"],
            int(one["amount_minor"]),
            one["trades"],
        )
        for place, one in enumerate(market["largest"], 1)
    ]
    return shares(
        found,
        name="shares",
        title=visitor.say("Shares: %(market)s", market=market_name(visitor, market["market"])),
        says=visitor.say(
            "Members under one controller are one undertaking. Twelve months up to the end of %(month)s.",
            month=chosen.last,
        ),
        lines=[
            Line(float(100 * Fraction(limits["share"])), visitor.say("presumption of dominance (AML24-1)"))
        ],
        say=visitor.say,
    )


def _undertaking(org_ids: Sequence[str], names: Mapping[str, str]) -> str:
    told = " + ".join(names[org] for org in org_ids[:_NAMED])
    return f"{told} + {len(org_ids) - _NAMED}" if len(org_ids) > _NAMED else told


def _markets(visitor: Visitor, chosen: _Chosen) -> Chart:
    """The markets as a sheet; nothing is drawn of it."""
    rows = tuple(
        (
            category_name(visitor, one["market"]["category"]),
            visitor.named(region(one["market"]["geo"])),
            one["hhi"],
            one["hhi_by_count"],
            one["cr4_bp"],
            one["cr4_by_count_bp"],
            int(one["total_minor"]),
            one["trades"],
            one["undertakings"],
        )
        for one in chosen.markets
    )
    say = visitor.say
    columns = (
        Column("category", say("Category")),
        Column("geo", say("Region")),
        Column("hhi", "HHI", Kind.COUNT),
        Column("hhi_by_count", say("HHI by number of trades"), Kind.COUNT),
        Column("cr4", "CR4 %", Kind.SHARE),
        Column("cr4_by_count", say("CR4 by number of trades"), Kind.SHARE),
        Column("sales", say("Sales"), Kind.FEN),
        Column("trades", say("Trades"), Kind.COUNT),
        Column("undertakings", say("Undertakings"), Kind.COUNT),
    )
    return Chart("markets", say("Markets"), "", columns, rows, {})


async def _names(visitor: Visitor, chosen: _Chosen) -> Mapping[str, str]:
    async with visitor.node.database.read() as s:
        return await names_of(
            s, (org for market in chosen.markets for one in market["largest"] for org in one["org_ids"])
        )


@router.get("/reg/concentration")
async def concentration(visitor: VisitorDep) -> Response:
    """HHI and CR4 of the relevant markets over months, with the thresholds; shares by controller."""
    told = await analysis_for(visitor)
    if told is None:
        return visitor.render("concentration.html", told=None)
    chosen = _Chosen(told, visitor.request.query_params)
    names = await _names(visitor, chosen)
    limits = told["limits"]
    return visitor.render(
        "concentration.html",
        told=told,
        chosen=chosen,
        metrics=[(code, visitor.say(text)) for code, (text, _, _) in METRICS.items()],
        trend=await picture(visitor, _trend(visitor, chosen)),
        shares=await picture(visitor, _shares(visitor, chosen, names, limits)) if chosen.markets else None,
        names=names,
        undertaking=_undertaking,
        category_name=lambda code: category_name(visitor, code),
        market_name=lambda market: market_name(visitor, market),
        region=region,
        bands=_bands(visitor, chosen),
        files=visitor.url("/reg/concentration/NAME.FORM", **chosen.query()),
    )


@router.get("/reg/concentration/{name}.{form}")
async def concentration_file(visitor: VisitorDep, name: str, form: str) -> Response:
    """A chart of that page as CSV, PNG or PDF; the markets as CSV."""
    told = await analysis_for(visitor)
    if told is None:
        raise NoFindingsYet("supervision has not run yet")
    chosen = _Chosen(told, visitor.request.query_params)
    if name == "trend":
        return await as_file(visitor, _trend(visitor, chosen), form)
    if name == "shares" and chosen.markets:
        names = await _names(visitor, chosen)
        return await as_file(visitor, _shares(visitor, chosen, names, told["limits"]), form)
    if name == "markets" and form == "csv":
        return await as_file(visitor, _markets(visitor, chosen), form)
    raise NotFound("no such chart", name=name)
