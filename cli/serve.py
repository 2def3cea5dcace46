"""Running a node: serve it, sequence its log."""

import asyncio
import signal
from typing import Annotated

import typer

from base.clock import Clock
from base.settings import Settings
from cli.migrate import SQLITE_FILE, migrated
from cli.running import log_plainly, require_schema, run
from cli.server import Server, collect_less, give_back, server_config
from ledger.errors import LogForked
from web.main import create_app
from web.node import background, open_node
from web.reading import LogBehind


def serve(
    host: Annotated[str, typer.Option(help="The address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at")] = 8000,
    *,
    sequencer: Annotated[
        bool, typer.Option(help="Also sequence the log and run what falls due, in this process")
    ] = True,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show what is public, and take nothing: also of an old backup")
    ] = False,
) -> None:
    """Serve the API and the pages."""
    log_plainly()
    give_back()
    run(lambda settings: serve_node(settings, host=host, port=port, sequencer=sequencer, read_only=read_only))


async def serve_node(
    settings: Settings,
    *,
    host: str,
    port: int,
    sequencer: bool = True,
    read_only: bool = False,
    clock: Clock | None = None,
) -> None:
    """Serve until told to stop. An SQLite database is brought up to date first.

    Raises LogForked where the database is behind the published log, unless it is to be read alone.
    """
    await _ready(settings)
    if read_only:
        await _say_whether_behind(settings, clock)
    async with open_node(settings, clock=clock, reading=read_only) as node:
        if not read_only:
            await node.publisher.check_head()  # said in a line, before the server would say it in fifty
            await node.files.check_home()
        app = create_app(node, sequencer=sequencer, reading=read_only)
        collect_less()
        await Server(server_config(app, host=host, port=port)).serve()


async def _say_whether_behind(settings: Settings, clock: Clock | None) -> None:
    async with open_node(settings, clock=clock) as node:
        try:
            await node.publisher.check_head()
        except LogForked as fork:
            typer.echo(f"{LogBehind.code}: {fork.detail}; every write is refused", err=True)
        else:
            typer.echo("read-only: every write is refused", err=True)


def sequencer() -> None:
    """Sequence the log and run what falls due, without serving anything."""
    log_plainly()
    give_back()
    run(_sequence)


async def _sequence(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    await _ready(settings)
    async with open_node(settings) as node, background(node):
        collect_less()
        await stopping.wait()


async def _ready(settings: Settings) -> None:
    if settings.database_url.startswith(SQLITE_FILE):
        await migrated(settings)
    else:
        await require_schema(settings)  # of several processes none changes the schema unasked
