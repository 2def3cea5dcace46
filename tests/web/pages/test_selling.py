"""Bringing data to the market by forms alone: upload, describe, measure, submit, review, publish."""

from pathlib import Path

from market.listings.buyers import BuyerConditions, BuyerKind
from market.listings.conditions import conditions_from
from market.listings.repository import buyers_of, conditions_of, get_listing
from market.listings.rules import ListingState
from tests.market.listings.goods import CLEAN, SPOILT
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_trade_room import by_own_key

COLUMNS = "county | text | county code\nmonth | month | month of use\nindex | decimal | use, 2024 = 100\n"
DRAFT = {
    "title": "2025年佛山市工业用电指数",
    "description": "按县区汇总",
    "scenario": "信贷模型",
    "category": "energy",
    "geo": "440600",
    "list_price_minor": "12,345.60",
    "licence_of_data": "内部使用",
    "buyer_kinds": "ENTERPRISE",
    "buyer_regions": "CN, HK",
    "min_grade": "3",
}


async def state_of(market: Market, listing_id: str) -> ListingState:
    async with market.served.node.database.read() as s:
        return (await get_listing(s, listing_id=listing_id)).status


def stored_files(market: Market) -> list[Path]:
    return sorted(path for path in market.served.node.settings.files_dir.rglob("*") if path.is_file())


async def drafted(
    market: Market, browser: Browser, raw: bytes, name: str = "foshan.csv", said: dict[str, str] = DRAFT
) -> str:
    page = await browser.get("/sell/new")
    await browser.send_file(page, "/sell/new", name, raw, field_name="file")
    page = await browser.follow()
    assert name in page.words
    await browser.send(page, browser.last.url.path, said)
    await by_own_key(market, browser)
    return browser.location.rpartition("/")[2]


