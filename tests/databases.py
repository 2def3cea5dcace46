"""Fresh databases with the project's schema: made once a session as a template, then copied."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

from base.db import Database
from tests.postgres import Server

_TEMPLATE: Final = "databourse_schema"
_STATEMENTS: Final = 5_000


@contextmanager
def statements_compiled_once() -> Iterator[None]:
    """Each test has an engine of its own, which would compile each statement again: here all have one cache.

    What was compiled for one engine is for all of its kind: their dialects are made alike (`base.db`).
    """
    compiled: LRUCache[Any, Any] = LRUCache(_STATEMENTS)
    shared = property(lambda _: compiled, lambda _, __: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_compiled_cache", shared, raising=False)
        for kind in (PGDialect_asyncpg, SQLiteDialect_aiosqlite):
            patch.setattr(kind, "__eq__", lambda one, other: type(one) is type(other))
            patch.setattr(kind, "__hash__", lambda one: hash(type(one)))
        yield


async def lay_schema(database: Database) -> None:
    """Give an empty database every table that the collected tests import, and those they declare themselves.

    `tests/test_migrations.py` proves that the steps of `migrations/` lead to the same schema.
    """
    await database.create_schema()


@asynccontextmanager
async def on_sqlite(template: Path, path: Path) -> AsyncIterator[Database]:
    """A database in a file of its own; `template` is made if it is not there yet."""
    if not template.exists():
        unfinished = template.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        await _make_template(sqlite_url(unfinished))
        unfinished.rename(template)
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
        await server.drop(_TEMPLATE)
        await _make_template(await server.create(_TEMPLATE))
        server.templates.add(_TEMPLATE)
    name, url = await server.clone(_TEMPLATE)
    database = Database(url)
    try:
        yield database
    finally:
        await database.dispose()
        await server.drop(name)


async def _make_template(url: str) -> None:
    database = Database(url)
    try:
        await lay_schema(database)
    finally:
        await database.dispose()  # on SQLite the last connection folds the write-ahead log into the file


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"
