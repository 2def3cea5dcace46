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
) -> Marks:
    """Horizontal bars in the order of the rows, each told at its end; `lines` stand upright across them."""
    y = {"field": label, "type": "nominal", "sort": None, "title": None, "axis": {"ticks": False}}
    scale = {"domain": [0, top]} if top is not None else {"zero": True}
    x = {"field": value, "type": "quantitative", "scale": scale, "axis": {"title": title or None}}
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
    return {
        "data": {"values": [{"at": line.at, "label": line.label}]},
        "encoding": at,
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [6, 4], "color": theme.SOFT, "aria": False}},
            {
                "mark": {"type": "text", "color": theme.SOFT, "fontSize": 12, "aria": False, **placed},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    }


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Where labels of these values stand so that any two are a gap apart, as near as it goes, from below."""
    order = sorted(range(len(values)), key=lambda n: values[n])
    placed = [0.0] * len(values)
    lowest = float("-inf")
    for n in order:
        lowest = placed[n] = max(values[n], lowest + gap)
    return placed
