"""A product's list price beside those of comparable offers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from web.charts import theme
from web.charts.chart import Chart, Column, Kind, Say
from web.charts.parts import SAYS, Line, upright

# Parts of one thing begin alike: what tells them apart stands at the end, so the middle is left out.
_SHORT: Final = (
    "length(datum.label) > 17 ? slice(datum.label, 0, 9) + '…' + slice(datum.label, -6) : datum.label"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer by its price of one unit."""

    title: str
    price_minor: int
    own: bool
    address: str


def offers(found: Sequence[Offer], *, median_minor: int, title: str, says: str, say: Say) -> Chart:
    """The dearest first; the product itself is a larger diamond, and its row says so."""
    own = {"condition": {"test": "datum.own !== null", "value": theme.BAD}, "value": theme.BRAND}
    shape = {"condition": {"test": "datum.own !== null", "value": "diamond"}, "value": "circle"}
    size = {"condition": {"test": "datum.own !== null", "value": 160}, "value": 60}
    y = {
        "field": "offer",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"grid": True, "labelLimit": 190, "labelExpr": _SHORT},
    }
    x = {
        "field": "price",
        "type": "quantitative",
        "scale": {"zero": True},
        "axis": {"title": say("yuan"), "format": ",~f", "labelOverlap": True},
    }
    ordered = sorted(found, key=lambda one: (-one.price_minor, not one.own, one.title))
    return Chart(
        name="offers",
        title=title,
        says=says,
        columns=(
            Column("offer", say("Product")),
            Column("own", say("This product")),
            Column("price", say("Price a unit"), Kind.FEN),
            Column("address", "", Kind.LINK),
        ),
        rows=tuple(
            (f"{n}. {one.title}", "◆" if one.own else None, one.price_minor, one.address)
            for n, one in enumerate(ordered, 1)
        ),
        marks={
            "width": 420,
            "height": {"step": 26},
            "layer": [
                upright(Line(median_minor / 100, say("Median"))),
                {
                    "mark": {"type": "point"},
                    "encoding": {
                        "y": y,
                        "x": x,
                        "color": own,
                        "shape": shape,
                        "size": size,
                        "href": {"field": "address"},
                        "description": SAYS,
                    },
                },
                {
                    "mark": {"type": "text", "align": "left", "dx": 10, "aria": False},
                    "encoding": {"y": y, "x": x, "text": {"field": "price_short"}},
                },
            ],
        },
    )
