"""A real node for tests of the doors: founded and open, with its application and people who sign in.

async with serving(folder, clock) as served:
    seller = await served.admit("粤能数科", {"PROVIDER"})
    listing = await served.api(seller, "POST", "/api/v1/listings", {...})

Nothing is mocked but the wire: requests go to the application by ASGI. The standing work runs only when
told (`settle_down`), so that a test sees the same ledger each time.
"""

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

import httpx
import orjson
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from bank.messages import camt054
from bank.messages.entries import Entry
from base.clock import Clock, SimulatedClock
from base.db import Database, WriteSession
from base.ids import Seed
from base.settings import Settings
from base.signing import SigningKey, sign_envelope
from identity.founding import Operator
from identity.keys import register_key
from identity.passwords import PasswordHash, hash_password
from identity.pens import HeldPen
from identity.rules import Role
from identity.service import admit_organisation, enrol_person
from identity.tables import StepUpRow
from ledger.acts import perform
from ledger.recording import Act, Actor
from ledger.statement import PAYLOAD_TYPE
from market.settlement.messages import NOTIFICATION, payload_type
from migrations.run import migrate
from tests.houses import public_text, some_id_number, some_uscc
from tests.postgres import Server
from web.main import create_app
from web.node import Node, background, found, open_node

PASSWORD: Final = "correct horse 电池 staple"
ORIGIN: Final = "http://pages.test"
ESCROW: Final = "CN20ESCROW0000000001"
FEES: Final = "CN21FEES00000000000001"
_hashed: list[PasswordHash] = []
_files: list[bytes] = []
_MIGRATED: Final = "databourse_migrated"


@dataclass(frozen=True)
class Persona:
    """Somebody who signs in for a member; `key` is the private half of a self-held key."""

    org_id: str
    user_id: str
    name: str
    login: str
    roles: frozenset[str]
    key: SigningKey | None = field(default=None, repr=False)


