"""Every page of the map in a real browser, as each role that reaches it by links.

`make soak` visits every kind of page as every role, in both languages; the suite a fixed sample. Two listings
are one kind of page: what is visited is told apart by its route. A page is looked at as it is, dark, and 320
pixels wide; axe-core finds nothing, the console stays silent, and nobody else is asked.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, Page
from starlette.routing import BaseRoute, Match

from tests.web.pages.driving import Site, Watch, picture, visit
from tests.web.pages.furnishing import SEATED, furnish
from web.pages import PARTS
from web.pages.languages import CATALOGUE

pytestmark = pytest.mark.browser
EVERYBODY: Final = (
    *(None, "operator", "authority", "samr", "auditor", "provider", "buyer", "broker"),
    *SEATED,
)
_FURNISHED_S: Final = 300
TAGS: Final = {"zh": "zh-CN", "en": "en"}
STARTS: Final = ("/", "/login", "/account", "/reg", "/ops", "/sell", "/buy", "/help", "/registry")
NOT_PAGES: Final = re.compile(r"/file$|/export\?|\.[a-z0-9]{2,6}(\?|$)")
SENT_AWAY: Final = frozenset({303, 401, 403})
NARROW: Final = 320
PER_KIND: Final = 1
HEAVIEST: Final = 60 * 1024
"""Bytes of a page, as it is transferred."""
FIRST_VIEW: Final = 100_000
"""Bytes of a page with its sheets and scripts, for somebody who was never here."""
STRUCTURE: Final = """() => {
  const first = document.querySelector("a, button, input, select, textarea");
  return {
    h1: document.querySelectorAll("h1").length,
    main: document.querySelectorAll("main#main").length,
    titled: document.title.trim().length > 3,
    lang: document.documentElement.lang,
    skip: first !== null && first.matches("a.skip[href='#main']"),
  };
}"""
RESOURCES: Final = (
    "() => performance.getEntriesByType('resource').reduce((sum, one) => sum + one.encodedBodySize, 0)"
)
SAID: Final = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const said = [];
  const apart = "code, pre, kbd, script, style, svg, textarea, [lang]:not(html)";
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.replace(/\\s+/g, " ").trim();
    if (text && !walker.currentNode.parentElement.closest(apart)) said.push(text);
  }
  return said;
}"""
HAN: Final = re.compile("[\u4e00-\u9fff]")
SENTENCE: Final = re.compile(r"[A-Za-z][A-Za-z'-]+(?: [A-Za-z][A-Za-z'-]+){3,}")
"""Four words of English in a row: on a Chinese page nobody wrote them."""
LINKS: Final = (
    "() => [...document.querySelectorAll('a[href]:not([download])')].map(a => a.getAttribute('href'))"
)


@dataclass
class Look:
    """One role's look at the pages: what was seen, and what was wrong with it."""

    site: Site
    page: Page
    watch: Watch
    who: str | None
    lang: str

    def at(self, address: str, *, dressed: bool = True) -> list[str]:
        """Everything that is wrong with the page at an address; an empty list also where one is sent away.

        `dressed`: dark and narrow as well.
        """
        answer = self.page.goto(address)
        assert answer is not None
        if answer.status in SENT_AWAY or not answer.headers.get("content-type", "").startswith("text/html"):
            self.watch.said.clear()  # the browser itself says that a page was refused
            return []
        wrong = [] if answer.status == 200 else [f"status {answer.status}"]
        weight = int(answer.headers["content-length"])
        wrong += [f"{weight} bytes"] if weight > HEAVIEST else []
        whole = weight + self.page.evaluate(RESOURCES)
        wrong += [f"{whole} bytes with sheets and scripts"] if whole > FIRST_VIEW else []
        told = self.page.evaluate(STRUCTURE)
        wanted = {"h1": 1, "main": 1, "titled": True, "lang": TAGS[self.lang], "skip": True}
        wrong += [f"{name}: {told[name]}" for name in wanted if told[name] != wanted[name]]
        wrong += self._strange()
        wrong += self._axe()
        picture(self.page, f"page-{self.lang}-{self.who}-{kind_of(address)}")
        wrong += self._dark_and_narrow() if dressed else []
        wrong += self.watch.wrong
        self.watch.said.clear()
        self.watch.asked.clear()
        return [f"{self.who} {address}: {one}" for one in wrong]

    def _strange(self) -> list[str]:
        """What is said in the other language. What people wrote is Chinese, on English pages too."""
        said = self.page.evaluate(SAID)
        if self.lang == "zh":
            return [
                f"English: {text[:80]}" for text in said if SENTENCE.search(text) and not HAN.search(text)
            ]
        return [f"Chinese: {text}" for text in said if text in chinese()]

    def _axe(self, **options: Any) -> list[str]:
        found = Axe().run(self.page, options=options or None).response["violations"]
        return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found]

    def _dark_and_narrow(self) -> list[str]:
        size = self.page.viewport_size
        assert size is not None
        self.page.emulate_media(color_scheme="dark")
        self.page.set_viewport_size({"width": NARROW, "height": size["height"]})
        width = self.page.evaluate("document.documentElement.scrollWidth")
        wrong = [f"dark: {one}" for one in self._axe(runOnly=["color-contrast"])]
        wrong += [f"{width} pixels wide"] if width > NARROW else []
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(size)
        return wrong


