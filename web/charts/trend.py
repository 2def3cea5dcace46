"""A measure of several markets over months, with its thresholds: a line each, named at its end. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from web.charts import theme
from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import SAYS, Line, level, spread

MOST_LINES: Final = len(theme.LINES)
_HEIGHT: Final = 280
_GAP: Final = 17
_ROOM: Final = 1.1


@dataclass(frozen=True, slots=True)
class Point:
    """A market's value in a month (as 2026-05)."""

    month: str
    market: str
    value: int


def trend(
    points: Sequence[Point], *, name: str, title: str, says: str, kind: Kind, lines: Sequence[Line], say: Say
) -> Chart:
    """At most `MOST_LINES` markets; `lines` are thresholds in the measure's own scale."""
    markets = list(dict.fromkeys(point.market for point in points))
    parts = 100 if kind is Kind.SHARE else 1
    ends = {point.market: point for point in sorted(points, key=lambda one: one.month)}
    top = max([point.value / parts for point in points] + [line.at for line in lines], default=1) * _ROOM
    colours = [style["colour"] for style in theme.LINES[: len(markets)]]
    dashes = [style["dash"] for style in theme.LINES[: len(markets)]]
    x = {"field": "month", "type": "ordinal", "axis": {"title": None, "labelAngle": 0, "labelOverlap": True}}
    y = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": None, "grid": True, "minExtent": 40},
    }
    coloured = {
        "field": "market",
        "type": "nominal",
        "scale": {"domain": markets, "range": colours},
        "legend": None,
    }
    dashed = coloured | {"scale": {"domain": markets, "range": dashes}}
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "line", "aria": False},
            "encoding": {"x": x, "y": y, "color": coloured, "strokeDash": dashed},
        },
        {"mark": {"type": "point"}, "encoding": {"x": x, "y": y, "color": coloured, "description": SAYS}},
        *(level(line) for line in lines),
        _names(list(ends.values()), markets, top, parts),
    ]
    return Chart(
        name=name,
        title=title,
        says=says,
        columns=(
            Column("month", say("Month")),
            Column("market", say("Market")),
            Column("value", title, kind),
        ),
        rows=tuple((point.month, point.market, point.value) for point in points),
        marks={"width": theme.WIDTH, "height": _HEIGHT, "layer": layer},
    )


def _names(ends: Sequence[Point], markets: Sequence[str], top: float, parts: int) -> dict[str, Any]:
    """The name of each line at its end, so that nobody has to compare colours."""
    placed = spread([point.value / parts for point in ends], top * _GAP / _HEIGHT)
    values = [
        {"month": point.month, "at": at, "market": point.market}
        for point, at in zip(ends, placed, strict=True)
    ]
    colours = [style["colour"] for style in theme.LINES[: len(markets)]]
    return {
        "data": {"values": values},
        "mark": {"type": "text", "align": "left", "dx": 10, "aria": False},
        "encoding": {
            "x": {"field": "month", "type": "ordinal"},
            "y": {"field": "at", "type": "quantitative"},
            "text": {"field": "market"},
            "color": {
                "field": "market",
                "type": "nominal",
                "scale": {"domain": list(markets), "range": colours},
                "legend": None,
            },
        },
    }