@dataclass
class Served:
    """A node under test, and the ways to it."""

    node: Node
    app: FastAPI
    bank_key: SigningKey = field(repr=False)
    operator: Persona = field(init=False)

    @property
    def clock(self) -> SimulatedClock:
        clock = self.node.clock
        assert isinstance(clock, SimulatedClock)
        return clock

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client without cookies; an error nobody foresaw is answered as it would be, not raised."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, **options)

    async def admit(
        self,
        name: str,
        roles: Iterable[str],
        *,
        login: str | None = None,
        custody: str = "custodial",
        controller_id: str | None = None,
    ) -> Persona:
        """A new member with a registered key, and one person who may do everything for it."""
        house = self.node.house

        async def admitted(s: WriteSession, act: Act) -> Any:
            return await admit_organisation(
                s, act, name=name, uscc=some_uscc(), roles=roles, controller_id=controller_id
            )

        org = await perform(house, house.exchange_act(), admitted, attempted="ORG.ADMIT", object_id=name)
        return await self.equip(org.org_id, name, roles, login=login, custody=custody)

    async def equip(
        self, org_id: str, name: str, roles: Iterable[str], *, login: str | None, custody: str
    ) -> Persona:
        """A person and a key for an organisation."""
        house, login = self.node.house, login or f"user-{secrets.token_hex(4)}"
        password = await some_password()

        async def enrolled(s: WriteSession, act: Act) -> Any:
            mark = self.node.safe.mark(some_id_number())
            said = {"login": login, "name": name, "password": password, "mark": mark}
            return await enrol_person(s, act, org_id=org_id, **said)

        act = house.exchange_act()
        person = await perform(house, act, enrolled, attempted="PERSON.ENROL", object_id=org_id)
        key = SigningKey.generate() if custody == "self-held" else None
        named = frozenset(str(Role(role)) for role in roles)
        pen = house.exchange.pen if key is None else HeldPen(key)

        async def registered(s: WriteSession, act: Act) -> Any:
            return await register_key(
                s,
                act,
                safe=self.node.safe,
                org_id=org_id,
                custody=custody,
                public_key=None if key is None else public_text(key),
            )

        act = house.act(Actor(org_id, named), min(named), pen)
        await perform(house, act, registered, attempted="KEY.REGISTER", object_id=org_id)
        return Persona(org_id, person.user_id, name, login, named, key)

    async def colleague(self, persona: Persona, login: str) -> Persona:
        """Another person of the same organisation, who signs with the same key."""
        house, password = self.node.house, await some_password()

        async def enrolled(s: WriteSession, act: Act) -> Any:
            mark = self.node.safe.mark(some_id_number())
            said = {"login": login, "name": login, "password": password, "mark": mark}
            return await enrol_person(s, act, org_id=persona.org_id, **said)

        about = {"attempted": "PERSON.ENROL", "object_id": persona.org_id}
        person = await perform(house, house.exchange_act(), enrolled, **about)
        return replace(persona, user_id=person.user_id, name=login, login=login)

    def token(self, persona: Persona) -> str:
        """An access token, as signing in would give it now."""
        issued = self.node.tokens.issue(
            user_id=persona.user_id, org_id=persona.org_id, roles=[Role(role) for role in persona.roles]
        )
        return issued.access_token

    async def prove(self, persona: Persona) -> None:
        """A fresh proof of the person, as the step-up would leave it."""
        now = self.node.clock.now()
        row = StepUpRow(step_up_id=Seed().new_id("stp", now), user_id=persona.user_id, proved_at=now)
        async with self.node.database.write() as s:
            s.add(row)

    async def api(
        self,
        persona: Persona,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str | None = None,
        expect: int | None = None,
    ) -> Any:
        """Call the API as somebody: proved where a custodial key asks for it, signed where a key is held.

        Answers the JSON; a status of 400 and above fails the test unless it is the one expected.
        """
        headers = {"authorization": f"Bearer {self.token(persona)}", "idempotency-key": secrets.token_hex(8)}
        if role is not None:
            headers["databourse-role"] = role
        if method != "GET" and persona.key is None:
            await self.prove(persona)
        async with self.client(headers=headers) as client:
            answer = await client.request(method, f"/api/v1{path}", json=body)
            if answer.status_code == httpx.codes.ACCEPTED and persona.key is not None:
                prepared = answer.json()
                envelope = sign_envelope(PAYLOAD_TYPE, payload_of(prepared), persona.key)
                client.headers["idempotency-key"] = secrets.token_hex(8)
                answer = await client.post(
                    f"/api/v1/prepared/{prepared['prepared_id']}/submit", json=envelope.document()
                )
        if expect is not None:
            assert answer.status_code == expect, answer.text
        else:
            assert answer.status_code < httpx.codes.BAD_REQUEST, answer.text
        return answer.json() if answer.content else None

    async def bank_says(self, *entries: Entry) -> dict[str, Any]:
        """The bank's signed camt.054 arrives."""
        now = self.node.clock.now()
        message_id = Seed().new_id("msg", now)
        xml = camt054.notification(message_id=message_id, at=now, escrow=ESCROW, entries=entries)
        envelope = sign_envelope(payload_type(NOTIFICATION), xml, self.bank_key)
        async with self.client() as client:
            answer = await client.post(
                "/api/v1/bank/notifications", content=orjson.dumps(envelope.document())
            )
        assert answer.status_code == httpx.codes.OK, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def settle_down(self) -> None:
        """Seal what is queued and publish it."""
        await self.node.seal()
        await self.node.publish()


def payload_of(prepared: dict[str, Any]) -> bytes:
    """The bytes that a prepared act asks to be signed."""
    import base64

    return base64.b64decode(prepared["payload"])


async def some_password() -> PasswordHash:
    """The password of everybody, hashed once in a test run."""
    if not _hashed:
        _hashed.append(await hash_password(PASSWORD, login="nobody-in-particular"))
    return _hashed[0]


