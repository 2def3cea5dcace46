"""Databases that a test finds furnished: what is dear to make is made once a session, then copied.

with quick_folder() as folder:
    copies = Copies(folder, "market", make_scene)
    async with copies.on_sqlite(schema) as (database, scene): ...

What was made (keys, ids) is shared by all copies; whoever uses it binds it to the copy's own database.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

from base.db import Database
from tests.databases import on_postgresql, on_sqlite, sqlite_url
from tests.postgres import Server

Made = TypeVar("Made")
_MEMORY: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 256 * 1024 * 1024
_instances = itertools.count(1)  # a fixture that two folders of tests have is made twice


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder for the session, in memory where there is room: a test's file need not survive the machine."""
    quick = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    with tempfile.TemporaryDirectory(prefix="databourse-", dir=_MEMORY if quick else None) as folder:
        yield Path(folder)


class Copies(Generic[Made]):
    """Furnishes one database of each kind with `make`, and hands out copies with what `make` answered."""

    def __init__(self, folder: Path, name: str, make: Callable[[Database], Awaitable[Made]]) -> None:
        self._path, self._make = folder / f"{name}.db", make
        self._name = f"databourse_{name}_{next(_instances)}"
        self._numbers = itertools.count(1)
        self._made: dict[str, Made] = {}

    @asynccontextmanager
    async def on_sqlite(self, schema: Path) -> AsyncIterator[tuple[Database, Made]]:
        """A copy in a file of its own; `schema` is where the template with the schema is kept."""
        if "sqlite" not in self._made:
            async with on_sqlite(schema, self._path) as database:
                self._made["sqlite"] = await self._make(database)
        path = self._path.with_name(f"copy-{next(self._numbers)}.db")
        shutil.copyfile(self._path, path)
        try:
            async with _opened(sqlite_url(path)) as database:
                yield database, self._made["sqlite"]
        finally:
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()

    @asynccontextmanager
    async def on_postgresql(self, server: Server) -> AsyncIterator[tuple[Database, Made]]:
        """A copy on the suite's server, dropped afterwards."""
        if "postgresql" not in self._made:
            async with on_postgresql(server):
                pass  # the template with the schema is there now
            await server.drop(self._name)
            url = await server.create(self._name, template="databourse_schema")
            async with _opened(url) as database:
                self._made["postgresql"] = await self._make(database)
        name, url = await server.clone(self._name)
        try:
            async with _opened(url) as database:
                yield database, self._made["postgresql"]
        finally:
            await server.drop(name)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.dispose()
