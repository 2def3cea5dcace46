"""Every page that can be reached by links, for everybody, in both languages: there, valid, strict."""

import hashlib
import re
from base64 import b64encode
from collections import Counter

import pytest

from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.findings import with_findings
from web.pages.assets import STATIC, address, assets, sheet, style_source
from web.pages.helping import JOBS

EVERYBODY = (None, "operator", "authority", "samr", "auditor", "provider", "buyer", "broker")
TAGS = {"zh": "zh-CN", "en": "en"}
MOST = 60  # pages a walk
ALIKE = 3  # pages of one kind
SCRIPTS = {address(name) for name in assets() if name.endswith(".js")}
HELPED = {to for job in JOBS.values() for _, to in job.steps}  # help leads everybody to each role's pages
VARYING = re.compile(r"/ledger/\d+|[?&](before|after|event|q|rule|sort)=")


def structure(page: Page, lang: str) -> list[str]:
    """What is wrong with a page, whatever it is about."""
    return [*page.crossed, *_head(page, lang), *_strict(page), *_forms(page), *_ids(page)]


def _head(page: Page, lang: str) -> list[str]:
    alternates = [link["hreflang"] for link in page.named("link") if link.get("rel") == "alternate"]
    found = {
        "h1": len(page.named("h1")),
        "main": len(page.named("main")),
        "title": len([one for one in page.named("title") if "id" not in one]),  # a drawing has one, too
        "language": [html["lang"] for html in page.named("html")],
        "alternates": alternates,
    }
    wanted = {"h1": 1, "main": 1, "title": 1, "language": [TAGS[lang]], "alternates": ["zh-CN", "en"]}
    return [f"{name}: {value}" for name, value in found.items() if value != wanted[name]]


def _strict(page: Page) -> list[str]:
    """Nothing that the content security policy would stop, nothing from elsewhere."""
    wrong = [f"script {s}" for s in page.named("script") if s.get("src") not in SCRIPTS]
    wrong += ["another style"] * (page.styles != [sheet()])
    for tag, attributes in page.tags:
        wrong += [f"{tag} {name}" for name in attributes if name.startswith("on") or name == "style"]
        places = [attributes.get(name, "") for name in ("href", "src", "action")]
        wrong += [f"leads elsewhere: {place}" for place in places if "//" in place]
    return wrong


def _forms(page: Page) -> list[str]:
    wrong = [
        f"no token in {form.action}"
        for form in page.forms
        if form.method == "post" and not form.values.get("csrf")
    ]
    labelled = {label.get("for") for label in page.named("label")}
    fields = [field for tag in ("input", "select", "textarea") for field in page.named(tag)]
    return wrong + [
        f"no label for {field}"
        for field in fields
        if field.get("type") != "hidden" and field.get("id") not in labelled and not field.get("aria-label")
    ]


def _ids(page: Page) -> list[str]:
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    return [f"id {name} twice" for name, count in ids.items() if count > 1]


@pytest.mark.parametrize(
    ("who", "lang"),
    [(who, "zh") for who in EVERYBODY]
    + [
        ("samr", "en"),
        *(pytest.param(who, "en", marks=pytest.mark.soak) for who in EVERYBODY if who != "samr"),
    ],
)
async def test_every_page_that_can_be_reached_is_there_and_valid(market: Market, who, lang) -> None:
    with_findings(market)
    browser = Browser(market.served, market.people[who] if who else None, lang)
    start = ["/", "/login", "/reg", "/ops", "/sell", "/buy", "/account"]
    waiting = [f"/{lang}{path}" for path in start]
    seen, samples = set(), Counter()
    while waiting and len(seen) < MOST:
        path = waiting.pop(0).partition("#")[0]
        kind = VARYING.sub("", re.sub(r"[a-z]{3}_[0-9a-z]{20,}", "*", path))
        if path in seen or samples[kind] >= ALIKE:
            continue
        seen.add(path)
        samples[kind] += 1
        answer = await browser.client.get(path)
        if answer.status_code in {303, 403} and path.partition("?")[0][3:] in {*start, *HELPED}:
            continue
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        page = Page(answer.text)
        assert structure(page, lang) == [], path
        assert len(answer.content) < 120_000, path
        assert int(answer.headers["content-length"]) < 20_000, path  # as it is transferred, packed
        csp = answer.headers["content-security-policy"]
        assert "default-src 'none'" in csp
        assert f"style-src 'self' {style_source()};" in csp
        assert "unsafe" not in csp
        links = [a["href"] for a in page.named("a") if a.get("href", "").startswith(f"/{lang}/")]
        waiting += [link for link in links if not link.endswith("/file")]
    assert len(seen) > 20


