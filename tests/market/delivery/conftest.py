"""What the tests of deliveries begin with."""

from pathlib import Path

import pytest

from tests.houses import make_house
from tests.market.delivery.funded import Deal, make_deal


@pytest.fixture
async def deal(database, clock, tmp_path: Path) -> Deal:
    """A funded trade of a small file."""
    return await make_deal(await make_house(database, clock), tmp_path / "files")


@pytest.fixture
async def large_deal(database, clock, tmp_path: Path) -> Deal:
    """A funded trade of a file that leaves in three pieces: 512 KiB twice, and a little."""
    raw = bytes(i * 31 % 251 for i in range(2 * 512 * 1024 + 100))
    return await make_deal(await make_house(database, clock), tmp_path / "files", raw=raw)
