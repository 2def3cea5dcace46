"""Bring a database to the newest step of the schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from base.db import Database


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def newest() -> str | None:
    """The newest step there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def known() -> frozenset[str]:
    """Every step there is."""
    return frozenset(step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade_on(connection: Connection, *, to: str) -> None:
    """Apply what is missing up to a step, in the transaction of this connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


async def migrate(database: Database, *, to: str = "head") -> None:
    """Apply what is missing, in one transaction. A database that is up to date stays as it is."""

    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: upgrade_on(sync, to=to))


async def current(database: Database) -> str | None:
    """The step a database is at; None when it is empty."""

    def revision(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.engine.connect() as connection:
        return await connection.run_sync(revision)
