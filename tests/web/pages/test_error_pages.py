"""Errors on pages are pages in their language, with a code and a request id and nothing of our inside."""

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from base.errors import Busy, Gone, Malformed, TooMany, Unavailable
from tests.web.market import Market
from tests.web.pages.browsing import HEADERS, Browser, Page
from web.pages import home
from web.turnstile import Turnstile


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
    for beyond in (f"/ledger/{10**30}", f"/ledger?before={10**30}", f"/ledger/closed/x/{10**30}"):
        await browser.get(beyond, expect=422)  # no database holds such a number
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


@pytest.mark.parametrize(
    ("error", "waits_s", "says"),
    [
        (Busy("one at a time", retry_after_s=3), "3", "busy"),
        (Unavailable("the bank is away"), "1", "unavailable"),
        (PoolTimeout(), "1", "unavailable"),
        (TooMany("not so often", retry_after_s=20), "20", "too-many"),
    ],
)
async def test_what_may_be_asked_for_later_says_when(
    market: Market, monkeypatch, error: Exception, waits_s: str, says: str
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(home, "tree_head", broken)
    answer = await Browser(market.served, market.buyer, "zh").client.get("/zh/")
    assert (answer.status_code in {429, 503}, answer.headers["retry-after"]) == (True, waits_s)
    page = Page(answer.text)
    assert len(page.named("h1")) == 1
    assert says in page.words


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (Gone("it was erased"), 410, "It was here once."),
        (Malformed("no such day"), 422, "Go back: your browser still has what you wrote."),
        (
            TooMany("not so often", retry_after_s=20),
            429,
            "Nothing was changed. Wait as long as is said above",
        ),
        (Unavailable("the bank is away"), 503, "Nothing was changed."),
        (RuntimeError("inside"), 500, "tell the operator this number"),
    ],
)
async def test_an_error_says_what_next_when_and_to_whom(
    market: Market, monkeypatch, error: Exception, status: int, says: str
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(home, "tree_head", broken)
    answer = await Browser(market.served, market.buyer).client.get("/en/")
    assert answer.status_code == status
    page = Page(answer.text)
    assert says in page.words
    assert answer.headers["x-request-id"] in page.words
    assert "2026-11-17" in page.words
    if status < 500:  # above, the database may be what failed: nobody is asked who it is
        assert f"2026-11-17 16:00 · {market.buyer.name}" in page.words


HTML = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("call", "more", "says"),
    [
        (("GET", "/zh/products?q=%E7%94%B5"), {}, ["请求过多", "重试"]),
        (("GET", "/en/products"), {}, ["More comes in than can be done at once", "Try again"]),
        (("POST", "/en/products/x/inquire"), {}, ["Go back and send the form again"]),
        (("GET", "/"), {"accept-language": "en-GB,en;q=0.9"}, ["Try again"]),
        (("GET", "/"), {"accept-language": "en", "cookie": "databourse_lang=zh"}, ["重试"]),
    ],
)
async def test_a_browser_that_is_sent_away_gets_a_page(
    market: Market, monkeypatch, call: tuple[str, str], more: dict[str, str], says: list[str]
) -> None:
    monkeypatch.setattr(Turnstile, "full", True)
    async with market.served.client(headers=HTML | more) as client:
        answer = await client.request(*call)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Page(answer.text)
    assert len(page.named("h1")) == 1
    assert [text for text in says if text not in page.words] == []
    assert "busy" in page.words


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/v1/trades", HTML["accept"]),
        ("/en/products", "application/json"),
        ("/checkpoint", "*/*"),
        ("/", "*/*"),
    ],
)
async def test_who_is_no_browser_and_sent_away_gets_a_problem_document(
    market: Market, monkeypatch, path: str, accept: str
) -> None:
    monkeypatch.setattr(Turnstile, "full", True)
    async with market.served.client(headers={"accept": accept}) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "busy"
