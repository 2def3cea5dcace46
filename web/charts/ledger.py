"""How the ledger grew, and how far its witnesses were behind. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.charts import theme
from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import SAYS


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that was published: when (as people read it), its size, how much of it is witnessed."""

    at: str
    size: int
    witnessed_size: int | None


def growth(found: Sequence[Published], *, title: str, says: str, say: Say) -> Chart:
    """Entries by checkpoint, the oldest first."""
    return _stepped(
        [(one.at, one.size) for one in found],
        name="growth",
        title=title,
        says=says,
        column=say("Entries"),
        say=say,
        colour=theme.BRAND,
    )


def lag(found: Sequence[Published], *, title: str, says: str, say: Say) -> Chart:
    """Entries of each checkpoint that no witnessed checkpoint held until then."""
    behind = [(one.at, one.size - one.witnessed_size) for one in found if one.witnessed_size is not None]
    return _stepped(
        behind,
        name="lag",
        title=title,
        says=says,
        column=say("Entries not witnessed"),
        say=say,
        colour=theme.WARN,
    )


def _stepped(
    rows: Sequence[tuple[str, int]], *, name: str, title: str, says: str, column: str, say: Say, colour: str
) -> Chart:
    x = {
        "field": "at",
        "type": "ordinal",
        "sort": None,
        "axis": {"title": None, "labelAngle": 0, "labelOverlap": True},
    }
    y = {
        "field": "entries",
        "type": "quantitative",
        "scale": {"zero": True},
        "axis": {"title": None, "grid": True, "minExtent": 50, "format": ",d", "tickMinStep": 1},
    }
    return Chart(
        name=name,
        title=title,
        says=says,
        columns=(Column("at", say("Published")), Column("entries", column, Kind.COUNT)),
        rows=tuple(rows),
        marks={
            "width": theme.WIDTH,
            "height": 180,
            "layer": [
                {
                    "mark": {"type": "area", "color": colour, "opacity": 0.25, "aria": False},
                    "encoding": {"x": x, "y": y},
                },
                {"mark": {"type": "line", "color": colour, "aria": False}, "encoding": {"x": x, "y": y}},
                {
                    "mark": {"type": "point", "color": colour, "size": 30},
                    "encoding": {"x": x, "y": y, "description": SAYS},
                },
            ],
        },
    )
