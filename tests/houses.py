"""A founded exchange with an operator, and members on demand: what tests of acts begin with.

house = await make_house(database, clock)
seller = await house.admit("粤能数科", {"PROVIDER"})
listing = await seller.do(draft_listing, role="PROVIDER", title=...)
"""

import base64
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final, TypeVar

from base.clock import Clock
from base.db import Database, WriteSession
from base.signing import SigningKey
from identity.founding import Operator, found_exchange
from identity.keys import register_key
from identity.natural import check_digit
from identity.pens import CustodialPen, HeldPen
from identity.repository import Organisation, RegisteredKey, get_organisation
from identity.rules import Custody
from identity.safe import Safe
from identity.service import admit_organisation
from identity.tables import PersonRow
from identity.uscc import check_character
from ledger.acts import House, perform
from ledger.checkpoint import NoteSigner
from ledger.recording import Act, Actor, Pen

ORIGIN: Final = "exchange.example/test"
_numbers = count(1)

Result = TypeVar("Result")


def some_uscc(number: int | None = None, *, region: str = "440100") -> str:
    """A valid credit code of an enterprise; the next unused one without a number."""
    body = f"91{region}MA{next(_numbers) if number is None else number:07d}"
    return body + check_character(body)


class AlwaysProved:
    """The person behind a custodial key has just proved himself or herself."""

    async def spend(self, s: WriteSession, actor: Actor, event: str) -> None:
        """Nothing to do."""


@dataclass(frozen=True)
class Party:
    """A member that acts: its key is registered, and `key` is the private half where it is self-held."""

    house: House
    organisation: Organisation
    registered: RegisteredKey
    pen: Pen
    key: SigningKey | None = field(repr=False)

    @property
    def org_id(self) -> str:
        return self.organisation.org_id

    @property
    def actor(self) -> Actor:
        return Actor(self.org_id, frozenset(role.value for role in self.organisation.roles))

    def act(self, role: str | None = None) -> Act:
        """An act that begins now, in a role (needed where the party has several)."""
        if role is None:
            (only,) = self.actor.roles
            role = only
        return self.house.act(self.actor, role, self.pen)

    async def do(
        self,
        verb: Callable[..., Awaitable[Result]],
        *,
        role: str | None = None,
        attempted: str | None = None,
        object_id: str | None = None,
        **facts: Any,
    ) -> Result:
        """Perform a verb as this party: its own transaction, its refusal recorded and raised."""

        async def bound(s: WriteSession, act: Act) -> Result:
            return await verb(s, act, **facts)

        return await perform(
            self.house,
            self.act(role),
            bound,
            attempted=attempted or verb.__name__,
            object_id=object_id or self.org_id,
        )


@dataclass
class TestHouse:
    """The exchange under test. `operator` acts with a key of its own, as its staff would."""

    __test__ = False  # not a class of tests

    house: House
    safe: Safe
    exchange_key: SigningKey = field(repr=False)
    log_key: NoteSigner = field(repr=False)
    operator: Party = field(init=False)

    @property
    def database(self) -> Database:
        return self.house.database

    @property
    def clock(self) -> Clock:
        return self.house.clock

    async def admit(
        self,
        name: str,
        roles: Iterable[str],
        custody: str = "self-held",
        *,
        uscc: str | None = None,
        controller_id: str | None = None,
        is_ciio: bool = False,
    ) -> Party:
        """A new member with a registered key."""

        async def bound(s: WriteSession, act: Act) -> Organisation:
            return await admit_organisation(
                s,
                act,
                name=name,
                uscc=uscc or some_uscc(),
                roles=roles,
                controller_id=controller_id,
                is_ciio=is_ciio,
            )

        act = self.house.exchange_act()
        organisation = await perform(self.house, act, bound, attempted="ORG.ADMIT", object_id=name)
        return await self.equip(organisation, custody)

    async def equip(self, organisation: Organisation, custody: str = "self-held") -> Party:
        """Register a first key for an organisation, and answer the party that acts with it."""
        key = SigningKey.generate() if custody == Custody.SELF_HELD else None
        names = frozenset(role.value for role in organisation.roles)
        actor = Actor(organisation.org_id, names)
        role = min(names)
        pen: Pen = self.house.exchange.pen if key is None else HeldPen(key)

        async def bound(s: WriteSession, act: Act) -> RegisteredKey:
            return await register_key(
                s,
                act,
                safe=self.safe,
                org_id=organisation.org_id,
                custody=custody,
                public_key=None if key is None else public_text(key),
            )

        act = self.house.act(actor, role, pen)
        registered = await perform(
            self.house, act, bound, attempted="KEY.REGISTER", object_id=organisation.org_id
        )
        if key is None:
            pen = CustodialPen(registered.keyid, self.safe, AlwaysProved())
        return Party(self.house, organisation, registered, pen, key)


async def make_house(database: Database, clock: Clock) -> TestHouse:
    """Found an exchange in an empty database and give its operator a key."""
    exchange_key = SigningKey.generate()
    log_key = NoteSigner(ORIGIN, SigningKey.generate())
    operator = Operator(name="广州数据交易所(测试)", uscc=some_uscc())
    async with database.write() as s:
        exchange = await found_exchange(
            s,
            key=exchange_key,
            clock=clock,
            origin=ORIGIN,
            vkey=str(log_key.vkey),
            operator=operator,
        )
    house = TestHouse(House(database, clock, exchange), Safe.generate(), exchange_key, log_key)
    async with database.read() as s:
        organisation = await get_organisation(s, org_id=exchange.actor.org_id)
    assert organisation is not None
    house.operator = await house.equip(organisation)
    async with database.write() as s:
        s.add_all(officer(organisation.org_id, number, clock) for number in range(1, 7))
    return house


_people = count(1)


def some_id_number() -> str:
    """A valid identity number of nobody, each another."""
    body = f"44010019900101{next(_people):03d}"
    return body + check_digit(body)


def officer(org_id: str, number: int, clock: Clock) -> PersonRow:
    """One of the exchange's officers, `usr_1` to `usr_6`: it is on record who they are, no two the same."""
    return PersonRow(
        user_id=f"usr_{number}",
        org_id=org_id,
        login=f"officer-{number}",
        name=f"第{number}位审核员",
        mark=f"{number:064x}",
        password_hash="$argon2id$of-no-use",
        roles='["EXCHANGE_OPERATOR"]',
        enrolled_at=clock.now(),
    )


def moved(house: TestHouse, database: Database, clock: Clock) -> TestHouse:
    """The same house on a copy of its database."""
    there = TestHouse(
        House(database, clock, house.house.exchange), house.safe, house.exchange_key, house.log_key
    )
    there.operator = replace(house.operator, house=there.house)
    return there


def public_text(key: SigningKey) -> str:
    """A public key as it is written: base64 of 32 raw bytes."""
    return base64.b64encode(key.public).decode()
