"""`databourse found` and `databourse enrol`: a log, its operator, and the operator's first people."""

from typing import Annotated

import typer

from base.clock import Clock, SystemClock
from base.db import Database, WriteSession
from base.settings import Settings
from cli.migrate import migrated
from cli.running import run
from identity.errors import ExchangeFoundedOtherwise
from identity.founding import Operator
from identity.keys import register_key
from identity.passwords import PasswordHash, hash_password
from identity.repository import active_keys, get_organisation, list_people
from identity.service import enrol_person
from identity.uscc import parse_uscc
from ledger.acts import perform
from ledger.recording import Act
from web.node import Node, found, open_node


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


def enrol_officer(
    name: Annotated[str, typer.Option(help="The person's name")],
    login: Annotated[str, typer.Option(help="The person's login")],
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            confirmation_prompt=True,
            envvar="DATABOURSE_ENROL_PASSWORD",
            help="Its password; asked for when it is not in the environment",
        ),
    ],
) -> None:
    """Enrol one more person of the operator on this machine's word, not on that of the first.

    Two logins that one person alone has made do not decide together: a second officer who rests on nobody's
    word confirms whose the logins are that the first has enrolled.
    """

    async def enrolling(settings: Settings) -> str:
        hashed = await hash_password(password, login=login)
        async with open_node(settings, clock=SystemClock()) as node:
            await enrol_here(node, node.house.exchange.actor.org_id, name=name, login=login, hashed=hashed)
        return f"{login} is enrolled"

    typer.echo(run(enrolling))


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
            await enrol_here(node, operator_id, name=operator.name, login=login, hashed=hashed)
        if not keys:
            await custodial_key(node, operator_id)
    return not (people and keys)


async def enrol_here(node: Node, org_id: str, *, name: str, login: str, hashed: PasswordHash) -> None:
    """Enrol a person on the house's own word."""

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
