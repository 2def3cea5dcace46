"""What charts are made of: labelled bars, lines at a threshold, labels apart from each other. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from web.charts import theme

Marks = dict[str, Any]
SAYS: Final = {"field": "says"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart, at a value, with its name."""

    at: float
    label: str


def bars(
    label: str,
    value: str,
    *,
    lines: Sequence[Line] = (),
    top: float | None = None,
    link: str | None = None,
    title: str = "",
    step: int = theme.STEP,
    whole: bool = False,
) -> Marks:
    """Horizontal bars in the order of the rows, each told at its end; `lines` stand upright across them.

    `whole` is for counts: no tick stands between two whole numbers.
    """
    y = {"field": label, "type": "nominal", "sort": None, "title": None, "axis": {"ticks": False}}
    scale = {"domain": [0, top]} if top is not None else {"zero": True}
    x: Marks = {"field": value, "type": "quantitative", "scale": scale, "axis": {"title": title or None}}
    if whole:
        x["axis"] = {"title": title or None, "tickMinStep": 1, "format": ",d"}
    href = {"href": {"field": link}} if link else {}
    bar = {
        "mark": {"type": "bar", "size": step - 12},
        "encoding": {"y": y, "x": x, "description": SAYS, **href},
    }
    text = {
        "mark": {"type": "text", "align": "left", "dx": 6, "aria": False},
        "encoding": {"y": y, "x": x, "text": {"field": f"{value}_says"}},
    }
    layer = [bar, *(upright(line) for line in lines), text]
    return {"width": theme.WIDTH, "height": {"step": step}, "layer": layer}


def upright(line: Line) -> Marks:
    """A dashed line at a value of x, named above the chart."""
    return _ruled(line, "x", {"align": "center", "baseline": "bottom", "y": -4})


def level(line: Line) -> Marks:
    """A dashed line at a value of y, named at its left end."""
    return _ruled(line, "y", {"align": "left", "baseline": "bottom", "x": 4, "dy": -2})


def _ruled(line: Line, side: str, placed: Mapping[str, Any]) -> Marks:
    at = {side: {"field": "at", "type": "quantitative"}}
    text = {"type": "text", "fontSize": 12, "aria": False, **placed}
    label = {"text": {"field": "label"}}
    halo = {"color": theme.CARD, "stroke": theme.CARD, "strokeWidth": 5, "strokeJoin": "round"}
    return {
        "data": {"values": [{"at": line.at, "label": line.label}]},
        "encoding": at,
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [6, 4], "color": theme.SOFT, "aria": False}},
            {"mark": text | halo, "encoding": label},
            {"mark": text | {"color": theme.SOFT}, "encoding": label},
        ],
    }


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Where labels of these values stand so that any two are a gap apart: as near as can be, none below 0."""
    order = sorted(range(len(values)), key=lambda n: values[n])
    clusters: list[tuple[list[int], float]] = []  # who stands together, and where the lowest of them stands
    for n in order:
        members, lowest = [n], max(values[n], 0.0)
        while clusters and clusters[-1][1] + len(clusters[-1][0]) * gap > lowest:
            members = clusters.pop()[0] + members
            middle = sum(values[one] - place * gap for place, one in enumerate(members)) / len(members)
            lowest = max(middle, 0.0)
        clusters.append((members, lowest))
    placed = [0.0] * len(values)
    for members, lowest in clusters:
        for place, one in enumerate(members):
            placed[one] = lowest + place * gap
    return placed
