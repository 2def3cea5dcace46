"""A type in force and its people, furnished once a session."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.copies import Copies, quick_folder
from tests.registry.vouchers.desk import People, make_people


@pytest.fixture(scope="session")
def peoples() -> Iterator[Copies[People]]:
    with quick_folder() as folder:
        yield Copies(folder, "vouchers", make_people)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def people(request, peoples) -> AsyncIterator[People]:
    """They on a fresh database of each kind: for what locks decide."""
    if request.param == "sqlite":
        opened = peoples.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = peoples.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        yield made.on(database)


@pytest.fixture
async def quick(request, peoples) -> AsyncIterator[People]:
    """They on SQLite alone: for what no lock decides."""
    async with peoples.on_sqlite(request.getfixturevalue("sqlite_template")) as (database, made):
        yield made.on(database)
