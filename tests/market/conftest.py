"""The market that tests of trades begin with: made once for each kind of database, then copied."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from base.clock import SimulatedClock
from base.db import Database
from tests.conftest import MONDAY
from tests.copies import Copies, quick_folder
from tests.houses import make_house
from tests.market.delivery.funded import Deal, make_deal
from tests.market.trade.scene import Scene, make_scene
from tests.postgres import Server


@pytest.fixture(scope="session")
def scenery() -> Iterator[Copies[Scene]]:
    with quick_folder() as folder:
        yield Copies(folder, "market", make_scene)


@pytest.fixture(scope="session")
def deals() -> Iterator[Copies[Deal]]:
    """Funded trades of a small file."""
    yield from made_deals("deal")


def made_deals(name: str, **facts: Any) -> Iterator[Copies[Deal]]:
    """Funded trades to be copied; what they are about lies beside their database."""
    with quick_folder() as folder:

        async def make(database: Database) -> Deal:
            house = await make_house(database, SimulatedClock(MONDAY))
            return await make_deal(house, folder / database.dialect, **facts)

        yield Copies(folder, name, make)


@asynccontextmanager
async def copied_deal(copies: Copies[Deal], request: pytest.FixtureRequest, kind: str) -> AsyncIterator[Deal]:
    """A funded trade in a database and a folder of its own, on the test's clock."""
    if kind == "sqlite":
        opened = copies.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = copies.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        folder = request.getfixturevalue("tmp_path") / "files"
        shutil.copytree(made.folder, folder)
        yield made.on(database, request.getfixturevalue("clock"), folder)


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


@pytest.fixture
async def postgresql_scene(scenery: Copies[Scene], postgres: Server) -> AsyncIterator[Scene]:
    """For what only several writers at a time can do."""
    async with scenery.on_postgresql(postgres) as (database, scene):
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
