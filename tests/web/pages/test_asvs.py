"""What the OWASP Application Security Verification Standard 4.0.3, level 2, asks of pages, by item.

`docs/security-pages.md` says of each item which test it is, here or elsewhere. Nothing here looks at one
page: every route, every form, or every page that can be reached by links is asked.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator
from itertools import cycle
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text
from starlette.routing import BaseRoute

from ledger import reader
from tests.web.market import Market, copied
from tests.web.nodes import PASSWORD
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.findings import with_findings
from tests.web.pages.test_every_page import structure
from web.deps import COOKIE
from web.pages import PARTS
from web.pages.session import FORM_COOKIE

ELSEWHERE = (
    *(
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
    ),
    *("/en/../../evil", "/%2f%2fevil.example", "https:evil.example", " //evil.example", "/\t/evil.example"),
)
HOSTILE = "\"'><x-hostile onmouseover=alert(1)>{{7*7}}</title><img src=x onerror=alert(1)>"
WALKS = (None, "provider", "buyer", "broker", "samr", "operator")
STARTS = {
    None: ("/", "/products", "/requests", "/ledger", "/brokers", "/report"),
    "provider": ("/sell", "/sell/products", "/trades", "/mandates", "/account"),
    "buyer": ("/buy", "/buy/data", "/trades", "/requests", "/account/sessions"),
    "broker": ("/broker/deals", "/matching", "/mandates", "/conduct"),
    "samr": ("/reg", "/reg/cases", "/reg/audit", "/reg/concentration", "/reg/exports"),
    "operator": ("/ops", "/ops/members", "/ops/reviews", "/erasures", "/disputes"),
}
PER_WALK = 30


def posts() -> list[str]:
    """The pattern of every address that a form is sent to, in no language."""
    routes: list[BaseRoute] = [route for part in PARTS for route in part.router.routes]
    return sorted({route.path for route in routes if "POST" in getattr(route, "methods", ())})


async def reached(browser: Browser, starts: tuple[str, ...]) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Pages reached by links, one of a kind."""
    waiting = [browser.address(path) for path in starts]
    seen: Counter[str] = Counter()
    while waiting and len(seen) < PER_WALK:
        path = waiting.pop(0).partition("#")[0]
        kind = re.sub(r"[a-z]{3}_[0-9a-z]{20,}|\?.*|(?<=/)\d+", "", path)
        if seen[kind]:
            continue
        seen[kind] += 1
        answer = await browser.client.get(path)
        if answer.status_code != 200 or not answer.headers["content-type"].startswith("text/html"):
            continue
        yield path, answer
        links = [a.get("href", "") for a in Page(answer.text).named("a")]
        waiting += [link for link in links if link.startswith(f"/{browser.lang}/")]


async def size_of(market: Market) -> int:
    async with market.served.node.database.read() as s:
        return (await reader.tree_head(s)).size


async def test_v3_signing_in_gives_a_new_session_and_takes_none_that_was_brought(market: Market) -> None:
    browser = Browser(market.served)
    browser.client.cookies.set(COOKIE, "brought-along", domain="pages.test", path="/")
    tokens, nonces = [], []
    for _ in range(2):
        page = await browser.get("/login")
        nonces.append(browser.client.cookies[FORM_COOKIE])
        await browser.send(page, "/login", {"login": "buyer", "password": PASSWORD})
        tokens.append(browser.client.cookies[COOKIE])
        nonces.append(browser.client.cookies[FORM_COOKIE])
        await browser.send(await browser.get("/"), "/logout")
        assert COOKIE not in browser.client.cookies
    assert len({"brought-along", *tokens}) == 3
    assert len(set(nonces[:2])) == 2
    for token in tokens:  # signed out: worthless, whoever still has it
        browser.client.cookies.set(COOKIE, token, domain="pages.test", path="/")
        assert (await browser.client.get("/en/account")).headers["location"].startswith("/en/login")


