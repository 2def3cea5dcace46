"""The market that page tests walk through: built once, copied for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.market import Market, copied, make_template


@pytest.fixture(scope="session")
def market_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The market on disk."""
    return make_template(tmp_path_factory.mktemp("market"))


@pytest.fixture
async def market(market_template: Path, tmp_path: Path) -> AsyncIterator[Market]:
    """A copy of the market, open."""
    async with copied(market_template, tmp_path / "market") as opened:
        yield opened
