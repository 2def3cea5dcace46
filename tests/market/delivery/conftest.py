"""What the tests of deliveries begin with: a trade made once for each kind of database, then copied."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.copies import Copies
from tests.market.conftest import copied_deal, made_deals
from tests.market.delivery.funded import Deal

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=KINDS)
async def deal(request: pytest.FixtureRequest, deals: Copies[Deal]) -> AsyncIterator[Deal]:
    """A funded trade of a small file."""
    async with copied_deal(deals, request, request.param) as deal:
        yield deal


@pytest.fixture(scope="session")
def large_deals() -> Iterator[Copies[Deal]]:
    yield from made_deals("large_deal", raw=bytes(i * 31 % 251 for i in range(2 * 512 * 1024 + 100)))


@pytest.fixture(params=KINDS)
async def large_deal(request: pytest.FixtureRequest, large_deals: Copies[Deal]) -> AsyncIterator[Deal]:
    """A funded trade of a file that leaves in three pieces: 512 KiB twice, and a little."""
    async with copied_deal(large_deals, request, request.param) as deal:
        yield deal
