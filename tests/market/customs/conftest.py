"""A customs post, furnished once a session."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.copies import Copies, quick_folder
from tests.market.conftest import copied_deal
from tests.market.customs.post import Post, make_post
from tests.market.delivery.funded import Deal


@pytest.fixture(scope="session")
def posts() -> Iterator[Copies[Post]]:
    with quick_folder() as folder:
        yield Copies(folder, "post", make_post)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def post(request, posts) -> AsyncIterator[Post]:
    """The post on a fresh database of each kind."""
    if request.param == "sqlite":
        opened = posts.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = posts.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        yield made.on(database)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def deal(request, deals) -> AsyncIterator[Deal]:
    """A funded trade of a small file, as the tests of deliveries have it."""
    async with copied_deal(deals, request, request.param) as deal:
        yield deal


@pytest.fixture
async def sqlite_deal(request, deals) -> AsyncIterator[Deal]:
    """For what does not depend on the kind of database."""
    async with copied_deal(deals, request, "sqlite") as deal:
        yield deal