async def test_v3_cookies_are_for_this_host_for_http_for_tls_alone(market_template, tmp_path) -> None:
    async with copied(market_template, tmp_path / "tls", public_url="https://pages.test") as market:
        browser = Browser(market.served)
        page = await browser.get("/login")
        token = page.form("/login").values
        answer = await browser.client.post(
            "/en/login", data=token | {"login": "buyer", "password": PASSWORD}, headers={"referer": "x"}
        )
        set_ = [line.lower() for line in answer.headers.get_list("set-cookie")]
        assert answer.status_code in {303, 403}
        set_ += [line.lower() for line in (await browser.client.get("/en/")).headers.get_list("set-cookie")]
        assert set_
        for line in set_:
            assert "secure" in line, line
            assert "samesite=" in line, line
            assert "domain=" not in line, line
            if line.startswith((COOKIE, FORM_COOKIE)):
                assert "httponly" in line, line
                assert "samesite=strict" in line, line


@pytest.mark.parametrize("who", ["operator", "provider", "samr"])
async def test_v4_no_address_takes_a_form_without_its_token(market: Market, who) -> None:
    browser = Browser(market.served, market.people[who])
    await market.served.prove(market.people[who])
    before = await size_of(market)
    addresses = [re.sub(r"\{[^}]+\}", "1", path) for path in posts()]
    assert len(addresses) >= 100
    bad = cycle(({}, {"csrf": "0" * 64, "idempotency_key": "k" * 32}))  # none and a wrong one are one case
    for path in addresses:
        answer = await browser.client.post(f"/en{path}", data=next(bad))
        # 415: an upload, whose token is read before its file
        assert answer.status_code in {403, 404, 415, 422}, (path, answer.status_code)
    assert await size_of(market) == before


async def test_v4_a_form_is_taken_from_no_other_site_even_with_its_cookies(market: Market) -> None:
    """SameSite keeps the cookie away; where a browser sent it all the same, the token would be missing."""
    own, foreign = Browser(market.served, market.buyer), Browser(market.served, market.provider)
    page = await foreign.get(f"/trades/{market.ids['delivered']}")
    stolen = page.form("/logout").values["csrf"]
    before = await size_of(market)
    answer = await own.client.post(
        f"/en/trades/{market.ids['delivered']}/accept-goods",
        data={"csrf": stolen, "idempotency_key": "k" * 32},
        headers={"origin": "https://evil.example", "referer": "https://evil.example/"},
    )
    assert answer.status_code == 403
    assert "form-expired" in answer.text
    assert await size_of(market) == before


@pytest.mark.parametrize("place", ELSEWHERE)
async def test_v5_nobody_is_sent_to_another_site(market: Market, place) -> None:
    browser = Browser(market.served)
    page = await browser.get(f"/login?next={quote(place)}")
    await browser.send(page, "/login", {"login": "buyer", "password": PASSWORD})
    places = [browser.location]
    places.append((await browser.client.get(f"/en/login?next={quote(place)}")).headers["location"])
    page = await browser.get("/")
    await browser.send(page, "/display", {"choose": "large", "back": place})
    places.append(browser.location)
    for location in places:
        resolved = httpx.URL("http://pages.test/en/").join(location)
        assert resolved.host == "pages.test", location
        assert re.match(r"/(zh|en)/", location), location
        assert "\\" not in location
        assert "\t" not in location


async def test_v5_v8_v14_hostile_names_are_text_and_every_page_is_unframed_unsniffed_unstored(
    market: Market,
) -> None:
    with_findings(market)
    async with market.served.node.database.write() as s:
        connection = await s.connection()
        for table, columns in (
            ("identity_orgs", ("name",)),
            ("identity_users", ("name",)),
            ("market_listings", ("title", "description", "scenario", "licence_of_data")),
            ("market_products", ("title",)),
            ("market_listing_files", ("name",)),
        ):
            for column in columns:
                said = f"UPDATE {table} SET {column} = {column} || :hostile"
                await connection.execute(text(said), {"hostile": HOSTILE})
    shown = pages = 0
    for who in WALKS:
        browser = Browser(market.served, market.people[who] if who else None)
        async for path, answer in reached(browser, STARTS[who]):
            page = Page(answer.text)
            assert page.named("x-hostile") == [], path
            assert [img for img in page.named("img") if img.get("src") == "x"] == [], path
            assert structure(page, "en") == [], path
            assert "'>49" not in page.words, path
            assert _unsafe(answer, private=who is not None) == [], path
            shown += "x-hostile" in page.words
            pages += 1
    assert shown > 25
    assert pages > 60


