"""Signing in and out by cookie, sessions that renew, forms that only our own page could have sent."""

import re
from datetime import timedelta

from tests.web.market import Market
from tests.web.nodes import PASSWORD
from tests.web.pages.browsing import Browser
from web.deps import COOKIE


async def test_who_asks_for_a_members_page_signs_in_and_comes_back_to_it(market: Market) -> None:
    browser = Browser(market.served)
    await browser.get("/trades?after=trd_x", expect=303)
    assert browser.location == "/en/login?next=%2Fen%2Ftrades%3Fafter%3Dtrd_x"
    page = await browser.follow()
    await browser.send(page, "/login", {"login": "buyer", "password": PASSWORD})
    assert browser.location == "/en/trades?after=trd_x"
    cookie = browser.last.headers.get_list("set-cookie")
    session = next(one for one in cookie if one.startswith(COOKIE))
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert "Path=/" in session
    assert (await browser.get("/trades")).words.count("湾区普惠银行") > 1


async def test_a_wrong_password_keeps_the_login_and_never_the_password(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/login")
    page = await browser.send(page, "/login", {"login": "buyer", "password": "not this one"}, expect=401)
    assert "sign-in-failed" in page.words
    fields = {field["name"]: field.get("value") for field in page.named("input") if "name" in field}
    assert fields["login"] == "buyer"
    assert fields["password"] == ""
    assert COOKIE not in browser.client.cookies
    unknown = await browser.send(page, "/login", {"login": "nobody", "password": "x"}, expect=401)
    assert "sign-in-failed" in unknown.words


async def test_signing_out_makes_the_very_token_worthless(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    token = market.served.token(market.buyer)
    browser.client.cookies.set(COOKIE, token, domain="pages.test", path="/")
    page = await browser.get("/account")
    await browser.send(page, "/logout")
    assert browser.location == "/en/"
    assert COOKIE not in browser.client.cookies
    again = Browser(market.served)
    again.client.cookies.set(COOKIE, token, domain="pages.test", path="/")
    await again.get("/account", expect=303)


async def test_a_session_renews_while_it_is_used_and_ends_when_it_is_not(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    first = browser.client.cookies[COOKIE]
    await browser.get("/account")
    assert browser.client.cookies[COOKIE] == first
    market.served.clock.advance(timedelta(minutes=8))
    await browser.get("/account")
    second = browser.client.cookies[COOKIE]
    assert second != first
    market.served.clock.advance(timedelta(minutes=8))
    await browser.get("/account")
    market.served.clock.advance(timedelta(minutes=16))
    before = dict(browser.client.cookies)
    page = await browser.get("/products")  # a page that everybody sees says so, and leads to the sign-in
    assert "Your session has ended: this is what everybody sees." in page.words
    assert "/en/login?next=%2Fen%2Fproducts" in {a["href"] for a in page.named("a")}
    assert COOKIE not in browser.client.cookies
    assert "Your session" not in (await browser.get("/products")).words
    browser.client.cookies.set(COOKIE, before[COOKIE], domain="pages.test", path="/")
    page = await browser.get("/account", expect=303)
    assert COOKIE not in browser.client.cookies
    assert browser.location == "/en/login?next=%2Fen%2Faccount&ended=yes"
    assert "Your session has ended. Sign in again" in (await browser.follow()).words
    assert "Your session" not in (await browser.get("/login")).words


async def test_a_session_ends_at_its_limit_however_it_was_used(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    for _ in range(89):
        market.served.clock.advance(timedelta(minutes=8))
        await browser.get("/account")
    market.served.clock.advance(timedelta(minutes=7))
    await browser.get("/account")
    market.served.clock.advance(timedelta(minutes=1))
    await browser.get("/account", expect=303)
    assert COOKIE not in browser.client.cookies


async def test_signing_in_leads_to_no_other_site(market: Market) -> None:
    browser = Browser(market.served)
    for aim in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/zh//evil.example",
        "/api/v1/token",
    ):
        page = await browser.get("/login")
        await browser.send(page, "/login", {"login": "buyer", "password": PASSWORD, "next": aim})
        assert browser.location == "/en/"
        browser.client.cookies.delete(COOKIE)


async def test_a_form_of_nobody_or_of_another_session_is_refused_and_does_nothing(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    other = Browser(market.served, market.second)
    page = await buyer.get("/account")
    foreign = (await other.get("/account")).form("/payee").values["csrf"]
    for token in ("", "0" * 64, foreign, None):
        sent = {"csrf": token, "account": "CN99BANK0000000001", "holder": "x"}
        refused = await buyer.send(page, "/account/payee", sent, expect=403)
        assert "form-expired" in refused.words
    assert "CN25BANK0000000005" in (await buyer.get("/account")).words


async def test_a_form_written_before_signing_in_is_no_form_after_it(market: Market) -> None:
    browser = Browser(market.served)
    before = await browser.get("/login")
    await browser.send(before, "/login", {"login": "buyer", "password": PASSWORD})
    await browser.send(before, "/display", {"choose": "large"}, expect=403)


async def test_what_was_typed_when_a_session_ended_is_kept_and_sent_after_signing_in(
    market: Market,
) -> None:
    browser = Browser(market.served, market.buyer)
    own = browser.client.headers
    own["sec-fetch-site"] = "same-origin"
    page = await browser.get("/account")
    browser.client.cookies.delete(COOKIE)
    typed = {"account": "CN34BANK0000000077", "holder": "湾区普惠银行"}
    own["sec-fetch-site"] = "cross-site"
    stranger = await browser.send(page, "/account/payee", typed, expect=403)
    assert "form-expired" in stranger.words
    assert typed["account"] not in stranger.words
    own["sec-fetch-site"] = "same-origin"
    kept = await browser.send(page, "/account/payee", typed, expect=403)
    assert "You have been signed out in the meantime." in kept.words
    assert f"Account {typed['account']} Holder 湾区普惠银行" in kept.words
    browser.sign_in(market.buyer)
    again = await browser.send(kept, "/account/payee", expect=403)
    assert "opened before you signed in" in again.words
    assert typed["account"] not in (await browser.get("/account")).words
    await market.served.prove(market.buyer)
    await browser.send(again, "/account/payee")
    assert typed["account"] in (await browser.get("/account")).words


async def test_a_form_that_never_stands_in_a_page_again_is_the_sign_in(market: Market) -> None:
    browser = Browser(market.served)
    browser.client.headers["sec-fetch-site"] = "same-origin"
    page = await browser.get("/login")
    sent = {"csrf": "0" * 64, "login": "buyer", "password": PASSWORD}
    refused = await browser.send(page, "/login", sent, expect=403)
    assert PASSWORD not in browser.last.text
    assert "form-expired" in refused.words


async def test_a_pages_cookie_reads_the_api_and_changes_nothing_there(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    assert (await browser.client.get("/api/v1/trades")).status_code == 200
    answer = await browser.client.post(
        f"/api/v1/trades/{market.ids['delivered']}/accept-goods",
        json={},
        headers={"idempotency-key": "by-cookie"},
    )
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


async def test_without_tls_a_cookie_is_not_secure_but_all_else(
    market: Market,
) -> None:
    browser = Browser(market.served)
    await browser.get("/login")
    cookies = browser.last.headers.get_list("set-cookie")
    form = next(one for one in cookies if one.startswith("databourse_form"))
    assert "HttpOnly" in form
    assert "Secure" not in form  # the test's address is plain http


async def test_another_session_is_ended_from_the_account(market: Market) -> None:
    desk, telephone = Browser(market.served), Browser(market.served)
    for browser, agent in ((desk, "Firefox"), (telephone, "A telephone")):
        browser.client.headers["user-agent"] = agent
        login = {"login": "buyer", "password": PASSWORD}
        await browser.send(await browser.get("/login"), "/login", login)
        market.served.clock.advance(timedelta(seconds=30))
    page = await desk.get("/account/sessions")
    assert "Firefox" in page.words
    form = next(form for form in page.forms if re.fullmatch(r"/en/account/sessions/.+/end", form.action))
    stranger = Browser(market.served, market.provider)
    other = await stranger.get("/account")
    csrf = {"csrf": other.forms[0].values["csrf"]}
    assert (await stranger.client.post(form.action, data=csrf)).status_code == 404
    assert (await desk.client.post(form.action, data={"csrf": "x"})).status_code == 403
    await telephone.get("/account")
    await desk.send(page, form.action)
    answer = await telephone.client.get("/en/account")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/en/login?next=%2Fen%2Faccount&ended=yes",
    )
    assert "A telephone" not in (await desk.get("/account/sessions")).words
