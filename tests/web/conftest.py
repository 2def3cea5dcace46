"""Served nodes for every test of the doors: an empty one, and a market that was built once and is copied."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from base.clock import SimulatedClock
from identity import passwords
from tests.web.market import Market, copied, make_template
from tests.web.nodes import Served, serving


@pytest.fixture(scope="package", autouse=True)
def passwords_are_hashed_quickly() -> Iterator[None]:
    """What a password costs whoever guesses, `tests/identity` asks; here somebody signs in all the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
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
