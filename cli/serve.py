"""Running a node: migrate its database, found the exchange, serve it, sequence its log."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from base.clock import Clock, SystemClock
from base.db import Database, WriteSession
from base.settings import Settings
from cli.running import log_plainly, require_schema, run
from cli.server import server_config
from identity.errors import ExchangeFoundedOtherwise
from identity.founding import Operator
from identity.keys import register_key
from identity.passwords import PasswordHash, hash_password
from identity.repository import active_keys, get_organisation, list_people
from identity.service import enrol_person
from identity.uscc import parse_uscc
from ledger.acts import perform
from ledger.recording import Act
from migrations.run import migrate as migrate_database
from web.main import create_app
from web.node import Node, background, found, open_node

_SQLITE_FILE = "sqlite+aiosqlite:///"


def migrate() -> None:
    """Bring the database to the newest schema."""
    run(migrated)
    typer.echo("the database is up to date")


def found_exchange(
    name: Annotated[str, typer.Option(help="The operating institution's name")],
    uscc: Annotated[str, typer.Option(help="Its unified social credit code")],
    login: Annotated[str, typer.Option(help="The operator's first login")],
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            confirmation_prompt=True,
            envvar="DATABOURSE_FOUND_PASSWORD",
            help="Its password; asked for when it is not in the environment",
        ),
    ],
) -> None:
    """Found an exchange in an empty database: its log, its operator, the operator's first person.

    One that was broken off is finished by the same command; a finished one is left as it is.
    """

    async def founding(settings: Settings) -> str:
        hashed = await hash_password(password, login=login)
        await migrated(settings)
        made = await found_with_operator(
            settings, SystemClock(), Operator(name, parse_uscc(uscc)), login=login, hashed=hashed
        )
        if not made:
            return f"{settings.origin} was founded before; nothing was changed"
        return f"{settings.origin} is founded; sign in as {login}"

    typer.echo(run(founding))


async def found_with_operator(
    settings: Settings, clock: Clock, operator: Operator, *, login: str, hashed: PasswordHash
) -> bool:
    """Found the exchange and enrol the operator's first person with a custodial key, as far as it is missing.

    Says whether anything was. Raises ExchangeFoundedOtherwise where another institution operates it.
    """
    database = Database(settings.database_dsn)
    try:
        await found(settings, database, clock, operator)
    finally:
        await database.dispose()
    async with open_node(settings, clock=clock) as node:
        operator_id = node.house.exchange.actor.org_id
        async with node.database.read() as s:
            institution = await get_organisation(s, org_id=operator_id)
            people = await list_people(s, org_id=operator_id)
            keys = await active_keys(s, org_id=operator_id)
        if institution is None or institution.uscc != operator.uscc:
            raise ExchangeFoundedOtherwise("another institution operates this exchange", uscc=operator.uscc)
        if not people:
            await _enrol(node, operator_id, name=operator.name, login=login, hashed=hashed)
        if not keys:
            await custodial_key(node, operator_id)
    return not (people and keys)


async def _enrol(node: Node, org_id: str, *, name: str, login: str, hashed: PasswordHash) -> None:
    async def enrol(s: WriteSession, act: Act) -> None:
        await enrol_person(s, act, org_id=org_id, login=login, name=name, password=hashed)

    act = node.house.exchange_act()
    await perform(node.house, act, enrol, attempted="PERSON.ENROL", object_id=org_id)


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
    log_plainly()
    run(lambda settings: serve_node(settings, host=host, port=port, sequencer=sequencer))


async def serve_node(
    settings: Settings, *, host: str, port: int, sequencer: bool = True, clock: Clock | None = None
) -> None:
    """Serve until told to stop. An SQLite database is brought up to date first."""
    await _ready(settings)
    async with open_node(settings, clock=clock) as node:
        if sequencer:
            await node.publisher.check_head()  # said in a line, before the server would say it in fifty
        app = create_app(node, sequencer=sequencer)
        await uvicorn.Server(server_config(app, host=host, port=port)).serve()


def sequencer() -> None:
    """Sequence the log and run what falls due, without serving anything."""
    log_plainly()
    run(_sequence)


async def _sequence(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    await _ready(settings)
    async with open_node(settings) as node, background(node):
        await stopping.wait()


async def _ready(settings: Settings) -> None:
    if settings.database_url.startswith(_SQLITE_FILE):
        await migrated(settings)
    else:
        await require_schema(settings)  # of several processes none changes the schema unasked


async def migrated(settings: Settings) -> None:
    """Bring the settings' database to the newest schema; an SQLite file is made where there is none."""
    if settings.database_url.startswith(_SQLITE_FILE):
        path = Path(settings.database_url.removeprefix(_SQLITE_FILE))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_dsn)
    try:
        await migrate_database(database)
    finally:
        await database.dispose()
