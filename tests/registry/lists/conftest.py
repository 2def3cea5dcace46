"""An office of agencies, furnished once a session."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.copies import Copies, quick_folder
from tests.registry.lists.office import Office, make_office


@pytest.fixture(scope="session")
def offices() -> Iterator[Copies[Office]]:
    with quick_folder() as folder:
        yield Copies(folder, "office", make_office)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def office(request, offices) -> AsyncIterator[Office]:
    """The office on a fresh database of each kind."""
    if request.param == "sqlite":
        opened = offices.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = offices.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        yield made.on(database)
