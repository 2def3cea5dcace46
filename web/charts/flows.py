"""Who sells to whom, as a matrix: sellers down, buyers across, the value told in every field. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from web.charts import theme
from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import SAYS

_DARKEST: Final = 0.4
_PALEST: Final = 0.06


@dataclass(frozen=True, slots=True)
class Flow:
    """What went from one place, trade or party to another."""

    seller: str
    buyer: str
    value_minor: int
    trades: int


def flows(
    found: Sequence[Flow], *, name: str, title: str, says: str, sides: tuple[str, str], say: Say
) -> Chart:
    """Who sells and who buys most come first; `sides` are the names of the two."""
    y = {"field": "seller", "type": "nominal", "sort": _by(found, "seller"), "title": sides[0]}
    x = {
        "field": "buyer",
        "type": "nominal",
        "sort": _by(found, "buyer"),
        "title": sides[1],
        "axis": {"orient": "top", "labelAngle": 0, "labelLimit": 96},
    }
    shade = {
        "field": "value",
        "type": "quantitative",
        "scale": {"range": [_PALEST, _DARKEST], "zero": True},
        "legend": None,
    }
    return Chart(
        name=name,
        title=title,
        says=says,
        columns=(
            Column("seller", sides[0]),
            Column("buyer", sides[1]),
            Column("value", say("Amount"), Kind.FEN),
            Column("trades", say("Trades"), Kind.COUNT),
        ),
        rows=tuple((one.seller, one.buyer, one.value_minor, one.trades) for one in found),
        marks={
            "width": {"step": 104},
            "height": {"step": 36},
            "layer": [
                {
                    "mark": {"type": "rect", "color": theme.BRAND, "stroke": theme.LINE},
                    "encoding": {"x": x, "y": y, "fillOpacity": shade, "description": SAYS},
                },
                {
                    "mark": {"type": "text", "aria": False},
                    "encoding": {"x": x, "y": y, "text": {"field": "value_short"}},
                },
            ],
        },
    )


def _by(found: Sequence[Flow], side: str) -> list[str]:
    totals: dict[str, int] = {}
    for one in found:
        key = getattr(one, side)
        totals[key] = totals.get(key, 0) + one.value_minor
    return sorted(totals, key=lambda key: (-totals[key], key))
