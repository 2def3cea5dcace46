"""Sessions, transactions and column types: the same code on SQLite and PostgreSQL.

Read and write sessions are different types, so a signature says whether a function writes. A write
session is one transaction, committed when its block is left; on SQLite it begins IMMEDIATE, so that
there is one writer and nothing decided on a stale read (`docs/ledger.md`, writing).
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import aiosqlite
import asyncpg
import orjson
from aiosqlite.core import _STOP_RUNNING_SENTINEL
from sqlalchemy import DateTime, Dialect, Engine, Enum, GenerativeSelect, TypeDecorator, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from base.errors import Unavailable

_BUSY_TIMEOUT_S: Final = 30
_FEW_ROWS: Final = 256
_WRITER_CACHE_KIB: Final = 8192
_PAGES_A_CHECKPOINT: Final = 8000
_REWRITTEN_AT_ONCE_BYTES: Final = 512 * 1024 * 1024
# For sets of rows by their keys: planned once, and never by a scan of a table that was small at the time.
_BY_KEYS: Final = (
    "SET plan_cache_mode = force_generic_plan; SET jit = off; "
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
)
_BEGIN: Final = "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"  # what is deferred is checked before the log is held
_JSON: Final = {"schema": "pg_catalog", "format": "binary"}  # as SQLAlchemy has it, but for the reader

Query = TypeVar("Query", bound=GenerativeSelect)

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class ReadSession(AsyncSession):
    """A session whose user only asks."""


class WriteSession(ReadSession):
    """A session inside one write transaction."""


class RowSession:
    """Inside one write transaction, by the driver alone: for sets of rows (`base.rows`), past the ORM."""

    __slots__ = ("dialect", "driver", "engine", "info")

    def __init__(self, connection: AsyncConnection, driver: Any) -> None:
        self.driver, self.dialect, self.engine = driver, connection.dialect, connection.sync_engine
        self.info: dict[str, Any] = {}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC times on both databases; a naive time is refused before it is stored."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_enum(kind: type[StrEnum], *, checked: bool = True) -> Enum:
    """A StrEnum as TEXT with a CHECK (no native ENUM can shrink); later columns lack it, SQLite keeps one."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=checked,
        length=40,
        values_callable=lambda members: [member.value for member in members],
        name=kind.__name__.lower(),
    )


def share_lock(query: Query) -> Query:
    """Lock the rows a right depends on, together with others who depend on it (no-op on SQLite)."""
    return query.with_for_update(read=True)


def exclusive_lock(query: Query) -> Query:
    """Lock the rows against everyone who depends on them (no-op on SQLite)."""
    return query.with_for_update()


_LOST: Final = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure


