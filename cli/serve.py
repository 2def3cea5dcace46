"""Running a node: migrate its database, found the exchange, serve it, sequence its log."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from base.clock import Clock, SystemClock
from base.db import Database, WriteSession
from base.errors import DomainError
from base.settings import Settings
from identity.founding import Operator
from identity.keys import register_key
from identity.passwords import hash_password
from identity.service import enrol_person
from ledger.acts import perform
from ledger.recording import Act
from migrations.run import migrate as migrate_database
from web.main import create_app
from web.node import Node, background, found, open_node

UNUSABLE: Final = 2
_GRACE_S: Final = 10


def migrate() -> None:
    """Bring the database to the newest schema."""
    asyncio.run(migrated(Settings()))
    typer.echo("the database is up to date")


def found_exchange(
    name: Annotated[str, typer.Option(help="The operating institution's name")],
    uscc: Annotated[str, typer.Option(help="Its unified social credit code")],
    login: Annotated[str, typer.Option(help="The operator's first login")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Its password")
    ],
) -> None:
    """Found an exchange in an empty database: its log, its operator, the operator's first person."""
    settings = Settings()

    async def founding() -> None:
        await migrated(settings)
        await found_with_operator(
            settings, SystemClock(), Operator(name, uscc), login=login, password=password
        )

    _run(founding())
    typer.echo(f"{settings.origin} is founded; sign in as {login}")


async def found_with_operator(
    settings: Settings, clock: Clock, operator: Operator, *, login: str, password: str
) -> None:
    """Found the exchange and enrol the operator's first person with a custodial key. Not repeatable."""
    hashed = await hash_password(password, login=login)
    database = Database(settings.database_dsn)
    try:
        await found(settings, database, clock, operator)
    finally:
        await database.dispose()
    async with open_node(settings, clock=clock) as node:
        operator_id = node.house.exchange.actor.org_id

        async def enrol(s: WriteSession, act: Act) -> None:
            await enrol_person(s, act, org_id=operator_id, login=login, name=operator.name, password=hashed)

        act = node.house.exchange_act()
        await perform(node.house, act, enrol, attempted="PERSON.ENROL", object_id=operator_id)
        await custodial_key(node, operator_id)


async def custodial_key(node: Node, org_id: str) -> None:
    """Register a custodial key for an organisation, as the exchange."""

    async def register(s: WriteSession, act: Act) -> None:
        await register_key(s, act, safe=node.safe, org_id=org_id, custody="custodial")

    act = node.house.exchange_act()
    await perform(node.house, act, register, attempted="KEY.REGISTER", object_id=org_id)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at")] = 8000,
    *,
    sequencer: Annotated[
        bool, typer.Option(help="Also sequence the log and run what falls due, in this process")
    ] = True,
) -> None:
    """Serve the API and the pages."""
    _run(serve_node(Settings(), host=host, port=port, sequencer=sequencer))


async def serve_node(
    settings: Settings, *, host: str, port: int, sequencer: bool = True, clock: Clock | None = None
) -> None:
    """Serve until told to stop. An SQLite database is brought up to date first."""
    if settings.database_url.startswith("sqlite"):
        await migrated(settings)
    async with open_node(settings, clock=clock) as node:
        config = uvicorn.Config(
            create_app(node, sequencer=sequencer),
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        await uvicorn.Server(config).serve()


def sequencer() -> None:
    """Sequence the log and run what falls due, without serving anything."""
    _run(_sequence(Settings()))


async def _sequence(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    async with open_node(settings) as node, background(node):
        await stopping.wait()


async def migrated(settings: Settings) -> None:
    """Bring the settings' database to the newest schema; an SQLite file is made where there is none."""
    if settings.database_url.startswith("sqlite+aiosqlite:///"):
        path = Path(settings.database_url.removeprefix("sqlite+aiosqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_dsn)
    try:
        await migrate_database(database)
    finally:
        await database.dispose()


def _run(work: object) -> None:
    try:
        asyncio.run(work)  # type: ignore[arg-type]  # a coroutine of this file
    except DomainError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(UNUSABLE) from None
