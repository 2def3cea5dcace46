"""What figures stand on: a PostgreSQL that flushes, folders, and markets that are furnished once a run."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from base.db import Database
from migrations.models import import_tables
from tests.bench.measuring import Budget, CannotRun
from tests.bench.stock import Stock, furnish
from tests.databases import on_postgresql, on_sqlite
from tests.postgres import SQLITE_ONLY, NoPostgres, Server, running_server


class Ground:
    """Made by need and kept to the end of the run: the server, and one furnished market of each kind."""

    def __init__(self, stack: AsyncExitStack, budget: Budget, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._server: Server | None = None
        self._stocks: dict[str, Stock] = {}
        self.kept: dict[str, Any] = {}
        self.budget = budget
        self.say = say
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="databourse-bench-")))

    def server(self) -> Server:
        """A durable PostgreSQL of the run's own. Raises CannotRun where none starts."""
        if os.environ.get(SQLITE_ONLY) == "1":
            raise CannotRun(f"{SQLITE_ONLY}=1 asked for a run without PostgreSQL")
        if self._server is None:
            self.say("starting a PostgreSQL that flushes every commit")
            try:
                self._server = self._stack.enter_context(contextmanager(running_server)(durable=True))
            except NoPostgres as error:
                raise CannotRun(str(error)) from None
        return self._server

    def store(self) -> Path:
        """The folder in which the server keeps its data."""
        return self.server()._store

    async def stock(self, kind: str) -> Stock:
        """The furnished market on `sqlite` or `postgresql`, with trades to settle."""
        if kind not in self._stocks:
            database = await self._stack.enter_async_context(self._opening(kind))
            self.say(f"furnishing a market on {kind}: one trade through the services, then copies of it")
            self._stocks[kind] = Stock(await furnish(database))
        return self._stocks[kind]

    def _opening(self, kind: str) -> Any:
        if kind == "sqlite":
            return on_sqlite(self.folder / "schema.db", self.folder / "market.db")
        return on_postgresql(self.server())

    @asynccontextmanager
    async def empty_database(self) -> AsyncIterator[tuple[Database, Any]]:
        """A PostgreSQL database with the schema only, and a plain connection to it with its checks off."""
        async with on_postgresql(self.server()) as database:
            connection = await plain_connection(database)
            try:
                await connection.execute("SET session_replication_role = replica")
                yield database, connection
            finally:
                await connection.close()


async def plain_connection(database: Database) -> Any:
    """An asyncpg connection to the same database, with nothing in between."""
    return await dialling(database)()


def dialling(database: Database) -> Callable[[], Any]:
    """How asyncpg reaches that database."""
    url = database.engine.url
    return partial(asyncpg.connect, host=url.query["host"], user=url.username, database=url.database)


@asynccontextmanager
async def ground(budget: Budget, say: Callable[[str], None]) -> AsyncIterator[Ground]:
    """The ground of one run; everything it started is stopped and removed behind it."""
    import_tables()
    async with AsyncExitStack() as stack:
        yield Ground(stack, budget, say)
