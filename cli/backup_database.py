"""A database as files, and files as a database: in one moment out, in one transaction in.

SQLite gives its own online copy: writers go on meanwhile. PostgreSQL gives each table by COPY inside one
REPEATABLE READ transaction, so no server tool is needed and no table is newer than another; it takes them
back in one transaction as well: whoever is killed before its end has changed nothing.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from base.db import Database, ReadSession
from base.errors import DomainError, Unavailable
from base.settings import Settings
from cli.backup_archive import SQLITE, TABLES, BackupBad, Manifest
from cli.backup_placing import sync_folder
from cli.migrate import SQLITE_FILE
from ledger.checkpoint import Checkpoint
from ledger.reader import TreeHead, export_rows, tree_head
from ledger.tree import Frontier, leaf_hash
from migrations.run import known, upgrade_on

POSTGRESQL: Final = "postgresql"
ON_SQLITE: Final = "sqlite"
_LOCK_S: Final = 5
_STEP: Final = "alembic_version"
_TREE: Final = "SELECT origin, size, root FROM ledger_tree WHERE id = 1"
_COLUMNS: Final = """
    SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname ORDER BY c.relname"""
_KEYS: Final = """
    SELECT conrelid::regclass::text AS name, quote_ident(conname) AS key, pg_get_constraintdef(oid) AS said
    FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"""
_SEQUENCES: Final = """
    SELECT sequencename::text AS name, last_value FROM pg_sequences
    WHERE schemaname = current_schema() AND last_value IS NOT NULL"""
_OTHERS: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


class DatabaseInUse(Unavailable):
    code: ClassVar[str] = "database-in-use"
    title = "A process of the exchange still has this database open"


class BackupOfAnotherKind(DomainError):
    code: ClassVar[str] = "backup-of-another-database"
    title = "This backup is of another kind of database than the settings name"


@dataclass(frozen=True, slots=True)
class Dump:
    """What was taken: the kind, the step of the schema, and a file for each member."""

    kind: str
    schema_step: str
    members: dict[str, Path]
    head: TreeHead
    tables: dict[str, list[str]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)


def sqlite_path(settings: Settings) -> Path | None:
    """Where the SQLite file is; None on PostgreSQL."""
    url = settings.database_url
    return Path(url.removeprefix(SQLITE_FILE)) if url.startswith(SQLITE_FILE) else None


async def dump(settings: Settings, scratch: Path) -> Dump:
    """The database as it is in one moment, as files in a folder of ours."""
    path = sqlite_path(settings)
    return await _dump_postgresql(settings, scratch) if path is None else await _dump_sqlite(path, scratch)


async def _dump_sqlite(path: Path, scratch: Path) -> Dump:
    copy = scratch / SQLITE
    await asyncio.to_thread(_copy_sqlite, path, copy)
    async with opened_copy(copy) as s:
        head = await tree_head(s)
    return Dump(ON_SQLITE, _step_of(copy), {SQLITE: copy}, head)


def _copy_sqlite(path: Path, copy: Path) -> None:
    copy.touch(0o600)
    with (
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


@asynccontextmanager
async def opened_copy(copy: Path) -> AsyncIterator[ReadSession]:
    """Ask an SQLite file of ours; it is one file again when the block is left."""
    database = Database(f"{SQLITE_FILE}{copy}")
    try:
        async with database.read() as s:
            yield s
    except DBAPIError as error:
        raise BackupBad("the database of this backup cannot be read", said=str(error.orig)[:200]) from None
    finally:
        await database.dispose()
        with closing(sqlite3.connect(copy)) as alone, suppress(sqlite3.DatabaseError):
            alone.execute("PRAGMA journal_mode = DELETE")


def _step_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as copy:
        try:
            (step,) = copy.execute(f"SELECT version_num FROM {_STEP}").fetchone()  # noqa: S608 - a constant
        except (sqlite3.DatabaseError, TypeError):
            raise BackupBad("the database of this backup has no schema of ours") from None
    return str(step)


async def _dump_postgresql(settings: Settings, scratch: Path) -> Dump:
    database = Database(settings.database_dsn)
    try:
        async with database.engine.connect() as plain:
            connection = await plain.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            async with ReadSession(bind=connection) as s:
                head = await tree_head(s)  # the moment begins with this first question
            driver: Any = (await connection.get_raw_connection()).driver_connection
            step = await driver.fetchval(f"SELECT version_num FROM {_STEP}")  # noqa: S608 - a constant
            tables = {row["name"]: list(row["columns"]) for row in await driver.fetch(_COLUMNS)}
            del tables[_STEP]
            members = {TABLES + name: scratch / TABLES / name for name in tables}
            (scratch / TABLES).mkdir(mode=0o700)
            for name, columns in tables.items():
                await driver.copy_from_table(name, columns=columns, output=members[TABLES + name])
            last = {row["name"]: row["last_value"] for row in await driver.fetch(_SEQUENCES)}
    finally:
        await database.dispose()
    return Dump(POSTGRESQL, step, members, head, tables, last)


def check_sqlite(staged: Path, manifest: Manifest) -> None:
    """Raises BackupBad where the copy is damaged, or of a schema that this program does not know."""
    _require_step(_step_of(staged), manifest)
    with closing(sqlite3.connect(staged)) as copy:
        said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if said != "ok" or copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise BackupBad("the database of this backup is damaged", said=str(said)[:200])


def _require_step(step: str, manifest: Manifest) -> None:
    if step != manifest.schema_step or step not in known():
        raise BackupBad("the database has a schema that this program does not know", step=step)


async def check_log(s: ReadSession, manifest: Manifest) -> None:
    """Every entry is hashed anew: the tree that they make is the one of the manifest. Raises BackupBad."""
    head, frontier = await tree_head(s), Frontier()
    async for _, entry, _ in export_rows(s, size=head.size):
        frontier.append(leaf_hash(entry))
    told = (manifest.origin, manifest.size, manifest.root)
    if told != (head.origin, head.size, head.root) or told[1:] != (frontier.size, frontier.root().hex()):
        raise BackupBad("the log in this backup is not the one of its manifest", size=frontier.size)


@asynccontextmanager
async def loaded(
    settings: Settings, staging: Path, manifest: Manifest
) -> AsyncIterator[tuple[ReadSession, Checkpoint | None]]:
    """Everything that the PostgreSQL database holds is replaced, and committed when the block is left.

    Inside the block what was loaded can be asked; beside it comes the tree that stood there before, None
    where there was none. Raises DatabaseInUse, BackupBad.
    """
    database = Database(settings.database_dsn)
    try:
        async with database.engine.begin() as connection:
            await _require_alone(connection)
            await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_S}s'"))
            _require_step(manifest.schema_step, manifest)
            present = await _present(connection)
            await _empty(connection)
            await connection.run_sync(lambda sync: upgrade_on(sync, to=manifest.schema_step))
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await _fill(driver, staging, manifest)
            async with ReadSession(bind=connection, expire_on_commit=False) as s:
                yield s, present
    finally:
        await database.dispose()


async def require_alone(settings: Settings) -> None:
    """Raises DatabaseInUse while a process of the exchange, or anybody, has the database open."""
    path = sqlite_path(settings)
    if path is not None:
        with held_sqlite(path):
            return
    database = Database(settings.database_dsn)
    try:
        async with database.engine.connect() as connection:
            await _require_alone(connection)
    finally:
        await database.dispose()


async def _require_alone(connection: AsyncConnection) -> None:
    if (await connection.execute(text(_OTHERS))).scalar_one():
        raise DatabaseInUse("others are connected to this database: stop the node first")


async def _present(connection: AsyncConnection) -> Checkpoint | None:
    try:
        async with connection.begin_nested():
            return _checkpoint((await connection.execute(text(_TREE))).first())
    except DBAPIError:  # without our tables, or damaged: perhaps why there is a restore
        return None


async def _empty(connection: AsyncConnection) -> None:
    for kind, query in (
        ("TABLE", "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r'"),
        ("FUNCTION", "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'ledger\\_%'"),
    ):
        column = "relnamespace" if kind == "TABLE" else "pronamespace"
        asked = text(f"{query} AND {column} = current_schema()::regnamespace")
        for (name,) in (await connection.execute(asked)).all():
            await connection.execute(text(f"DROP {kind} IF EXISTS {name} CASCADE"))


async def _fill(driver: Any, staging: Path, manifest: Manifest) -> None:
    """Copy each table in. Keys between tables are taken off and put on again, which proves every row."""
    made = {row["name"]: list(row["columns"]) for row in await driver.fetch(_COLUMNS)}
    del made[_STEP]
    told = manifest.tables
    if {name: sorted(columns) for name, columns in made.items()} != {
        name: sorted(columns) for name, columns in told.items()
    } or {TABLES + name for name in told} != {name for name in manifest.members if name.startswith(TABLES)}:
        raise BackupBad("the tables of this backup are not those of its schema")
    keys = await driver.fetch(_KEYS)
    for row in keys:
        await driver.execute(f"ALTER TABLE {row['name']} DROP CONSTRAINT {row['key']}")
    try:
        for name, columns in told.items():
            await driver.execute(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')
            await driver.execute(f'DELETE FROM "{name}"')  # noqa: S608 - one of the names that were compared
            await driver.copy_to_table(name, source=staging / TABLES / name, columns=columns)
            await driver.execute(f'ALTER TABLE "{name}" ENABLE TRIGGER USER')
        for row in keys:
            await driver.execute(f"ALTER TABLE {row['name']} ADD CONSTRAINT {row['key']} {row['said']}")
        for name, last in manifest.sequences.items():
            await driver.execute("SELECT setval($1::text::regclass, $2)", name, last)
    except asyncpg.PostgresError as error:
        raise BackupBad("the database does not take the rows of this backup", said=str(error)[:200]) from None


@dataclass(slots=True)
class Held:
    """The SQLite file in the place, which nobody else can open; `at` is its tree, None where it has none."""

    connection: sqlite3.Connection | None = None
    at: Checkpoint | None = None


@contextmanager
def held_sqlite(target: Path) -> Iterator[Held]:
    """Keep an SQLite file to ourselves while the block lasts, unchanged. Raises DatabaseInUse."""
    held = Held()
    if target.exists():
        held.connection = sqlite3.connect(target, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            held.connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
            held.connection.execute("BEGIN EXCLUSIVE")
            (row,) = held.connection.execute(_TREE).fetchall() or (None,)
            held.at = _checkpoint(row)
        except (
            sqlite3.DatabaseError
        ) as error:  # damaged, or without our tables: perhaps why there is a restore
            if "locked" in str(error) or "busy" in str(error):
                held.connection.close()
                raise DatabaseInUse("the database is open elsewhere: stop the node first") from None
    try:
        yield held
    finally:
        if held.connection is not None:
            held.connection.close()


def _checkpoint(row: Any) -> Checkpoint | None:
    """The tree that a row tells; None where there is none, or it is damaged."""
    with suppress(TypeError, ValueError):
        origin, size, root = row
        return Checkpoint(str(origin), int(size), bytes.fromhex(root))
    return None


def replace_sqlite(staged: Path, target: Path, held: Held, *, kept: Path) -> None:
    """Put a whole SQLite file, beside its target already, in the place of another, which is kept.

    The old one's write-ahead log is folded into it first: left beside the new one it would be played into it.
    """
    if held.connection is not None:
        with suppress(sqlite3.DatabaseError):  # damaged: it is kept as it is
            if held.connection.in_transaction:
                held.connection.execute("COMMIT")
            held.connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        for ending in ("-wal", "-shm"):
            beside = target.with_name(target.name + ending)
            if beside.exists():
                beside.rename(kept.with_name(kept.name + ending))
        kept.hardlink_to(target)
    staged.replace(target)
    sync_folder(target.parent)