def _unsafe(answer: httpx.Response, *, private: bool) -> list[str]:
    """What the head of a page lacks: nobody frames it, guesses its type, keeps it, learns where one was."""
    policy = answer.headers["content-security-policy"]
    wanted = {
        "x-content-type-options": {"nosniff"},
        "referrer-policy": {"same-origin", "no-referrer", "strict-origin"},
        "cache-control": {"private, no-store" if private else "no-cache"},
        "content-type": {"text/html; charset=utf-8"},
    }
    wrong = [name for name, values in wanted.items() if answer.headers.get(name) not in values]
    wrong += [part for part in ("frame-ancestors 'none'", "default-src 'none'") if part not in policy]
    return wrong + [name for name in ("server", "x-powered-by") if name in answer.headers]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("page.csv", b"<!doctype html><script>alert(1)</script>\n"),
        ("page.html", b"a,b\n1,2\n"),
        ("page.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("a.exe", b"MZ\x90\0" + bytes(64)),
        ("../../etc/passwd.csv", b"a,b\n1,2\n"),
    ],
)
async def test_v12_what_was_uploaded_is_never_handed_out_as_a_page(market: Market, name, raw) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/sell/new")
    answer = await browser.client.post(
        "/en/sell/new",
        data=page.form("/sell/new").values,
        files={"file": (name, raw, "text/html")},
    )
    assert answer.status_code in {303, 413, 415, 422}
    if answer.status_code == 303:
        shown = await browser.client.get(answer.headers["location"])
        assert shown.status_code == 200
        assert structure(Page(shown.text), "en") == []
        assert "/etc/passwd" not in shown.text or "../" not in shown.text
    trade = market.ids["delivering"]
    buyer = Browser(market.served, market.buyer)
    file = await buyer.client.get(f"/en/trades/{trade}/file")
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["x-content-type-options"] == "nosniff"
    assert not file.headers["content-type"].startswith("text/html")


async def test_v2_passwords_are_long_free_in_their_signs_and_never_shown(market: Market) -> None:
    operator = Browser(market.served, market.operator)
    page = await Browser(market.served).get("/login")
    (field,) = [one for one in page.named("input") if one.get("type") == "password"]
    assert field["autocomplete"] == "current-password"
    assert "maxlength" not in field
    assert field.get("value", "") == ""
    page = await operator.get(f"/ops/members/{market.buyer.org_id}")
    for password, code in (("sh0rt", "password-too-weak"), ("p" * 129, "password-too-weak")):
        await market.served.prove(market.operator)
        sent = {"login": "newcomer", "name": "x", "password": password}
        page = await operator.send(page, "/people", sent, expect=422)
        assert code in page.words
        assert password not in page.words
        assert not [one for one in page.named("input") if password in one.get("value", "")]
    await market.served.prove(market.operator)
    long = "长 密码 with every kind of sign; no rule asks for any " + "é" * 60
    await operator.send(page, "/people", {"login": "newcomer", "name": "x", "password": long})
    newcomer = Browser(market.served)
    await newcomer.send(await newcomer.get("/login"), "/login", {"login": "newcomer", "password": long})
    assert newcomer.location == "/en/"


@pytest.mark.parametrize(
    "path", ["/nothing", "/trades/trd_x", "/ledger/-1", "/ledger/999999", "/reg/audit/x"]
)
async def test_v7_an_error_says_what_and_its_request_and_nothing_of_our_inside(market: Market, path) -> None:
    browser = Browser(market.served, market.samr)
    answer = await browser.client.get(f"/en{path}")
    assert answer.status_code in {404, 422}
    page = Page(answer.text)
    assert answer.headers["x-request-id"] in page.words
    for inside in ("Traceback", "sqlalchemy", "site-packages", ".py", "SELECT ", "/work", "pydantic"):
        assert inside not in answer.text