def settings_in(folder: Path, bank_key: SigningKey, **more: Any) -> Settings:
    """Settings of a node that keeps everything in a folder."""
    return Settings(
        **{
            "database_url": f"sqlite+aiosqlite:///{folder / 'databourse.db'}",
            "data_dir": folder,
            "origin": "exchange.example/test",
            "public_url": ORIGIN,
            "bank_key": public_text(bank_key),
            "escrow_account": ESCROW,
            "fee_account": FEES,
            **more,
        }
    )


def kept_bank_key(folder: Path) -> SigningKey:
    """The bank's key of a folder, made on first use."""
    path = folder / "bank-for-tests.key"
    if not path.exists():
        path.write_bytes(secrets.token_bytes(32))
    return SigningKey.from_bytes(path.read_bytes())


async def _migrated() -> bytes:
    """A SQLite file that all steps of the schema have made, once in this process: they take a second."""
    if not _files:
        with TemporaryDirectory(prefix="databourse-migrated-") as folder:
            path = Path(folder) / "migrated.db"
            database = Database(f"sqlite+aiosqlite:///{path}")
            try:
                await migrate(database)
            finally:
                await database.dispose()  # the last connection folds the write-ahead log into the file
            _files.append(path.read_bytes())
    return _files[0]


async def migrated_on(server: Server, name: str) -> str:
    """Create a database that all steps of the schema have made; answers its URL. They run once a server."""
    if _MIGRATED not in server.templates:
        await server.drop(_MIGRATED)
        database = Database(await server.create(_MIGRATED))
        try:
            await migrate(database)
        finally:
            await database.dispose()
        server.templates.add(_MIGRATED)
    return await server.create(name, template=_MIGRATED)


async def lay_foundations(folder: Path, clock: Clock, **more: Any) -> None:
    """An empty database with every table, and the exchange founded in it."""
    settings = settings_in(folder, kept_bank_key(folder), **more)
    if "database_url" not in more:
        (folder / "databourse.db").write_bytes(await _migrated())
    database = Database(settings.database_dsn)
    try:
        await migrate(database)  # of what is up to date: a glance
        await found(settings, database, clock, Operator("广州数据交易所(测试)", some_uscc()))
    finally:
        await database.dispose()


_INCLUDED: Final[list[list[BaseRoute]]] = []


def application(node: Node) -> FastAPI:
    """The node's application, without a sequencer.

    The routers that it includes are the same for every node, and to work out their routes takes longer than
    a test: all applications of this process share what the first made of them.
    """
    numbers = count()
    included_really = FastAPI.include_router

    def include(app: FastAPI, router: APIRouter, **how: Any) -> None:
        number = next(numbers)
        if number == len(_INCLUDED):
            before = len(app.router.routes)
            included_really(app, router, **how)
            _INCLUDED.append(app.router.routes[before:])
        else:
            app.router.routes.extend(_INCLUDED[number])

    with patch.object(FastAPI, "include_router", include):
        return create_app(node, sequencer=False)


@asynccontextmanager
async def opened(folder: Path, clock: Clock, **more: Any) -> AsyncIterator[Served]:
    """The node of a folder, open, with its application; no sequencer, no scheduler."""
    bank_key = kept_bank_key(folder)
    async with open_node(settings_in(folder, bank_key, **more), clock=clock) as node:
        app = application(node)
        app.state.working.patience_s = 60.0  # how fast this machine is, is no part of a test
        async with background(node, sequencer=False):
            yield Served(node, app, bank_key)


@asynccontextmanager
async def serving(folder: Path, clock: Clock, **more: Any) -> AsyncIterator[Served]:
    """A newly founded node, open, with an operator who signs in by `operator`."""
    await lay_foundations(folder, clock, **more)
    async with opened(folder, clock, **more) as served:
        org_id = served.node.house.exchange.actor.org_id
        served.operator = await served.equip(
            org_id, "交易所运营", {"EXCHANGE_OPERATOR"}, login="operator", custody="custodial"
        )
        yield served
