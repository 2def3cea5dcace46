"""Prices against those of comparable sales: each group's range, and the sales that lie far from it. Pure.

Groups cost a few yuan or a million: drawn is a multiple of the group's median, on a logarithmic scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web.charts import theme
from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import SAYS, Line, upright


@dataclass(frozen=True, slots=True)
class Range:
    """A group of comparable sales by unit price: least, quarter, half, three quarters, most (fen)."""

    group: str
    sales: int
    low_minor: int
    lower_minor: int
    median_minor: int
    upper_minor: int
    high_minor: int


@dataclass(frozen=True, slots=True)
class Outlier:
    """A sale far from the median of its comparables, and the page that tells of it."""

    group: str
    sale: str
    price_minor: int
    median_minor: int
    address: str


def prices(
    ranges: Sequence[Range],
    outliers: Sequence[Outlier],
    *,
    name: str,
    title: str,
    says: str,
    lines: Sequence[Line],
    say: Say,
) -> Chart:
    """One row a group, then one a sale."""
    y = {"field": "group", "type": "nominal", "sort": None, "title": None, "axis": {"ticks": False}}

    def times(place: str) -> dict[str, Any]:
        return {"calculate": f"datum.{place} / datum.median", "as": f"{place}_times"}

    def x(place: str) -> dict[str, Any]:
        return {
            "field": f"{place}_times",
            "type": "quantitative",
            "scale": {"type": "log", "nice": False},
            "axis": {"title": say("times the median"), "format": "~g"},
        }

    ranged = [
        {"filter": "datum.price === null"},
        *(times(place) for place in ("low", "lower", "median", "upper", "high")),
    ]
    far = [{"filter": "datum.price !== null"}, times("price")]
    layer: list[dict[str, Any]] = [
        {
            "transform": ranged,
            "layer": [
                {
                    "mark": {"type": "rule", "aria": False},
                    "encoding": {"y": y, "x": x("low"), "x2": {"field": "high_times"}},
                },
                {
                    "mark": {"type": "bar", "size": 14, "fillOpacity": 0.55},
                    "encoding": {
                        "y": y,
                        "x": x("lower"),
                        "x2": {"field": "upper_times"},
                        "description": SAYS,
                    },
                },
                {
                    "mark": {"type": "tick", "size": 22, "thickness": 3, "color": theme.INK, "aria": False},
                    "encoding": {"y": y, "x": x("median")},
                },
            ],
        },
        *(upright(line) for line in lines),
        {
            "transform": far,
            "mark": {"type": "point", "shape": "diamond", "color": theme.BAD, "size": 90},
            "encoding": {"y": y, "x": x("price"), "href": {"field": "address"}, "description": SAYS},
        },
    ]
    return Chart(
        name=name,
        title=title,
        says=says,
        columns=(
            Column("group", say("Comparable sales of")),
            Column("sale", say("Sale")),
            Column("sales", say("Sales"), Kind.COUNT),
            Column("low", say("Lowest"), Kind.FEN),
            Column("lower", say("Lower quarter"), Kind.FEN),
            Column("median", say("Median"), Kind.FEN),
            Column("upper", say("Upper quarter"), Kind.FEN),
            Column("high", say("Highest"), Kind.FEN),
            Column("price", say("Price"), Kind.FEN),
            Column("address", "", Kind.LINK),
        ),
        rows=(
            *(
                (
                    one.group,
                    None,
                    one.sales,
                    one.low_minor,
                    one.lower_minor,
                    one.median_minor,
                    one.upper_minor,
                    one.high_minor,
                    None,
                    None,
                )
                for one in ranges
            ),
            *(
                (
                    one.group,
                    one.sale,
                    None,
                    None,
                    None,
                    one.median_minor,
                    None,
                    None,
                    one.price_minor,
                    one.address,
                )
                for one in outliers
            ),
        ),
        marks={"width": theme.WIDTH, "height": {"step": theme.STEP + 4}, "layer": layer},
    )
