"""The demo's world: a node in a folder of its own, the bank as a process beside it, and its members."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import uvicorn

from base.clock import SimulatedClock, rfc3339
from base.db import Database, WriteSession
from base.settings import Settings
from base.signing import SigningKey
from cli.migrate import migrated
from identity.founding import Operator
from identity.keys import register_key
from identity.natural import check_digit
from identity.passwords import hash_password
from identity.pens import CustodialPen, HeldPen
from identity.service import admit_organisation, enrol_person
from identity.uscc import check_character
from ledger.acts import perform
from ledger.recording import Act, Actor, Pen
from market.settlement.payees import set_payee_account
from web.main import create_app
from web.node import Node, found, load_keys, open_node

PASSWORD: Final = "seven-quiet-harbours"  # noqa: S105 - printed for everybody to sign in with
OPERATOR: Final = "广州数据交易所演示有限公司"
_REGION: Final = "440100"
_READY_S: Final = 30
_START_S: Final = 0.05
Result = TypeVar("Result")


class Proved:
    """The demo's persons stand beside their custodial keys."""

    async def spend(self, s: WriteSession, actor: Actor, event: str) -> None:
        """Nothing to ask."""


@dataclass
class Member:
    """An organisation of the demo: how it acts, and how its person signs in."""

    world: "World"
    name: str
    org_id: str
    roles: frozenset[str]
    pen: Pen
    key: SigningKey | None = field(default=None, repr=False)
    login: str | None = None
    people: list[str] = field(default_factory=list)
    colleagues: list[str] = field(default_factory=list)  # the logins of its further people
    account: str = ""
    account_token: str = field(default="", repr=False)

    def act(self, role: str, *, person: int | None = None) -> Act:
        """An act of this member that begins now; by one of its people, where it has to be somebody."""
        user_id = None if person is None else self.people[person]
        return self.world.node.house.act(Actor(self.org_id, self.roles, user_id), role, self.pen)

    async def do(
        self,
        verb: Callable[..., Awaitable[Result]],
        role: str,
        *,
        about: str,
        attempted: str,
        person: int | None = None,
        **facts: Any,
    ) -> Result:
        """Perform a verb as this member, in its own transaction."""

        async def bound(s: WriteSession, act: Act) -> Result:
            return await verb(s, act, **facts)

        act = self.act(role, person=person)
        return await perform(self.world.node.house, act, bound, attempted=attempted, object_id=about)


@dataclass
class Bank:
    """The bank's process and its doors."""

    process: asyncio.subprocess.Process
    url: str
    control_token: str = field(repr=False)
    escrow_account: str
    http: httpx.AsyncClient

    async def open_account(self, holder: str, opening_minor: int) -> tuple[str, str]:
        """A new account and its token."""
        answer = await self.http.post("/accounts", json={"holder": holder, "opening_minor": opening_minor})
        opened = answer.raise_for_status().json()
        return opened["account"], opened["token"]

    async def pay(
        self, payer: Member, *, amount_minor: int, reference: str, again: int = 0
    ) -> dict[str, Any]:
        """A buyer's transfer into escrow; `again` tells a further attempt from a repeated one."""
        answer = await self.http.post(
            "/transfers",
            json={
                "from_account": payer.account,
                "to": "escrow",
                "amount_minor": amount_minor,
                "reference": reference,
                "end_to_end_id": f"{reference}/F{again or ''}",
            },
            headers={"authorization": f"Bearer {payer.account_token}"},
        )
        paid: dict[str, Any] = answer.raise_for_status().json()
        return paid

    async def control(self, path: str, document: dict[str, Any] | None = None) -> None:
        """One of the simulator's levers: clock, faults, flush."""
        headers = {"authorization": f"Bearer {self.control_token}"}
        answer = await self.http.post(f"/control/{path}", json=document or {}, headers=headers, timeout=120)
        answer.raise_for_status()


