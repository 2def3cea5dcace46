"""Errors on pages are pages in their language, with a code and a request id and nothing of our inside."""

import pytest

from tests.web.market import Market
from tests.web.pages.browsing import HEADERS, Browser, Page
from web.pages import home


async def test_what_is_not_there_is_a_page_with_a_way_on(market: Market) -> None:
    for lang, words in (("en", "There is nothing here"), ("zh", "此处没有内容")):
        page = await Browser(market.served, lang=lang).get("/nothing/at/all", expect=404)
        assert words in page.words
        assert page.named("h1")
    page = await Browser(market.served).get("/products/lst_00000000000000000000000000", expect=404)
    assert "listing-unknown" in page.words
    await Browser(market.served).get("/ledger/999999", expect=404)
    await Browser(market.served).get("/brokers/NO-SUCH-NUMBER", expect=404)


async def test_a_role_that_does_not_reach_a_page_is_told_which_would(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    for path in ("/ops", "/ops/reviews", "/reg", "/reg/cases", "/sell"):
        page = await browser.get(path, expect=403)
        assert "forbidden" in page.words
        assert "Ask your organisation" in page.words
    authority = Browser(market.served, market.authority, "zh")
    await authority.get("/sell", expect=403)
    await authority.get("/mandates", expect=403)


async def test_a_foreign_trade_does_not_exist_for_others(market: Market) -> None:
    stranger = Browser(market.served, market.second)
    for path in ("", "/file"):
        await stranger.get(f"/trades/{market.ids['settled']}{path}", expect=404)
    page = await stranger.get("/trades")
    await stranger.get(f"/trades/{market.ids['settled']}", expect=404)
    assert "No trades yet" in page.words


async def test_a_listing_that_was_never_on_offer_is_its_own_partys_and_the_operators(market: Market) -> None:
    path = f"/products/{market.ids['reviewed']}"
    await Browser(market.served).get(path, expect=404)
    await Browser(market.served, market.buyer).get(path, expect=404)
    await Browser(market.served, market.provider).get(path)
    await Browser(market.served, market.operator).get(f"{path}/quality")


async def test_malformed_queries_and_wrong_methods_are_pages_too(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/ledger?before=-1", expect=422)
    assert "malformed" in page.words
    await browser.get("/ledger/notanumber", expect=422)
    answer = await browser.client.post("/en/products")
    assert answer.status_code == 405
    assert "<h1>" in answer.text
    assert answer.headers["allow"] == "GET"


async def test_the_api_and_who_asks_for_json_get_problem_documents(market: Market) -> None:
    async with market.served.client(headers=HEADERS) as client:
        answer = await client.get("/api/v1/listings/lst_none")
        assert answer.headers["content-type"] == "application/problem+json"
    async with market.served.client(headers={"accept": "application/json"}) as client:
        answer = await client.get("/en/ledger/999999")
        assert answer.status_code == 404
        assert answer.json()["code"] == "statement-unknown"
        assert (await client.get("/elsewhere")).json()["code"] == "not-found"


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_surprise_says_its_request_id_and_nothing_else(market: Market, monkeypatch, lang) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(home, "tree_head", broken)
    browser = Browser(market.served, market.buyer, lang)
    answer = await browser.client.get(f"/{lang}/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    page = Page(answer.text)
    assert len(page.named("h1")) == 1
    assert "internal" in page.words


async def test_a_form_that_is_too_large_or_no_form_is_refused(market: Market) -> None:
    browser = Browser(market.served)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post("/en/login", content=b"a=" + b"x" * 200_000, headers=headers)
    assert answer.status_code == 413
    for content, kind in ((b"{}", "application/json"), (b"a=%FF", headers["content-type"])):
        answer = await browser.client.post("/en/login", content=content, headers={"content-type": kind})
        assert answer.status_code == 422
        assert "malformed" in answer.text
