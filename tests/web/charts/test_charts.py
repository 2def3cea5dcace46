"""Charts: what is drawn of which facts, the same facts in the table, an SVG that a strict page may show."""

import re
from collections.abc import Iterator

import altair as alt
import pytest
from lxml.etree import fromstring

from tests.web.charts.examples import ENERGY, HEALTH, examples
from web.charts import theme
from web.charts.chart import Chart, Column, Kind
from web.charts.drawing import Drawing
from web.charts.dressing import dressed
from web.charts.parts import spread
from web.pages.assets import STATIC
from web.pages.picturing import plain, short_money, shown_in

NAMES = sorted(examples())


@pytest.fixture(scope="module")
def drawing() -> Iterator[Drawing]:
    one = Drawing(patience_s=120)
    yield one
    one.close()


def test_every_chart_is_vega_lite_as_its_schema_has_it() -> None:
    for chart in examples().values():
        alt.LayerChart.from_dict(chart.spec(shown_in("zh")), validate=True)


@pytest.mark.parametrize("name", NAMES)
async def test_a_chart_is_drawn_of_its_table_and_strict(drawing, name) -> None:
    chart = examples()[name]
    shown = shown_in("en")
    spec = chart.spec(shown)
    for row, values in zip(chart.table(), spec["data"]["values"], strict=True):
        for cell, column in row:
            if column.kind.is_number:
                assert values[f"{column.name}_says"] == ("" if cell is None else shown(cell, column.kind))
            else:
                assert values[column.name] == cell
    svg = dressed((await drawing.draw(spec)).decode(), name=name, title=chart.title, says=chart.says)
    assert not re.search(r"<style|<script|\sstyle=|\son[a-z]+=|vega|javascript:|xlink", svg)
    root = fromstring(svg)
    namespace = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{namespace}title").text == chart.title
    assert root.find(f"{namespace}desc").text == chart.says
    assert root.get("aria-labelledby") == f"{name}-title"
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert all(one.startswith(f"{name}-") for one in ids)
    assert len(ids) == len(set(ids))
    for one in root.iter():
        assert one.get("aria-roledescription") is None
        for part in ("fill", "stroke"):
            assert re.fullmatch(r"none|var\(--[a-z]+\)|transparent", one.get(part, "none")), one.attrib
        if one.get("role") == "graphics-symbol":
            assert one.get("aria-label")
        assert one.get("href", "/zh/").startswith("/zh/")
    told = {one.get("aria-label") for one in root.iter() if one.get("role") == "graphics-symbol"}
    marked = {values["says"] for values in spec["data"]["values"]}
    assert told == marked


def test_a_trend_tells_exactly_these_values() -> None:
    spec = examples()["trend"].spec(shown_in("en"))
    assert spec["data"]["values"][0] == {
        "month": "2026-04",
        "market": ENERGY,
        "value": 3814,
        "value_says": "3,814",
        "says": f"2026-04, {ENERGY}, HHI 3,814",
    }
    thresholds = [layer["data"]["values"] for layer in spec["layer"][2:4]]
    assert thresholds == [[{"at": 1000, "label": "moderate"}], [{"at": 1800, "label": "high"}]]
    line = spec["layer"][0]["encoding"]
    assert line["strokeDash"]["scale"] == {"domain": [ENERGY, HEALTH], "range": [[1, 0], [8, 4]]}
    ends = spec["layer"][-1]["data"]["values"]
    assert [one["market"] for one in ends] == [ENERGY, HEALTH]
    assert ends[1]["at"] - ends[0]["at"] >= 3814 * 1.1 * 17 / 280 - 1e-9  # labels stand apart


def test_money_shares_and_scores_are_drawn_in_whole_units_and_told_exactly() -> None:
    (first, _) = examples()["shares"].spec(shown_in("zh"))["data"]["values"]
    assert (first["share"], first["share_says"]) == (56.0, "56.00 %")
    assert (first["amount"], first["amount_says"], first["amount_short"]) == (
        1_142_400.0,
        "¥1,142,400.00",
        "¥114万",
    )
    (score, _) = examples()["dimensions"].spec(shown_in("zh"))["data"]["values"]
    assert (score["score"], score["score_says"]) == (98.5, "98.5")
    assert [plain(5600, Column("a", "A", kind)) for kind in (Kind.SHARE, Kind.FEN, Kind.TENTHS)] == [
        "56.00",
        "56.00",
        "560.0",
    ]


def test_short_money() -> None:
    assert [short_money("zh", fen) for fen in (99, 999_999, 1_234_567, 68_000_000, 12_345_678_901)] == [
        "¥0",
        "¥9,999",
        "¥1.2万",
        "¥68万",
        "¥1.2亿",
    ]
    assert [short_money("en", fen) for fen in (99_900, 123_456, 680_000_00, 150_000_000)] == [
        "CN¥999",
        "CN¥1.2k",
        "CN¥680k",
        "CN¥1.5m",
    ]


def test_labels_stand_apart_and_in_order() -> None:
    assert spread([10, 0, 11, 12], 5) == [6, 0, 11, 16]  # as near to all of them as can be
    assert spread([1, 0], 5) == [5, 0]  # none below the axis
    assert spread([], 5) == []


def test_the_colours_are_those_of_the_sheet() -> None:
    sheet = (STATIC / "app.css").read_text()
    light = sheet[sheet.index(":root{") : sheet.index("@media")]
    for name, colour in theme.PALETTE.items():
        assert f"--{name}:{colour};" in light, name


def test_labels_have_room_where_the_font_is_not_known() -> None:
    assert theme.CONFIG["axisY"]["minExtent"] >= 90


def test_a_chart_of_nothing_has_no_values() -> None:
    chart = Chart("none", "None", "Nothing.", (Column("a", "A"),), (), {"mark": "bar"})
    assert chart.spec(shown_in("en"))["data"]["values"] == []
