"""Served nodes for every test of the doors: an empty one, and a market that was built once and is copied."""

from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import pytest
from httpx._transports import default

from base.clock import SimulatedClock
from tests.web.market import Market, copied, make_template
from tests.web.nodes import Served, serving


@pytest.fixture(scope="session", autouse=True)
def trust_is_read_once() -> Iterator[None]:
    """Every client of HTTP reads the certificates of the world; nothing that is tested here speaks TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", cache(default.create_ssl_context))
        yield


@pytest.fixture
async def served(tmp_path: Path, clock: SimulatedClock) -> AsyncIterator[Served]:
    """A newly founded node on SQLite, with its application and an operator."""
    async with serving(tmp_path, clock) as made:
        yield made


@pytest.fixture(scope="session")
def market_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The market on disk."""
    return make_template(tmp_path_factory.mktemp("market"))


@pytest.fixture
async def market(market_template: Path, tmp_path: Path) -> AsyncIterator[Market]:
    """A copy of the market, open."""
    async with copied(market_template, tmp_path / "market") as opened:
        yield opened