async def test_json_links_of_pages_answer_what_the_page_shows(market: Market) -> None:
    with_findings(market)
    for who, path in (
        (None, "/products"),
        (None, f"/products/{market.ids['listed']}"),
        (None, "/brokers"),
        (None, "/ledger"),
        ("buyer", "/trades"),
        ("buyer", f"/trades/{market.ids['settled']}"),
        ("provider", "/mandates"),
        ("samr", "/reg"),
        ("samr", "/reg/findings"),
        ("operator", "/ops"),
        ("operator", "/ops/reviews"),
        ("operator", "/ops/fees"),
        ("operator", "/ops/rules?room=cases"),
        ("operator", "/ops/keys"),
        ("authority", "/certificates"),
        (None, "/certificate-notices"),
        ("provider", "/my-cases"),
    ):
        browser = Browser(market.served, market.people[who] if who else None)
        page = await browser.get(path)
        links = [a["href"] for a in page.named("a") if a.get("href", "").startswith("/api/v1/")]
        links = [link for link in links if "openapi" not in link]
        assert links, path
        for link in links:
            answer = await browser.client.get(link)
            assert answer.status_code == 200, link


async def test_addresses_that_people_expect_lead_to_where_it_stands(market: Market) -> None:
    for path, there in (
        ("/data-requests?after=x", "/requests?after=x"),
        ("/data-requests/req_1", "/requests/req_1"),
        ("/ops/incidents", "/incidents"),
        ("/account/keys", "/account#keys"),
    ):
        browser = Browser(market.served)
        await browser.get(path, expect=301)
        assert browser.location == f"/en{there}"
    page = await Browser(market.served).get("/products?sector=energy&region=440000&certified=nothing")
    assert "1 product" in page.words
    assert "category=energy" in page.form("/products").action or page.named("aside")


async def test_a_change_of_language_keeps_path_and_query(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/products?q=%E7%94%A8%E7%94%B5&sort=cheapest")
    switch = next(a for a in page.named("a") if a.get("hreflang") == "zh-CN")
    assert switch["href"] == "/zh/products?q=%E7%94%A8%E7%94%B5&sort=cheapest"
    chinese = await browser.get(switch["href"])
    assert "用电" in chinese.words
    assert browser.client.cookies["databourse_lang"] == "zh"
    assert (await browser.client.get("/")).headers["location"] == "/zh/"


async def test_the_entrance_asks_the_cookie_then_the_browser(market: Market) -> None:
    for headers, cookies, expected in (
        ({}, {}, "/zh/"),
        ({"accept-language": "en-GB,en;q=0.9"}, {}, "/en/"),
        ({"accept-language": "en"}, {"databourse_lang": "zh"}, "/zh/"),
    ):
        async with market.served.client(headers=headers, cookies=cookies) as client:
            assert (await client.get("/")).headers["location"] == expected


async def test_display_choices_stay_in_a_cookie(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/products?q=a%20b")
    await browser.send(page, "/display", {"choose": "large"})
    assert browser.location == "/en/products?q=a%20b"
    page = await browser.follow()
    assert page.named("html")[0]["class"] == "large"
    await browser.send(page, "/display", {"choose": "contrast"})
    page = await browser.follow()
    assert page.named("html")[0]["class"] == "large contrast"
    await browser.send(page, "/display", {"choose": "large"})
    assert (await browser.follow()).named("html")[0]["class"] == "contrast"


async def test_htmx_gets_the_block_it_asks_for_and_a_browser_the_whole_page(market: Market) -> None:
    browser = Browser(market.served)
    asked = {"hx-request": "true", "hx-target": "results"}
    part = await browser.client.get("/en/products?category=energy", headers=asked)
    assert part.headers["vary"] == "Cookie, HX-Request, HX-Target, Accept-Encoding"
    assert "<html" not in part.text
    assert "2025年广东省工业企业月度用电指数数据集" in part.text
    restored = await browser.client.get(
        "/en/products", headers=asked | {"hx-history-restore-request": "true"}
    )
    assert "<html" in restored.text


async def test_money_times_and_hashes_are_shown_for_people(market: Market) -> None:
    page = (await Browser(market.served, lang="zh").get(f"/products/{market.ids['listed']}")).words
    assert "¥760,000.00" in page
    assert "¥716,981.13" in page
    assert "¥43,018.87" in page
    raw = await Browser(market.served).client.get("/en/ledger/30")
    assert re.search(
        r'<time datetime="2026-11-1\dT\d\d:\d\d:\d\d\.\d{3}Z" title="[^"]+\+08:00 · [^"]+ UTC">', raw.text
    )
    assert re.search(r'<code class="hash" title="[0-9a-f]{64}">[0-9a-f]{12}</code>', raw.text)


def test_the_style_sheet_of_every_page_stays_small() -> None:
    """What one page alone needs is a sheet of its own, as `graph.css` is."""
    assert len((STATIC / "app.css").read_bytes()) <= 11_000


def test_the_sheet_in_a_page_is_one_text_that_nothing_ends_early() -> None:
    text = (STATIC / "app.css").read_bytes()
    assert sheet().encode() == text
    assert b"<" not in text
    assert b"\r" not in text
    assert style_source() == f"'sha256-{b64encode(hashlib.sha256(text).digest()).decode()}'"
