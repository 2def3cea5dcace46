"""Driving a real browser: the market on a port, a Chromium, profiles, and what a page may not do."""

import asyncio
import os
import re
import shutil
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.market import Market, copied
from tests.web.pages.findings import with_findings
from web.deps import COOKIE

SCREENSHOTS: Final = "DATABOURSE_TEST_SCREENSHOTS"
"""Names a folder: walks leave a picture of each page there, to be looked at."""
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_DEADLINE_S: Final = 60
Answer = TypeVar("Answer")


@dataclass
class Site:
    """The market on a port of this machine."""

    address: str
    market: Market
    loop: asyncio.AbstractEventLoop

    def token(self, who: str) -> str:
        """What signing in gives a person of the market."""
        return self.market.served.token(self.market.people[who])

    def do(self, work: Coroutine[Any, Any, Answer], *, deadline_s: float = _DEADLINE_S) -> Answer:
        """Do what happens behind the pages (the bank answers, a night passes) where the market is served."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(deadline_s)


@contextmanager
def served_site(template: Path, folder: Path) -> Iterator[Site]:
    """The market, served for real, in a thread of its own."""
    ready = threading.Event()
    made: dict[str, Any] = {}
    listening = socket.create_server(("127.0.0.1", 0))

    async def serve() -> None:
        async with copied(template, folder / "market") as market:
            with_findings(market)
            config = uvicorn.Config(market.served.app, log_level="warning", lifespan="off")
            made.update(server=uvicorn.Server(config), market=market, loop=asyncio.get_running_loop())
            ready.set()
            await made["server"].serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(_DEADLINE_S)
    yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}", made["market"], made["loop"])
    made["server"].should_exit = True
    thread.join(30)


@contextmanager
def a_chromium() -> Iterator[Browser]:
    """The system's Chromium. Skipped, by name, where none is installed."""
    path = next((found for found in map(shutil.which, NAMES) if found), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (make browser)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def visit(site: Site, chromium: Browser, who: str | None, **options: Any) -> BrowserContext:
    """A fresh profile, signed in as somebody."""
    context = chromium.new_context(base_url=site.address, **options)
    if who is not None:
        cookie = {"name": COOKIE, "value": site.token(who), "url": site.address, "httpOnly": True}
        context.add_cookies([cookie])  # type: ignore[list-item]
    return context


@dataclass
class Watch:
    """What a page said and asked for: nothing may be said, and nobody else asked."""

    home: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @classmethod
    def over(cls, page: Page, home: str) -> Self:
        """Errors and warnings of the console, stops by the content security policy, errors of scripts."""
        watch = cls(home)
        page.on("console", lambda told: watch.said.append(f"{page.url}: {told.text}"))
        page.on("pageerror", lambda error: watch.said.append(f"{page.url}: {error}"))
        page.on("request", lambda request: watch.asked.append(request.url))
        return watch

    @property
    def wrong(self) -> list[str]:
        """What was said, and who else was asked."""
        return self.said + [url for url in self.asked if not url.startswith((self.home, "data:", "blob:"))]


def picture(page: Page, name: str) -> None:
    """Leave a picture of the page in the folder that `SCREENSHOTS` names, if it names one."""
    folder = os.environ.get(SCREENSHOTS)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{re.sub(r'[^a-zA-Z0-9-]+', '-', name)}.png", full_page=True)
