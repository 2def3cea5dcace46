"""A served node for every test of the doors."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from base.clock import SimulatedClock
from tests.web.nodes import Served, serving


@pytest.fixture
async def served(tmp_path: Path, clock: SimulatedClock) -> AsyncIterator[Served]:
    """A newly founded node on SQLite, with its application and an operator."""
    async with serving(tmp_path, clock) as made:
        yield made
