"""A product's quality: the score of each dimension against what is needed to pass, and how it went. Pure."""

from collections.abc import Sequence

from web.charts import theme
from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import SAYS, Line, bars, level


def dimensions(
    scores: Sequence[tuple[str, int]], *, pass_tenths: int, title: str, says: str, say: Say
) -> Chart:
    """Bars of 100, in the order given; the line is what each needs."""
    return Chart(
        name="dimensions",
        title=title,
        says=says,
        columns=(Column("dimension", say("Dimension")), Column("score", say("Score"), Kind.TENTHS)),
        rows=tuple(scores),
        marks=bars("dimension", "score", lines=[Line(pass_tenths / 10, say("needed to pass"))], top=100),
    )


def scores(
    measured: Sequence[tuple[str, int]], *, pass_tenths: int, title: str, says: str, say: Say
) -> Chart:
    """The score at each measurement, the oldest first."""
    x = {"field": "measured", "type": "ordinal", "sort": None, "axis": {"title": None, "labelAngle": 0}}
    y = {
        "field": "score",
        "type": "quantitative",
        "scale": {"domain": [0, 100]},
        "axis": {"title": None, "grid": True, "minExtent": 40},
    }
    return Chart(
        name="scores",
        title=title,
        says=says,
        columns=(Column("measured", say("Measured")), Column("score", say("Score"), Kind.TENTHS)),
        rows=tuple(measured),
        marks={
            "width": theme.WIDTH,
            "height": 200,
            "layer": [
                level(Line(pass_tenths / 10, say("needed to pass"))),
                {"mark": {"type": "line", "aria": False}, "encoding": {"x": x, "y": y}},
                {"mark": {"type": "point"}, "encoding": {"x": x, "y": y, "description": SAYS}},
                {
                    "mark": {"type": "text", "dy": -12, "aria": False},
                    "encoding": {"x": x, "y": y, "text": {"field": "score_says"}},
                },
            ],
        },
    )
