"""The market on a port of this machine, and the system's Chromium: what tests in a real browser share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.web.pages.driving import Site, a_chromium, served_site


@pytest.fixture(scope="module")
def site(market_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The market, served for real, in a thread of its own."""
    with served_site(market_template, tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium. Skipped, by name, where none is installed."""
    with a_chromium() as browser:
        yield browser