async def test_a_file_becomes_a_product_on_offer_by_forms_alone(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    listing_id = await drafted(market, browser, CLEAN.replace("4401", "4406").encode())
    assert await state_of(market, listing_id) is ListingState.DRAFT
    async with market.served.node.database.read() as s:
        sold_to = await buyers_of(s, listing_id=listing_id)
    assert sold_to == BuyerConditions(kinds=(BuyerKind.ENTERPRISE,), regions=("CN", "HK"), min_grade=3)

    page = await browser.follow()
    period = {"period_column": "month", "period_from": "2025-01-01", "period_to": "2025-12-31"}
    await browser.send(page, "/measure", {"columns": COLUMNS, "update_frequency": "once"} | period)
    page = await browser.follow()
    assert "100.0" in page.words
    assert page.form("/measure").values["columns"].strip() == COLUMNS.strip()
    sent = {"source_statement": "自行采集", "basis_ref": "SJ4412026090002"}
    await browser.send(page, "/submit", sent)
    await by_own_key(market, browser)
    assert await state_of(market, listing_id) is ListingState.COMPLIANCE_REVIEW

    operator = Browser(market.served, market.operator)
    assert DRAFT["title"] in (await operator.get("/ops/reviews")).words
    page = await operator.get(f"/ops/reviews/{listing_id}")
    assert "Collected and produced by ourselves" in page.words
    assert "Source statement 自行采集" in page.words
    await market.served.prove(market.operator)
    await operator.send(page, "/decide", {"decision": "APPROVE"})
    await market.served.prove(market.operator)
    await operator.send(await operator.follow(), "/publish")
    assert await state_of(market, listing_id) is ListingState.LISTED
    page = await Browser(market.served, lang="zh").get(f"/products/{listing_id}")
    assert "¥12,345.60" in page.words
    assert "佛山" in page.words

    await browser.send(await browser.get(f"/sell/{listing_id}"), "/withdraw")
    await by_own_key(market, browser)
    assert await state_of(market, listing_id) is ListingState.DELISTED
    assert "not on offer now" in (await Browser(market.served).get(f"/products/{listing_id}")).words
    async with market.served.node.database.write() as s:
        listing = await get_listing(s, listing_id=listing_id)
        listing.reasons = ["GRANT_LOST", "OF_OUR_OWN"]
    page = await Browser(market.served, lang="zh").get(f"/products/{listing_id}")
    assert "其所依据的授权运营已终止 GRANT_LOST OF_OUR_OWN" in page.words  # in words where there are some


async def test_a_seller_bounds_what_a_licence_may_give(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/sell/new")
    await browser.send_file(page, "/sell/new", "bound.csv", CLEAN.encode(), field_name="file")
    page = await browser.follow()
    place = browser.last.url.path
    bounds = {"purposes": "RESEARCH", "places": "CN, HK", "max_count": "5", "max_term_months": ""}
    page = await browser.send(page, place, DRAFT | bounds | {"places": "华南"}, expect=422)
    assert "listing-malformed" in page.words
    await browser.send(page, place, DRAFT | bounds)
    await by_own_key(market, browser)
    listing_id = browser.location.rpartition("/")[2]
    async with market.served.node.database.read() as s:
        kept = await conditions_of(s, listing_id=listing_id)
    assert kept == conditions_from(
        {"purposes": ["RESEARCH"], "territory": ["CN", "HK"], "max_count": 5, "derivative_allowed": True}
    )
    words = (await browser.get(f"/products/{listing_id}")).words
    assert "China, Hong Kong SAR China" in words
    assert "Research" in words


async def test_a_return_names_its_reason_and_the_provider_reads_it(market: Market) -> None:
    operator = Browser(market.served, market.operator)
    path = f"/ops/reviews/{market.ids['reviewed']}"
    await market.served.prove(market.operator)
    page = await operator.send(await operator.get(path), "/decide", {"decision": "RETURN"}, expect=422)
    assert "listing-malformed" in page.words
    sent = {"decision": "RETURN", "reason_code": "DESCRIPTION_UNCLEAR", "note": "请补充口径"}
    await operator.send(page, "/decide", sent)
    page = await Browser(market.served, market.provider).get(f"/sell/{market.ids['reviewed']}")
    assert "Return for correction" in page.words
    assert "请补充口径" in page.words
    assert await state_of(market, market.ids["reviewed"]) is ListingState.DRAFT


async def test_what_is_wrong_with_a_file_is_told_with_its_code(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/sell/new")
    page = await browser.send_file(page, "/sell/new", "empty.csv", b"", field_name="file", expect=422)
    assert "file-empty" in page.words
    listing_id = await drafted(market, browser, SPOILT.encode(), "spoilt.csv")
    page = await browser.get(f"/sell/{listing_id}")
    page = await browser.send(page, "/measure", {"columns": "county | nonsense"}, expect=422)
    assert "Write each column as" in page.words
    assert page.form("/measure").values["columns"] == "county | nonsense"
    for said, lacking in (
        ({"expected_rows": "many"}, "Say how often new data comes"),
        ({"update_frequency": "once"}, "Say the last day of the period"),
    ):
        told = await browser.send(page, "/measure", {"columns": COLUMNS} | said, expect=422)
        assert lacking in told.words
        assert ("Enter a number." in told.words) is ("expected_rows" in said)  # all at once
    once = {"columns": COLUMNS, "update_frequency": "once", "period_to": "2025-12-31"}
    await browser.send(page, "/measure", once)
    page = await browser.follow()
    assert "not passed" in page.words
    assert page.form("/measure").values["update_frequency"] == "once"
    assert not [form for form in page.forms if form.action.endswith("/submit")]
    quality = await browser.get(f"/products/{listing_id}/quality")
    assert "Values do not have the declared type" in quality.words
    assert "Rows stand more than once" in quality.words


async def test_an_upload_above_the_limit_leaves_nothing_behind(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/sell/new")
    token = page.form("/sell/new").values["csrf"]
    limit = market.served.node.settings.upload_limit_bytes

    async def body():
        yield b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + token.encode()
        yield b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
        chunk = b"a,b\n" * (256 * 1024)
        for _ in range(limit // len(chunk) + 1):
            yield chunk

    object.__setattr__(market.served.node.settings, "upload_limit_bytes", 2**20)
    files = stored_files(market)
    limit = 2**21
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = await browser.client.post("/en/sell/new", content=body(), headers=headers)
    assert answer.status_code == 413
    assert "file-too-large" in answer.text
    assert stored_files(market) == files


async def test_an_upload_without_the_pages_token_or_role_is_refused(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    answer = await browser.client.post(
        "/en/sell/new", data={"csrf": "0" * 64}, files={"file": ("a.csv", b"a,b\n1,2\n", "text/csv")}
    )
    assert answer.status_code == 403
    buyer = Browser(market.served, market.buyer)
    token = (await buyer.get("/account")).form("/payee").values["csrf"]
    answer = await buyer.client.post(
        "/en/sell/new", data={"csrf": token}, files={"file": ("a.csv", b"a,b\n1,2\n", "text/csv")}
    )
    assert answer.status_code == 403


async def test_a_draft_with_wrong_fields_names_them(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/sell/new")
    await browser.send_file(page, "/sell/new", "x.csv", b"a,b\n1,2\n", field_name="file")
    page = await browser.follow()
    path = browser.last.url.path
    page = await browser.send(page, path, DRAFT | {"quantity": "none", "list_price_minor": "x"}, expect=422)
    marked = {tag["name"] for _, tag in page.tags if tag.get("aria-invalid") == "true"}
    assert marked == {"quantity", "list_price_minor"}
    assert page.form(path).values["title"] == DRAFT["title"]
    page = await browser.send(page, path, DRAFT | {"title": " ", "quantity": "1"}, expect=422)
    assert "listing-malformed" in page.words
    other = Browser(market.served, market.broker)
    await other.get(path.removeprefix("/en"), expect=404)
