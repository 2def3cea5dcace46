"""A witness that is no exchange: one key, one table, four addresses."""

import os

from base.clock import SystemClock
from base.db import Database
from base.settings import Settings
from cli.migrate import SQLITE_FILE, migrated
from cli.running import require_schema
from cli.server import Server, collect_less, server_config
from ledger.errors import PolicyInvalid
from web.main import create_witness
from web.witnessing import desk_of


async def serve_witness(settings: Settings, *, host: str, port: int) -> None:
    """Witness until told to stop. Raises PolicyInvalid where no logs are named."""
    os.umask(0o077)
    if settings.database_url.startswith(SQLITE_FILE):
        await migrated(settings)
    else:
        await require_schema(settings)
    database = Database(settings.database_dsn)
    try:
        desk = desk_of(settings, database, SystemClock())
        if desk is None:
            raise PolicyInvalid("a witness is told its logs: DATABOURSE_WITNESSED_LOGS_FILE")
        app = create_witness(desk, settings)
        collect_less()
        await Server(server_config(app, host=host, port=port)).serve()
    finally:
        await database.dispose()