@dataclass
class World:
    """Everything the demo plays in."""

    node: Node
    clock: SimulatedClock
    bank: Bank
    url: str
    folder: Path
    members: dict[str, Member] = field(default_factory=dict)
    serial: int = 0
    persons: int = 0

    async def admit(
        self,
        name: str,
        *roles: str,
        login: str | None = None,
        custodial: bool = False,
        controller: str | None = None,
        money_minor: int | None = None,
    ) -> Member:
        """A new member with a registered key, a bank account where it needs one, and a sign-in if asked."""
        self.serial += 1
        body = f"91{_REGION}MA{self.serial:07d}"
        exchange = self.node.house.exchange
        operator = Member(self, OPERATOR, exchange.actor.org_id, exchange.actor.roles, exchange.pen)
        admitted = await operator.do(
            admit_organisation,
            "EXCHANGE_OPERATOR",
            about=name,
            attempted="ORG.ADMIT",
            name=name,
            uscc=body + check_character(body),
            roles=list(roles),
            controller_id=controller,
        )
        member = Member(self, name, admitted.org_id, frozenset(roles), exchange.pen, login=login)
        await self._equip(operator, member, custodial=custodial)
        if login is not None:
            await self.enrol(member, login)
        if money_minor is not None:
            member.account, member.account_token = await self.bank.open_account(name, money_minor)
            await member.do(
                set_payee_account,
                min(roles),
                about=member.org_id,
                attempted="PAY.ACCOUNT",
                account=member.account,
                holder=name,
            )
        self.members[name] = member
        return member

    async def enrol(self, member: Member, login: str) -> None:
        """One more person of a member, on the house's own word, of whom it is on record who it is."""
        exchange = self.node.house.exchange
        operator = Member(self, OPERATOR, exchange.actor.org_id, exchange.actor.roles, exchange.pen)
        self.persons += 1
        person = await operator.do(
            enrol_person,
            "EXCHANGE_OPERATOR",
            about=member.org_id,
            attempted="PERSON.ENROL",
            org_id=member.org_id,
            login=login,
            name=f"{member.name} {len(member.people) + 1}" if member.people else member.name,
            password=await hash_password(PASSWORD, login=login),
            mark=self.node.safe.mark(_id_number(self.persons)),
        )
        member.people.append(person.user_id)
        member.colleagues.append(login)

    async def _equip(self, operator: Member, member: Member, *, custodial: bool) -> None:
        """A first key, vouched for by the exchange: kept by the member, or for it."""
        key = None if custodial else SigningKey.generate()
        pen: Pen = operator.pen if key is None else HeldPen(key)
        applicant = Member(self, member.name, member.org_id, member.roles, pen)
        public = None if key is None else base64.b64encode(key.public).decode()
        registered = await applicant.do(
            register_key,
            min(member.roles),
            about=member.org_id,
            attempted="KEY.REGISTER",
            safe=self.node.safe,
            org_id=member.org_id,
            custody="custodial" if custodial else "self-held",
            public_key=public,
        )
        member.key = key
        member.pen = CustodialPen(registered.keyid, self.node.safe, Proved()) if key is None else pen

    async def enrol_operator(self) -> None:
        """The operator's person, with a custodial key to review and to answer work items with."""
        operator = self.members["operator"]
        await operator.do(
            enrol_person,
            "EXCHANGE_OPERATOR",
            about=operator.org_id,
            attempted="PERSON.ENROL",
            org_id=operator.org_id,
            login="operator",
            name=OPERATOR,
            password=await hash_password(PASSWORD, login="operator"),
        )
        operator.login = "operator"
        await operator.do(
            register_key,
            "EXCHANGE_OPERATOR",
            about=operator.org_id,
            attempted="KEY.REGISTER",
            safe=self.node.safe,
            org_id=operator.org_id,
            custody="custodial",
        )

    async def move_to(self, at: datetime) -> None:
        """Let time pass, for the exchange and for the bank."""
        self.clock.move_to(at)
        await self.bank.control("clock", {"at": rfc3339(self.clock.now())})

    async def work(self) -> None:
        """Let what is due happen: jobs, the bank's answers, and what follows from them."""
        while await self.node.run_jobs():
            await self.bank.control("flush")


@asynccontextmanager
async def open_world(folder: Path, start: datetime, *, port: int) -> AsyncIterator[World]:
    """Found an exchange in an empty folder, start its bank and serve it on loopback."""
    clock = SimulatedClock(start)
    plain = Settings(
        database_url=f"sqlite+aiosqlite:///{folder}/databourse.db",
        data_dir=folder,
        origin="demo.databourse.example/log",
        clock="simulated",
        public_url=f"http://127.0.0.1:{port}",
        token_ttl_s=86_400,
    )
    await migrated(plain)
    database = Database(plain.database_dsn)
    operator = Operator(OPERATOR, f"91{_REGION}MA0000000" + check_character(f"91{_REGION}MA0000000"))
    await found(plain, database, clock, operator)
    await database.dispose()
    exchange_key = base64.b64encode(load_keys(plain).exchange.public).decode()
    async with _bank(folder / "bank", exchange_url=plain.public_url, exchange_key=exchange_key) as (
        bank,
        said,
    ):
        settings = plain.model_copy(
            update={
                "bank_url": bank.url,
                "bank_key": said["public_key"],
                "escrow_account": said["escrow_account"],
                "fee_account": said["fee_account"],
            }
        )
        async with open_node(settings, clock=clock) as node, _server(node, port) as url:
            yield World(node, clock, bank, url, folder)


@asynccontextmanager
async def _bank(
    folder: Path, *, exchange_url: str, exchange_key: str
) -> AsyncIterator[tuple[Bank, dict[str, str]]]:
    command = [sys.executable, "-m", "bank", "--port", "0", "--data", str(folder), "--control"]
    command += ["--exchange-url", exchange_url, "--exchange-key", exchange_key, "--clock", "simulated"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=dict(os.environ)
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _READY_S)
        said = json.loads(line)
        token = (folder / "control.token").read_text().strip()
        async with httpx.AsyncClient(base_url=said["url"], timeout=30) as http:
            yield Bank(process, said["url"], token, said["escrow_account"], http), said
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def _server(node: Node, port: int) -> AsyncIterator[str]:
    """Serve the node on loopback while the block lasts."""
    config = uvicorn.Config(
        create_app(node, sequencer=False), host="127.0.0.1", port=port, log_level="warning"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(_START_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


def _id_number(serial: int) -> str:
    """A well-formed identity number of nobody, each another."""
    body = f"44010019900101{serial:03d}"
    return body + check_digit(body)