def lost_to_another(error: BaseException) -> bool:
    """Whether the database took a transaction back in favour of another one: all of it may be tried again."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in _LOST


class Database:
    """One database, by its SQLAlchemy URL with an async driver written in full."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        if self.dialect == "sqlite":
            self._reader = _sqlite_engine(url, begin="BEGIN", pool_size=pool_size)
            self._writer = _sqlite_engine(url, begin="BEGIN IMMEDIATE", pool_size=1)
        else:
            self._reader = create_async_engine(
                url, pool_size=pool_size, max_overflow=pool_size, hide_parameters=True
            )
            self._writer = self._reader
        self._idle: list[tuple[AsyncConnection, Any]] = []  # each with the driver's own

    @property
    def engine(self) -> AsyncEngine:
        """The writing engine, for migrations and advisory locks."""
        return self._writer

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A session for questions. Whatever it might change is never committed."""
        async with ReadSession(self._reader, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """One write transaction: committed on leaving the block, rolled back on any exception."""
        async with WriteSession(self._writer, expire_on_commit=False, autoflush=True) as session:
            await session.connection()  # begin now: on SQLite the writer's lock comes before any read
            yield session
            try:
                await session.commit()
            except BaseException:
                # The connection may still be inside the transaction; nobody may be handed it again.
                await session.invalidate()
                raise

    @asynccontextmanager
    async def write_rows(self) -> AsyncIterator[RowSession]:
        """`write` without a unit of work: committed on leaving the block, rolled back on any exception.

        What the driver raises inside the block passes through (on PostgreSQL nothing is deferred). Raises
        DBAPIError when the transaction does not begin or is not committed.
        """
        connection, driver = await self._begun()
        usable = False
        try:
            try:
                yield RowSession(connection, driver)
                await _told(driver, "COMMIT")
            except Exception:
                with suppress(Exception):  # what happened first is what is raised
                    await driver.execute("ROLLBACK")
                    usable = True
                raise
            usable = True
        finally:
            await self._give_back(connection, driver, usable=usable)

    async def _begun(self) -> tuple[AsyncConnection, Any]:
        """A connection inside a new transaction. On PostgreSQL it is one that is kept for this."""
        while self._idle:
            connection, kept = self._idle.pop()
            try:
                await kept.execute(_BEGIN)
            except BaseException as error:  # it has died since it was used last
                await self._give_back(connection, None, usable=False)
                if not isinstance(error, Exception):
                    raise
            else:
                return connection, kept
        connection = await self._writer.connect()
        try:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            if self.dialect == "postgresql":
                await driver.execute(_BY_KEYS)
                await driver.set_type_codec("json", encoder=str.encode, decoder=orjson.loads, **_JSON)
            await _told(driver, "BEGIN IMMEDIATE" if self.dialect == "sqlite" else _BEGIN)
        except BaseException:
            await self._give_back(connection, None, usable=False)
            raise
        return connection, driver

    async def _give_back(self, connection: AsyncConnection, driver: Any, *, usable: bool) -> None:
        if usable and self.dialect == "postgresql":
            self._idle.append((connection, driver))
            return
        if not usable:  # it may still be inside the transaction; nobody may be handed it again
            await connection.invalidate()
        await connection.close()

    async def create_schema(self) -> None:
        """Create every table that has been imported (tests and benchmarks; see `migrations/`)."""
        async with self._writer.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self.read() as session:
            await (await session.connection()).execute(text("SELECT 1"))

    async def scrub(self, *tables: str) -> None:
        """Clear what is left behind in tables of rows that were emptied. Raises Unavailable: try again.

        SQLite zeroes bytes as it frees them (`secure_delete`), but leaves copies where it moved rows from
        page to page, and old pages in the write-ahead log: the file is written anew (above 512 MiB it is
        left to a quiet hour: `VACUUM`), and the log cut to nothing. On PostgreSQL dead rows are vacuumed:
        their space is free to be written over. It takes long, so it visits a reader's thread.
        """
        async with self._reader.connect() as connection:
            if self.dialect == "postgresql":
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text(f"VACUUM {', '.join(tables)}"))
                return
            driver: Any = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            (pages,) = await (await driver.execute("PRAGMA page_count")).fetchone()
            (page_bytes,) = await (await driver.execute("PRAGMA page_size")).fetchone()
            if pages * page_bytes <= _REWRITTEN_AT_ONCE_BYTES:
                await (await driver.execute("VACUUM")).close()
            cut = await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if (await cut.fetchone())[0]:
                raise Unavailable("somebody is reading what was there before")

    async def dispose(self) -> None:
        """Close every connection."""
        while self._idle:
            await self._give_back(*self._idle.pop(), usable=False)
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


async def _told(driver: Any, word: str) -> None:
    """Begin or end a transaction. Raises DBAPIError."""
    try:
        await driver.execute(word)
    except Exception as error:
        lost = not isinstance(error, sqlite3.Error | asyncpg.PostgresError)
        raise DBAPIError(word, None, error, connection_invalidated=lost) from error


class _Cursor(aiosqlite.Cursor):
    """A cursor that asks and reads the whole answer at once (answers here are pages, never tables).

    aiosqlite visits the connection's thread to open, to ask, to read and to close, and a visit costs ten
    times what a short statement does. A reader visits it once. The writer, whose statements are short,
    visits it only for what may wait for another process or take long: to begin, to commit, and for many rows.
    """

    def __init__(self, connection: "_Connection") -> None:
        super().__init__(connection, None)  # type: ignore[arg-type] # there is none before it is asked
        self._here = connection.here
        self._rows: list[sqlite3.Row] = []

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> aiosqlite.Cursor:
        here = self._here and not sql.startswith("BEGIN")
        return await self._ask(sqlite3.Cursor.execute, sql, parameters or (), here=here)

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> aiosqlite.Cursor:
        few = isinstance(parameters, list) and len(parameters) <= _FEW_ROWS
        return await self._ask(sqlite3.Cursor.executemany, sql, parameters, here=self._here and few)

    async def _ask(
        self, how: Callable[..., Any], sql: str, parameters: Any, *, here: bool
    ) -> aiosqlite.Cursor:
        cursor = self._cursor = self._conn._conn.cursor()  # noqa: SLF001 - as aiosqlite's own cursor does

        def ask() -> list[sqlite3.Row]:
            how(cursor, sql, parameters)
            return cursor.fetchall() if cursor.description else []

        self._rows = ask() if here else await self._execute(ask)  # type: ignore[no-untyped-call]
        return self

    async def fetchone(self) -> sqlite3.Row | None:
        return self._rows.pop(0) if self._rows else None

    async def fetchmany(self, size: int | None = None) -> Iterable[sqlite3.Row]:
        size = size or self.arraysize
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchall(self) -> Iterable[sqlite3.Row]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []


class _Connection(aiosqlite.Connection):
    """`here`: short statements run in the thread that asks."""

    here: bool

    def cursor(self) -> Any:  # aiosqlite's visits the thread to make one
        return _Cursor(self)

    async def _execute(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """A visit to the thread. It may end after the loop has: then nobody waits, and that is no error."""
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Any] = loop.create_future()

        def visit() -> None:
            try:
                tell, what = waiting.set_result, fn(*args, **options)
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
                tell, what = waiting.set_exception, error
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: None if waiting.done() else tell(what))

        self._tx.put_nowait((None, visit))
        return await waiting

    def stop(self) -> None:
        """Close, and end the thread, when it has done what was asked of it."""
        self._running = False

        def end() -> object:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return _STOP_RUNNING_SENTINEL

        self._tx.put_nowait((None, end))


def _connector(*, here: bool) -> Callable[..., _Connection]:
    def connect(*args: Any, **options: Any) -> _Connection:
        plain = aiosqlite.connect(*args, **options)
        connection = _Connection(plain._connector, plain._iter_chunk_size)  # noqa: SLF001
        connection.here = here
        connection._thread.daemon = True  # noqa: SLF001 - as the adapter has it
        return connection

    return connect


def _sqlite_engine(url: str, *, begin: str, pool_size: int) -> AsyncEngine:
    """WAL, FULL, foreign keys, and an explicit BEGIN instead of the driver's guesses."""
    engine = create_async_engine(
        url,
        connect_args={"timeout": _BUSY_TIMEOUT_S, "async_creator_fn": _connector(here=begin != "BEGIN")},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2 * _BUSY_TIMEOUT_S,
        hide_parameters=True,  # an error's text goes into a log, and values do not belong there
    )
    _prepare(engine.sync_engine, begin)
    return engine


def _prepare(engine: Engine, begin: str) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor: sqlite3.Cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            f"busy_timeout = {_BUSY_TIMEOUT_S * 1000}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        if begin != "BEGIN":  # who writes goes through every index: 2 MB were read again and again
            cursor.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
            # A checkpoint writes each page once, however often the log has it: 1,000 pages are a few batches.
            cursor.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_A_CHECKPOINT}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)
