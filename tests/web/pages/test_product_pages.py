"""A product's history, price and provider; the home page, notices and help: exact, and what is refused."""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlmodel import select

from registry.tables import QualityRow
from tests.market.listings.goods import CLEAN, DECLARED
from tests.web.market import Market, upload
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from web.pages.helping import JOBS

HOWTO = Path(__file__).resolve().parents[3] / "docs" / "howto"


async def second_version(market: Market) -> str:
    """Another version of the listed product, on offer: another file, another price."""
    served = market.served
    served.clock.advance(timedelta(minutes=5))
    first = await served.api(market.provider, "GET", f"/listings/{market.ids['listed']}")
    raw = CLEAN.replace("4401", "4402").encode()
    told = ("description", "scenario", "category", "geo", "licence_class", "licence_of_data", "unit", "level")
    drafted = await served.api(
        market.provider,
        "POST",
        "/listings",
        {name: first[name] for name in told}
        | {
            "file_id": await upload(served, market.provider, "goods.csv", raw),
            "product_id": first["product_id"],
            "title": first["title"],
            "quantity": 1,
            "list_price_minor": 70_000_000,
        },
    )
    path = f"/listings/{drafted['listing_id']}"
    await served.api(market.provider, "POST", f"{path}/measure", DECLARED.document())
    submitted = {
        "source": "SELF_COLLECTED",
        "source_statement_sha256": "ab" * 32,
        "basis_ref": "SJ4412026090001",
    }
    await served.api(market.provider, "POST", f"{path}/submit", submitted)
    await served.api(market.operator, "POST", f"{path}/review", {"decision": "APPROVE"})
    await served.api(market.operator, "POST", f"{path}/publish")
    return str(drafted["listing_id"])


async def test_a_products_history_tells_its_versions_and_what_each_changed(market: Market) -> None:
    old = market.ids["listed"]
    visitor = Browser(market.served)
    page = await visitor.get(f"/products/{old}/history")
    assert "What no." not in page.words  # there is nothing to compare with
    new = await second_version(market)
    page = await visitor.get(f"/products/{new}/history")
    changes = page.words.partition("What no. 2 changed against no. 1")[2].partition("What happened to it")[0]
    assert "List price CN¥760,000.00 CN¥700,000.00" in changes
    assert "File" in changes
    assert "Title" not in changes
    links = {a["href"] for a in page.named("a")}
    assert f"/en/products/{new}/history?against={old}#changes" in links
    assert any("/ledger/" in link for link in links)
    back = await visitor.get(f"/products/{old}/history?against={new}")
    assert "List price CN¥700,000.00 CN¥760,000.00" in back.words
    async with market.served.client() as client:
        told = (await client.get(f"/api/v1/listings/{new}/history")).json()
    assert [one["listing_id"] for one in told["versions"]] == [new, old]
    assert [one["event"] for one in told["steps"]].count("LST.LIST") == 2
    page = await visitor.get(f"/compare?product={new}&product={old}&product={new}")
    assert structure(page, "en") == []
    unit = (await market.served.api(market.provider, "GET", f"/listings/{old}"))["unit"]
    assert f"List price CN¥700,000.00 / {unit} CN¥760,000.00 / {unit}" in page.words
    assert "Score of 100 100.0 100.0" in page.words
    assert {f"/en/compare?product={old}", f"/en/compare?product={new}"} <= {
        a["href"] for a in page.named("a")
    }  # each without the other


async def test_products_are_compared_three_at_most_and_only_those_one_may_see(market: Market) -> None:
    listed, draft, reviewed = (market.ids[name] for name in ("listed", "draft", "reviewed"))
    provider = Browser(market.served, market.provider, "zh")
    page = await provider.get(
        f"/compare?product={listed}&product={draft}&product={reviewed}&product={listed}"
    )
    assert structure(page, "zh") == []
    assert "2024年东莞市制造业能耗明细" in page.words
    assert "一次最多比较" not in page.words  # the same one twice is one
    await Browser(market.served).get(f"/compare?product={listed}&product={draft}", expect=404)
    page = await Browser(market.served).get(f"/compare?product={listed}")
    assert "Update frequency" in page.words
    empty = await Browser(market.served).get("/compare")
    assert f"/en/compare?product={listed}" in {a["href"] for a in empty.named("a")}
    four = "&".join(f"product={one}" for one in (listed, draft, reviewed, "lst_none"))
    assert "一次最多比较 3 个产品" in (await provider.get(f"/compare?{four}")).words


