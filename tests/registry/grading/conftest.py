"""A grading desk, furnished once a session."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.copies import Copies, quick_folder
from tests.registry.grading.bench import Bench, make_bench


@pytest.fixture(scope="session")
def benches() -> Iterator[Copies[Bench]]:
    with quick_folder() as folder:
        yield Copies(folder, "bench", make_bench)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def bench(request, benches) -> AsyncIterator[Bench]:
    """The desk on a fresh database of each kind."""
    if request.param == "sqlite":
        opened = benches.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = benches.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        yield made.on(database)


@pytest.fixture
async def sqlite_bench(benches, sqlite_template) -> AsyncIterator[Bench]:
    """The desk on SQLite alone, where the kind of database decides nothing."""
    async with benches.on_sqlite(sqlite_template) as (database, made):
        yield made.on(database)
