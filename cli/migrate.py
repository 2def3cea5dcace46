"""`databourse migrate`: bring a database to the newest schema."""

from pathlib import Path
from typing import Final

import typer

from base.db import Database
from base.settings import Settings
from cli.running import run
from migrations.run import migrate as migrate_database

SQLITE_FILE: Final = "sqlite+aiosqlite:///"


def migrate() -> None:
    """Bring the database to the newest schema."""
    run(migrated)
    typer.echo("the database is up to date")


async def migrated(settings: Settings) -> None:
    """Bring the settings' database to the newest schema; an SQLite file is made where there is none."""
    if settings.database_url.startswith(SQLITE_FILE):
        path = Path(settings.database_url.removeprefix(SQLITE_FILE))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_dsn)
    try:
        await migrate_database(database)
    finally:
        await database.dispose()
