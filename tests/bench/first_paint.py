"""When a page is first seen on a slow line and a slow machine, against a blank page of the same server.

A real browser without anything kept, over 1.6 Mbit/s with 150 ms each way and back, its processor four times
slower (DevTools protocol). The pages and the blank one in turns; the figure is the slowest page's.
"""

import asyncio
import statistics
from typing import Any, Final

import pytest
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser

from tests.bench.ground import Ground
from tests.bench.measuring import Broken, CannotRun, Measured
from tests.web.market import make_template
from tests.web.pages.driving import Site, a_chromium, served_site, visit

PAGES: Final[tuple[tuple[str, str | None, str], ...]] = (
    ("home", None, "/zh/"),
    ("catalogue", None, "/zh/products"),
    ("product", None, "/zh/products/{listed}"),
    ("trade", "buyer", "/zh/trades/{settled}"),
    ("ledger", None, "/zh/ledger"),
    ("supervision", "samr", "/zh/reg"),
)
BLANK: Final = "/blank"
LINE: Final = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 1_600_000 / 8,
}
_SLOWER: Final = 4
_PATIENCE_MS: Final = 180_000  # the first look draws charts, on a machine that others use too
_PAINTED: Final = """() => new Promise((painted) => new PerformanceObserver((list) => {
  const first = list.getEntriesByName("first-contentful-paint")[0];
  if (first) painted(first.startTime);
}).observe({ type: "paint", buffered: true }))"""


async def first_paint(ground: Ground) -> Measured:
    """Milliseconds to the first paint: the slowest page against a blank one."""
    rounds = max(5, min(int(3 * ground.budget.side_s), 9))
    return await asyncio.to_thread(_measured, ground, rounds)  # the browser is driven outside of the loop


def _measured(ground: Ground, rounds: int) -> Measured:
    template = ground.folder / "market"
    template.mkdir()
    ground.say(f"making a market, and looking at {len(PAGES)} pages {rounds} times")
    make_template(template)
    try:
        with served_site(template, ground.folder / "served") as site, a_chromium() as chromium:
            site.market.served.app.add_api_route(BLANK, _blank)
            site.market.served.app.router.routes.insert(0, site.market.served.app.router.routes.pop())
            return _compared(site, chromium, rounds)
    except pytest.skip.Exception as error:
        raise CannotRun(str(error)) from None


async def _blank() -> HTMLResponse:
    return HTMLResponse("<!doctype html><html lang=en><title>blank</title><body><p>blank")


def _compared(site: Site, chromium: Browser, rounds: int) -> Measured:
    taken: dict[str, list[float]] = {name: [] for name, _, _ in PAGES}
    blanks: list[float] = []
    for turn in range(rounds + 1):
        for name, who, path in PAGES:
            taken[name].append(_seen(site, chromium, who, path.format(**site.market.ids)))
        blanks.append(_seen(site, chromium, None, BLANK))
        if not turn:  # the first look fills what the server keeps
            for looks in (*taken.values(), blanks):
                looks.clear()
    floor = statistics.median(blanks)
    medians = {name: statistics.median(looks) for name, looks in taken.items()}
    slowest = max(medians, key=medians.__getitem__)
    beside: list[dict[str, Any]] = [
        {"name": name, "beside": "first_paint", "ours": round(ours), "floor": round(floor)}
        for name, ours in medians.items()
    ]
    unit = f"ms to the first paint of the slowest page ({slowest}), median of {rounds}, against a blank page"
    return Measured(medians[slowest], floor, unit, tuple(beside))


def _seen(site: Site, chromium: Browser, who: str | None, path: str) -> float:
    """Milliseconds from the navigation to the first paint, in a fresh profile."""
    context = visit(site, chromium, who)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", LINE)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    answer = page.goto(path, timeout=_PATIENCE_MS)
    if answer is None or answer.status != 200:
        raise Broken(f"{path} answers {answer and answer.status}")
    painted = float(page.evaluate(_PAINTED))
    context.close()
    return painted
