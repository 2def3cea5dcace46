"""A room of assessments, furnished once a session."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.copies import Copies, quick_folder
from tests.registry.assessments.room import Room, make_room


@pytest.fixture(scope="session")
def rooms() -> Iterator[Copies[Room]]:
    with quick_folder() as folder:
        yield Copies(folder, "room", make_room)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def room(request, rooms) -> AsyncIterator[Room]:
    """The room on a fresh database of each kind."""
    if request.param == "sqlite":
        opened = rooms.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = rooms.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        yield made.on(database)


@pytest.fixture
async def sqlite_room(rooms, sqlite_template) -> AsyncIterator[Room]:
    """The room on SQLite alone, where the kind of database decides nothing."""
    async with rooms.on_sqlite(sqlite_template) as (database, made):
        yield made.on(database)
