"""Style sheets, scripts and the icon: kept for good under their digest, packed for whoever takes it so."""

import gzip
import re
from hashlib import sha256

import pytest

from tests.web.market import Market
from tests.web.pages.browsing import Browser
from web.packing import LEAST, gzipped, takes_gzip
from web.pages import PARTS
from web.pages.assets import STATIC, address, assets
from web.pages.keys import AREAS, KEYS

FOR_GOOD = "public, max-age=31536000, immutable"


async def test_what_a_page_names_is_kept_for_good_and_comes_packed(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/products")
    named = [link["href"] for link in page.named("link") if link["href"].startswith("/static/")]
    named += [script["src"] for script in page.named("script")]
    assert [place.rpartition("/")[2] for place in named] == ["icon.svg", "keys.js", "htmx.js"]
    for place in named:
        answer = await browser.client.get(place)
        assert answer.headers["cache-control"] == FOR_GOOD
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "set-cookie" not in answer.headers
        assert place.split("/")[2] == sha256(answer.content).hexdigest()[:16]
        plain = await browser.client.get(place, headers={"accept-encoding": "gzip;q=0"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content
        assert "set-cookie" not in plain.headers
    assert (await browser.client.get(address("app.css"))).content == (STATIC / "app.css").read_bytes()


async def test_only_a_page_with_parts_that_are_swapped_brings_the_script_that_swaps(market: Market) -> None:
    for who, path in ((None, "/"), (None, "/ledger"), (None, "/products"), ("provider", "/sell/new")):
        answer = await Browser(market.served, market.people[who] if who else None).client.get(f"/en{path}")
        assert ("htmx.js" in answer.text) == (" hx-" in answer.text), path


async def test_an_old_address_gets_what_is_there_today_and_nothing_else_is_handed_out(market: Market) -> None:
    client = Browser(market.served).client
    for place in ("/static/app.css", f"/static/{'0' * 16}/app.css"):
        answer = await client.get(place)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.content == assets()["app.css"].plain
    for place in ("/static/none.css", "/static/__init__.py", f"/static/{'0' * 16}/%2e%2e%2fmain.py"):
        assert (await client.get(place)).status_code == 404, place


async def test_a_page_comes_packed_and_its_token_looks_different_each_time(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    tokens, lengths = set(), set()
    for _ in range(8):
        answer = await browser.client.get("/en/account")
        assert answer.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["vary"]
        found = set(re.findall(r'name="csrf" value="([0-9a-f]{64})"', answer.text))
        assert len(found) == 1  # one answer has one token: its forms' tokens pack well
        tokens |= found
        lengths.add(int(answer.headers["content-length"]))
    assert len(tokens) == 8
    assert len({token[:32] for token in tokens}) == len({token[32:] for token in tokens}) == 8
    assert len(lengths) > 1  # nor does the length tell what is on a page
    page = await browser.get("/account")
    for token in tokens:  # each of them is good, in whatever order they come back
        sent = {"csrf": token, "choose": "large", "back": "/"}
        assert (await browser.client.post("/en/display", data=sent)).status_code == 303
    for bad in ("", "0" * 64, token[:-1], token[:-2] + "zz", token + "00", "é" * 64):
        answer = await browser.client.post("/en/display", data=page.form("/display").values | {"csrf": bad})
        assert answer.status_code == 403, bad
    plain = await browser.client.get("/en/account", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("gzip, deflate, br", True),
        ("br, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
        ("", False),
        ("notgzip", False),
    ],
)
def test_gzip_is_sent_to_whoever_names_it(asked, taken) -> None:
    assert takes_gzip({"accept-encoding": asked}) is taken


def test_packed_bytes_are_the_same_for_the_same_and_longer_by_the_blur() -> None:
    raw = b"databourse " * LEAST
    assert gzipped(raw) == gzipped(raw)
    assert gzip.decompress(gzipped(raw, blur=100)) == raw
    assert len(gzipped(raw, blur=100)) == len(gzipped(raw, blur=1)) + 99


def test_the_keys_that_people_are_told_are_those_of_the_script() -> None:
    script = (STATIC / "keys.js").read_text("utf-8")
    (told,) = re.findall(r"const areas = \{ (.*?) \};", script)
    assert dict(re.findall(r'(\w): "([^"]+)"', told)) == {key: to for key, (to, _) in AREAS.items()}
    assert {f'key === "{key}"' in script for key in KEYS} == {True}
    assert {to for to, _ in AREAS.values()} <= {route.path for part in PARTS for route in part.router.routes}
