"""What Alembic runs: on a connection that is handed in, or on the database of the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

from base.db import Database
from base.settings import Settings
from migrations.models import import_tables

import_tables()


def on_connection(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def on_settings() -> None:
    database = Database(Settings().database_dsn)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(on_connection)
    finally:
        await database.dispose()


handed_in = context.config.attributes.get("connection")
if handed_in is None:
    asyncio.run(on_settings())
else:
    on_connection(handed_in)
