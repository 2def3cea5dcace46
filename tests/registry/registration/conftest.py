"""A registrar's desk, furnished once a session."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.copies import Copies, quick_folder
from tests.registry.registration.desk import Desk, make_desk


@pytest.fixture(scope="session")
def desks() -> Iterator[Copies[Desk]]:
    with quick_folder() as folder:
        yield Copies(folder, "desk", make_desk)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def desk(request, desks) -> AsyncIterator[Desk]:
    """The desk on a fresh database of each kind."""
    if request.param == "sqlite":
        opened = desks.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = desks.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        yield made.on(database)
