"""Sales by month: their value as bars, told above each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import SAYS


@dataclass(frozen=True, slots=True)
class Month:
    """What was sold in a month (as 2026-05)."""

    month: str
    value_minor: int
    trades: int


def sales(months: Sequence[Month], *, title: str, says: str, say: Say) -> Chart:
    """The oldest month first; a month without a sale is a row of zeros, given by the caller."""
    axis = {"title": None, "labelAngle": -45}  # a month takes more room than its bar
    x = {"field": "month", "type": "ordinal", "sort": None, "axis": axis}
    y = {
        "field": "value",
        "type": "quantitative",
        "scale": {"zero": True},
        "axis": {"title": say("yuan"), "grid": True, "format": ",~f", "minExtent": 60, "tickCount": 4},
    }
    return Chart(
        name="sales",
        title=title,
        says=says,
        columns=(
            Column("month", say("Month")),
            Column("value", say("Amount"), Kind.FEN),
            Column("trades", say("Trades"), Kind.COUNT),
        ),
        rows=tuple((one.month, one.value_minor, one.trades) for one in months),
        marks={
            "width": {"step": 48},
            "height": 220,
            "layer": [
                {"mark": {"type": "bar", "size": 36}, "encoding": {"x": x, "y": y, "description": SAYS}},
                {
                    "mark": {"type": "text", "dy": -8, "aria": False},
                    "encoding": {"x": x, "y": y, "text": {"field": "value_short"}},
                },
            ],
        },
    )