@cache
def chinese() -> frozenset[str]:
    """What the house says in Chinese, and otherwise in English."""
    with CATALOGUE.open("rb") as file:
        said = [(one.id, one.string) for one in read_po(file) if one.id and isinstance(one.string, str)]
    long = (text for english, text in said if text != english and text[2:])  # shorter words are names as well
    return frozenset(long)


@cache
def routes() -> list[BaseRoute]:
    """Every route of a page, without its language."""
    return [route for part in PARTS for route in part.router.routes]


def kind_of(address: str) -> str:
    """The pattern of the route that answers an address: two listings are of one kind."""
    path = address.partition("?")[0].partition("#")[0][3:]
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "root_path": ""}
    found = (route for route in routes() if route.matches(scope)[0] is Match.FULL)
    return str(getattr(next(found, None), "path", path))


def looking(site: Site, chromium: Browser, who: str | None, lang: str) -> Iterator[Look]:
    """One role at a browser, in a language."""
    context = visit(site, chromium, who)
    page = context.new_page()
    yield Look(site, page, Watch.over(page, site.address), who, lang)
    context.close()


def pages_of(look: Look) -> Iterator[tuple[str, str]]:
    """Kinds and addresses of the pages that the role reaches by links, each kind `PER_KIND` times at most."""
    waiting = [f"/{look.lang}{path}" for path in STARTS]
    counts: dict[str, int] = {}
    known = set(waiting)
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if counts.get(kind, 0) >= PER_KIND:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        yield kind, address
        for link in look.page.evaluate(LINKS):
            if link.startswith(f"/{look.lang}/") and not NOT_PAGES.search(link) and link not in known:
                known.add(link)
                waiting.append(link)


@pytest.fixture(scope="module")
def whole(site: Site) -> Site:
    """The market with the first-level market beside it."""
    site.do(furnish(site.market), deadline_s=_FURNISHED_S)
    return site


@pytest.mark.soak
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("who", EVERYBODY)
def test_every_page_that_a_role_reaches_is_accessible_strict_and_narrow(whole, chromium, who, lang) -> None:
    wrong: list[str] = []
    for look in looking(whole, chromium, who, lang):
        kinds = {kind: look.at(address) for kind, address in pages_of(look)}
        wrong = [one for found in kinds.values() for one in found]
    assert wrong == [], "\n".join(wrong)


SAMPLE: Final = (
    ("zh", None, "/"),
    ("en", None, "/products"),
    ("zh", None, "/products/{listed}/provenance"),
    ("en", None, "/products/{listed}/quality"),
    ("zh", None, "/ledger/40"),
    ("en", None, "/ledger/growth"),
    ("zh", None, "/brokers?grade=2&on=2026-11-16"),
    ("en", None, "/brokers/GZ-DB-2026-0001"),
    ("zh", None, "/login"),
    ("en", None, "/verify"),
    ("zh", None, "/about/rules"),
    ("zh", "provider", "/trades/{negotiating}"),
    ("en", "provider", "/sell/{draft}"),
    ("zh", "provider", "/sell"),
    ("en", "provider", "/account/sessions"),
    ("zh", "buyer", "/trades/{settled}"),
    ("en", "buyer", "/products/{listed}"),
    ("zh", "buyer", "/requests/new"),
    ("en", "buyer", "/buy/data"),
    ("zh", "broker", "/broker/deals"),
    ("en", "broker", "/conduct"),
    ("zh", "samr", "/reg"),
    ("en", "samr", "/reg/concentration"),
    ("zh", "samr", "/reg/flows"),
    ("en", "samr", "/reg/audit"),
    ("zh", "samr", "/erasures?of=40"),
    ("zh", "operator", "/ops/members"),
    ("en", "operator", "/ops"),
    ("en", "operator", "/ops/reviews"),
    ("zh", "authority", "/certify"),
)
WITHOUT_SCRIPT: Final = (
    ("zh", None, "/ledger/40"),
    ("en", "buyer", "/products/{listed}"),
    ("zh", "provider", "/sell/{draft}"),
)


@pytest.fixture(scope="module")
def looks(site: Site, chromium: Browser) -> Iterator[dict[tuple[str | None, str], Look]]:
    """The roles at their browsers, each from when it is asked for to the end of the module."""
    with ExitStack() as open_ones:

        class Looks(dict[tuple[str | None, str], Look]):
            def __missing__(self, key: tuple[str | None, str]) -> Look:
                self[key] = open_ones.enter_context(contextmanager(looking)(site, chromium, *key))
                return self[key]

        yield Looks()


@pytest.mark.parametrize(("lang", "who", "path"), SAMPLE)
def test_a_page_of_the_sample_is_accessible_strict_small_and_narrow(site, looks, lang, who, path) -> None:
    assert looks[who, lang].at(f"/{lang}{path.format(**site.market.ids)}") == []


@pytest.mark.parametrize(
    ("lang", "who", "path"),
    [
        *WITHOUT_SCRIPT,
        *(pytest.param(*one, marks=pytest.mark.soak) for one in SAMPLE if one not in WITHOUT_SCRIPT),
    ],
)
def test_a_page_is_accessible_without_our_scripts_too(site, chromium, lang, who, path) -> None:
    for look in looking(site, chromium, who, lang):  # axe itself is a script, so ours are what is taken away
        look.page.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        assert look.at(f"/{lang}{path.format(**site.market.ids)}", dressed=False) == []
