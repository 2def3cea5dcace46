"""The market that tests of trades begin with: made once for each kind of database, then copied."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.copies import Copies, quick_folder
from tests.market.trade.scene import Scene, make_scene


@pytest.fixture(scope="session")
def scenery() -> Iterator[Copies[Scene]]:
    with quick_folder() as folder:
        yield Copies(folder, "market", make_scene)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def scene(request: pytest.FixtureRequest, scenery: Copies[Scene]) -> AsyncIterator[Scene]:
    """A fresh copy of the market, once on each kind of database."""
    if request.param == "sqlite":
        opened = scenery.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = scenery.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, scene):
        yield scene.on(database)


@pytest.fixture
async def sqlite_scene(scenery: Copies[Scene], sqlite_template: Path) -> AsyncIterator[Scene]:
    """For what does not depend on the kind of database."""
    async with scenery.on_sqlite(sqlite_template) as (database, scene):
        yield scene.on(database)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def scene_of(request: pytest.FixtureRequest, scenery: Copies[Scene]) -> Callable[[], Any]:
    """Opens a fresh copy of the market, as often as it is asked to."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Scene]:
        if request.param == "sqlite":
            copy = scenery.on_sqlite(request.getfixturevalue("sqlite_template"))
        else:
            copy = scenery.on_postgresql(request.getfixturevalue("postgres"))
        async with copy as (database, made):
            yield made.on(database)

    return opened
