"""Fresh databases with the project's schema: made once a session as a template, then copied."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from base.db import Database
from tests.postgres import Server

_TEMPLATE: Final = "databourse_schema"


async def lay_schema(database: Database) -> None:
    """Give an empty database the tables of every module that the collected tests import."""
    await database.create_schema()


@asynccontextmanager
async def on_sqlite(template: Path, path: Path) -> AsyncIterator[Database]:
    """A database in a file of its own; `template` is made if it is not there yet."""
    if not template.exists():
        made = Database(sqlite_url(template))
        await lay_schema(made)
        await made.dispose()  # the last connection folds the write-ahead log into the file
    shutil.copyfile(template, path)
    database = Database(sqlite_url(path))
    try:
        yield database
    finally:
        await database.dispose()


@asynccontextmanager
async def on_postgresql(server: Server) -> AsyncIterator[Database]:
    """A database of the suite's server, dropped afterwards."""
    if _TEMPLATE not in server.templates:
        made = Database(await server.create(_TEMPLATE))
        await lay_schema(made)
        await made.dispose()
        server.templates.add(_TEMPLATE)
    name, url = await server.clone(_TEMPLATE)
    database = Database(url)
    try:
        yield database
    finally:
        await database.dispose()
        await server.drop(name)


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"
