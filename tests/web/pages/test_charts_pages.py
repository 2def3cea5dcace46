"""Pages with charts: who may see them, tables of the chart's very data, files, and a child that is gone."""

import csv
import io

import orjson
import pytest
from lxml.etree import HTMLParser, fromstring

from market.listings import catalogue
from market.listings.shapes import Offered
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.findings import analysis, with_findings
from web.charts.drawing import Drawing

CHARTS = ("/reg/concentration", "/reg/prices", "/reg/flows")


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a page, row by row."""
    root = fromstring(text, HTMLParser(encoding="utf-8"))
    return [
        [
            [" ".join("".join(cell.itertext()).split()) for cell in row.iter("th", "td")]
            for row in table.iter("tr")
        ]
        for table in root.iter("table")
    ]


def drawings(text: str) -> list[str]:
    """The names of the charts that were drawn on a page."""
    root = fromstring(text, HTMLParser(encoding="utf-8"))
    return [one.get("aria-labelledby").removesuffix("-title") for one in root.iter("svg")]


async def test_charts_are_the_regulators_and_methods_are_everybodys(market: Market) -> None:
    with_findings(market)
    files = [f"/reg/concentration/{name}" for name in ("trend.csv", "shares.png", "markets.csv")]
    for who, status in ((None, 401), ("buyer", 403), ("broker", 403), ("provider", 403)):
        browser = Browser(market.served, market.people[who] if who else None)
        for path in (*CHARTS, *files):
            answer = await browser.client.get(f"/en{path}")
            assert answer.status_code in {status, 303 if who is None else status}, (who, path)
            assert "1,142,400" not in answer.text
        assert (await browser.client.get("/api/v1/supervision/analysis")).status_code == status
        for path in ("/about/method", "/about/rules", "/ledger/growth"):
            assert (await browser.client.get(f"/en{path}")).status_code == 200
    auditor = Browser(market.served, market.people["auditor"])
    for path in CHARTS:
        assert (await auditor.client.get(f"/en{path}")).status_code == 200


async def test_before_the_first_run_a_page_says_what_to_do(market: Market) -> None:
    samr = Browser(market.served, market.people["samr"])
    for path in CHARTS:
        page = await samr.get(path)
        assert "Supervision has not run yet." in page.words
    assert (await samr.client.get("/en/reg/concentration/trend.csv")).status_code == 404
    assert (await samr.client.get("/api/v1/supervision/analysis")).status_code == 404


async def test_concentration_shows_what_supervision_told(market: Market) -> None:
    with_findings(market)
    samr = Browser(market.served, market.people["samr"])
    text = (await samr.client.get("/en/reg/concentration")).text
    assert drawings(text) == ["trend", "shares"]
    trend, shares, markets = tables(text)
    assert trend == [
        ["Month", "Market", "HHI by value"],
        ["2026-10", "Energy · Guangdong", "5,000"],
        ["2026-11", "Energy · Guangdong", "3,814"],
        ["2026-11", "Health · Nationwide", "900"],
    ]
    assert shares[1:] == [
        ["1. 粤能数科", "56.00 %", "CN¥1,142,400.00", "2"],
        ["2. 湾区普惠银行", "44.00 %", "CN¥897,600.00", "1"],
    ]
    assert [row[:2] for row in markets[1:]] == [
        ["Energy · GuangdongSmall sample, a clue only", "3,814"],
        ["Health · Nationwide", "900"],
    ]
    assert "moderate from 1,000" in text
    assert "high above 1,800" in text
    narrow = "/en/reg/concentration?sector=health&from=2026-11&to=2026-10&metric=cr4&geo=nowhere"
    trend, _, markets = tables(
        (await samr.client.get(narrow)).text
    )  # an order the other way, a place unknown
    assert trend == [["Month", "Market", "CR4 by value"], ["2026-11", "Health · Nationwide", "100.00 %"]]
    assert len(markets) == 2
    chinese = (await samr.client.get("/zh/reg/concentration?metric=cr4")).text
    assert "75 % 起为极高集中" in chinese
    answer = await samr.client.get("/api/v1/supervision/analysis")
    assert answer.json() == orjson.loads(orjson.dumps(analysis(market)))


async def test_a_chart_as_a_file(market: Market) -> None:
    with_findings(market)
    samr = Browser(market.served, market.people["samr"])
    sheet = (await samr.client.get("/en/reg/concentration/shares.csv?sector=energy")).content.decode(
        "utf-8-sig"
    )
    assert list(csv.reader(io.StringIO(sheet))) == [
        ["Undertaking", "Share", "Sales", "Trades"],
        ["1. 粤能数科", "56.00", "1142400.00", "2"],
        ["2. 湾区普惠银行", "44.00", "897600.00", "1"],
    ]
    markets = (await samr.client.get("/en/reg/concentration/markets.csv")).content.decode("utf-8-sig")
    assert markets.splitlines()[1].split(",")[:5] == ["Energy", "Guangdong", "3814", "4000", "100.00"]
    png = await samr.client.get("/zh/reg/concentration/trend.png")
    assert (png.headers["content-type"], png.content[:4]) == ("image/png", b"\x89PNG")
    pdf = await samr.client.get("/zh/reg/concentration/trend.pdf")
    assert (pdf.headers["content-type"], pdf.content[:4]) == ("application/pdf", b"%PDF")
    for path in ("trend.exe", "other.csv", "markets.png"):
        assert (await samr.client.get(f"/en/reg/concentration/{path}")).status_code == 404


async def test_prices_lead_to_their_findings(market: Market) -> None:
    with_findings(market)
    samr = Browser(market.served, market.people["samr"])
    text = (await samr.client.get("/en/reg/prices?sector=energy")).text
    assert drawings(text) == ["prices"]
    drawn, far = tables(text)
    group = "Energy · Data set · General data, level 1 · 条"
    assert drawn[1][:7] == [group, "–", "12", "CN¥50,000.00", "CN¥80,000.00", "CN¥88,750.01", "CN¥90,000.00"]
    assert drawn[2][1] == market.ids["settled"]
    assert drawn[2][-1] == "CN¥532,500.03"
    assert far[1][2:] == [group, "CN¥532,500.03", "CN¥88,750.01", "6.0000", "11"]
    root = fromstring(text, HTMLParser(encoding="utf-8"))
    (svg,) = root.iter("svg")
    (link,) = [one.get("href") for one in svg.iter("a")]
    assert "suspected unfair price" in (await samr.client.get(link)).text


async def test_flows_by_place_and_by_category_and_across_the_border(market: Market) -> None:
    with_findings(market)
    samr = Browser(market.served, market.people["samr"])
    for by, seller, buyer in (
        ("regions", "Guangzhou", "Shenzhen"),
        ("zones", "Greater Bay Area", "Hong Kong and Macao"),
        ("sectors", "Energy", "Shenzhen"),
        ("no-such", "Guangzhou", "Shenzhen"),
    ):
        text = (await samr.client.get(f"/en/reg/flows?by={by}")).text
        assert drawings(text) == ["flows", "exports"]
        matrix, pairs, abroad, routes = tables(text)
        assert matrix[1:] == [[seller, buyer, "CN¥680,000.00", "1"]]
        assert pairs[1:] == [["粤能数科", "湾区普惠银行", "CN¥680,000.00", "1"]]
        assert abroad[1:] == [["SG", "15", "4", "2"]]
        said = "Exempt: few persons, nothing sensitive"
        assert routes[1:] == [["Singapore", said, "Cleared", "2", "1", "0", "15", "4"]]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_without_a_child_that_draws_the_table_is_open_and_a_note_says_so(market: Market, lang) -> None:
    with_findings(market)
    market.served.app.state.charts = Drawing(most_waiting=0)
    samr = Browser(market.served, market.people["samr"], lang)
    note = {"zh": "图表暂时无法绘制，下表数据相同。", "en": "The chart could not be drawn just now."}[lang]
    for path in (*CHARTS, f"/products/{market.ids['listed']}/quality", "/ledger/growth", "/"):
        answer = await samr.client.get(f"/{lang}{path}")
        assert answer.status_code == 200
        assert drawings(answer.text) == []
        assert note in answer.text, path
    assert "<details open>" in (await samr.client.get(f"/{lang}/reg/concentration")).text
    png = await samr.client.get(f"/{lang}/reg/concentration/trend.png")
    assert (png.status_code, png.headers["retry-after"]) == (503, "5")
    assert (await samr.client.get(f"/{lang}/reg/concentration/trend.csv")).status_code == 200


async def test_the_overview_says_how_cases_and_witnesses_stand(market: Market) -> None:
    with_findings(market)
    page = await Browser(market.served, market.people["samr"]).get("/reg")
    assert "Open cases 0 Overdue in cases 0 Newest checkpoint 98" in page.words
    assert "Findings 2 Severity: High 1 Severity: Medium 1" in page.words


async def test_the_method_names_the_numbers_of_the_rule_table(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/about/method")
    assert "Moderate from 1000 , high above 1800" in page.words
    assert "It needs 5 comparable sales of 3 providers" in page.words
    (hhi,) = tables((await browser.client.get("/en/about/rules?rule=HHI")).text)
    assert [row[:3] for row in hhi[1:]] == [
        ["HHI@1", "High concentration, more than", "1800"],
        ["HHI@1", "Moderate concentration, at least", "1000"],
    ]
    assert hhi[1][-1] == "from memory: not to be quoted as law"
    empty = await browser.get("/about/rules?rule=NONE")
    assert "There is no such rule in force today." in empty.words


async def test_a_product_is_shown_beside_what_the_catalogue_tells_everybody(
    market: Market, monkeypatch
) -> None:
    browser = Browser(market.served)
    listed = market.ids["listed"]
    assert drawings((await browser.client.get(f"/en/products/{listed}")).text) == []  # nothing to compare
    search = catalogue.search

    async def with_others(s, query, **how):
        page = await search(s, query, **how)
        (own,) = page.listings
        others = [
            Offered(**{name: getattr(own, name) for name in own.__slots__} | changed)
            for changed in (
                {"listing_id": "lst_1", "title": "Dear", "list_price_minor": 99_900_000},
                {"listing_id": "lst_2", "title": "Cheap", "list_price_minor": 50_000_000},
                {"listing_id": "lst_3", "title": "Another unit", "unit": "call"},
                {"listing_id": "lst_4", "title": "On inquiry", "list_price_minor": None},
            )
        ]
        return catalogue.Page([own, *others], None)

    monkeypatch.setattr(catalogue, "search", with_others)
    text = (await browser.client.get(f"/en/products/{listed}")).text
    assert drawings(text) == ["offers"]
    (told,) = [table for table in tables(text) if table[0][:1] == ["Product"]]
    assert [row[1:] for row in told[1:]] == [
        ["–", "CN¥999,000.00"],
        ["◆", "CN¥760,000.00"],
        ["–", "CN¥500,000.00"],
    ]
