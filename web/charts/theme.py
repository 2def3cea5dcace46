"""How charts look: the sheet's own colours, type that is large enough, room for Chinese labels.

Colours are those of the light scheme in `app.css`; in a page each becomes the sheet's variable
(`web.charts.dressing`), so that a chart is dark where the page is. Colour never tells anything alone.
"""

from typing import Any, Final

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
PALETTE: Final = {
    "ink": "#1b2430",
    "soft": "#4d5966",
    "line": "#cdd5df",
    "brand": "#0a4f9e",
    "good": "#0f6b3a",
    "bad": "#a8201a",
    "warn": "#7a4b00",
    "card": "#fff",
}
INK, SOFT, LINE, BRAND, GOOD, BAD, WARN, CARD = PALETTE.values()
WIDTH: Final = 520
STEP: Final = 30
LABELS: Final = 90  # a server that lacks a font measures Chinese too short: labels have this much at least
_LABEL: Final = {"labelColor": INK, "titleColor": SOFT, "labelFontSize": 13, "titleFontSize": 13}
CONFIG: Final[dict[str, Any]] = {
    "font": "Noto Sans SC, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **_LABEL,
        "aria": False,
        "titleFontWeight": "normal",
        "labelLimit": 260,
        "domainColor": SOFT,
        "tickColor": SOFT,
        "gridColor": LINE,
        "grid": False,
    },
    "axisY": {"minExtent": LABELS},
    "axisQuantitative": {"tickCount": 5},
    "legend": {"disable": True},
    "text": {"color": INK, "fontSize": 13},
    "rule": {"color": SOFT},
    "bar": {"color": BRAND},
    "line": {"color": BRAND, "strokeWidth": 2.5},
    "point": {"color": BRAND, "filled": True, "size": 60, "opacity": 1},
}
LINES: Final = (
    {"colour": BRAND, "dash": [1, 0]},
    {"colour": BAD, "dash": [8, 4]},
    {"colour": GOOD, "dash": [2, 3]},
    {"colour": WARN, "dash": [12, 3, 2, 3]},
    {"colour": INK, "dash": [5, 2]},
    {"colour": SOFT, "dash": [2, 6]},
)
"""How lines are told apart: by dash and by colour, and each is labelled at its end."""