async def test_what_was_never_on_offer_has_no_history_and_no_price_for_others(market: Market) -> None:
    for path in ("history", "quote"):
        await Browser(market.served).get(f"/products/{market.ids['draft']}/{path}", expect=404)
    await Browser(market.served, market.provider).get(f"/products/{market.ids['draft']}/quote")


async def test_the_calculator_takes_a_price_apart_and_says_why(market: Market) -> None:
    path = f"/products/{market.ids['listed']}/quote"
    page = (await Browser(market.served).get(f"{path}?rows=1&months=12")).words
    for told in (
        "Price without tax Buyer CN¥716,981.13",
        "VAT 6.00 % Buyer CN¥43,018.87",
        "You pay CN¥760,000.00",
        "of it platform fee 1.00 % Provider CN¥7,600.00",
        "of it for the provider CN¥752,400.00",
        "The provider's list price · CN¥760,000.00",
        "Sign in to inquire",
    ):
        assert told in page
    for asked, told in (
        ("rows=many", "Enter a whole number of units."),
        ("months=1200", "The provider licenses no longer term."),
        ("use=RESALE", "The provider does not license this use."),
        ("exclusive=yes", "Licences here are not exclusive"),
    ):
        page = (await Browser(market.served, market.buyer).get(f"{path}?{asked}")).words
        assert told in page
        assert "Inquire on these terms" not in page
    page = await Browser(market.served, market.buyer).get(f"{path}?rows=2")
    link = next(a["href"] for a in page.named("a") if a.get("href", "").endswith("#inquire"))
    asked = await Browser(market.served, market.buyer).get(link.partition("#")[0])
    assert asked.form("/inquire").values["quantity"] == "2"


async def test_a_provider_is_told_by_its_products_and_what_stands_on_display(market: Market) -> None:
    org_id = market.provider.org_id
    page = (await Browser(market.served).get(f"/providers/{org_id}")).words
    assert "粤能数科" in page
    assert "Trades settled in twelve months 1" in page
    assert "2025年广东省工业企业月度用电指数数据集" in page
    assert "2024年东莞市制造业能耗明细" not in page  # a draft
    assert "No decision about it is on display." in page
    for unknown in (market.buyer.org_id, "org_none"):
        await Browser(market.served).get(f"/providers/{unknown}", expect=404)


async def test_the_home_page_leads_each_role_to_its_work(market: Market) -> None:
    page = await Browser(market.served).get("/")
    assert "bought 3 times" in page.words.partition("Bought most lately")[2]
    assert "Nothing is on public notice now." in page.words
    links = {a.get("href") for a in page.named("a")}
    assert {f"/en/help/{name}" for name in JOBS} <= links
    assert {"/en/products", "/en/sell", "/en/brokers", "/en/reg", "/en/ops", "/en/notices"} <= links


@pytest.mark.parametrize("name", sorted(JOBS))
async def test_help_says_what_the_how_to_says(market: Market, name: str) -> None:
    page = (await Browser(market.served).get(f"/help/{name}")).words
    written = (HOWTO / f"{name}.md").read_text("utf-8")
    for number, (step, _) in enumerate(JOBS[name].steps, 1):
        assert step in page
        assert f"{number}. {step}\n" in written
    await Browser(market.served).get("/help/nobody", expect=404)


async def test_a_product_leads_to_others_of_its_category(market: Market) -> None:
    visitor = Browser(market.served)
    assert "Newest of this category" not in (await visitor.get(f"/products/{market.ids['listed']}")).words
    new = await second_version(market)
    page = await visitor.get(f"/products/{market.ids['listed']}")
    related = page.words.partition("Newest of this category")[2]
    assert "CN¥700,000.00" in related
    assert f"/en/products/{new}" in {a.get("href") for a in page.named("a")}


async def test_the_fields_say_what_the_scan_recognised_and_counted(market: Market) -> None:
    path = f"/products/{market.ids['listed']}"
    browser = Browser(market.served)
    page = (await browser.get(path)).words
    assert "nothing found" in page
    assert "Identity numbers" not in page
    hint = {"rows": 9, "checked": 12, "flagged": True}
    async with market.served.node.database.write() as s:
        for row in await s.exec(select(QualityRow)):
            report = orjson.loads(row.report)
            report["hints"] = [
                hint | {"kind": "cn-id", "column": "county"},
                hint | {"kind": "plate", "column": "month", "flagged": False},
            ]
            row.report = orjson.dumps(report)
            s.add(row)
    page = await browser.get(path)
    marks = [text for text in page.text if text == "Identity numbers"]
    assert len(marks) == 2  # over the sample, and among the fields
    assert "Number plates" not in page.words  # too few to count
