"""An exchange over real HTTP beside a real bank process: what the whole way of a trade needs."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn

from base.clock import SimulatedClock, rfc3339
from base.settings import Settings
from base.signing import SigningKey
from cli.found import found_with_operator
from cli.migrate import migrated
from cli.server import server_config
from identity.founding import Operator
from tests.bank.process import BankProcess, start_bank
from tests.houses import public_text, some_id_number, some_uscc
from tests.web.api.desk import Desk
from tests.web.nodes import application, some_password
from web.node import Node, load_keys, open_node

_LOWEST: Final = 12_000
_HIGHEST: Final = 32_000
_ports: Final = count(os.getpid() * 97)


@dataclass
class Live:
    """A node that is served, its bank, and the desks of its people."""

    node: Node
    clock: SimulatedClock
    bank: BankProcess
    http: httpx.AsyncClient
    folder: Path
    desks: dict[str, Desk] = field(default_factory=dict)
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def operator(self) -> Desk:
        return self.desks["operator"]

    async def admit(
        self, name: str, *roles: str, self_held: bool = True, money_minor: int | None = None
    ) -> Desk:
        """A member admitted by the operator through the API, with a person, a key, an account."""
        admitted = await self.operator.act(
            "/organisations", {"name": name, "uscc": some_uscc(), "roles": list(roles)}
        )
        desk = Desk(self.http, f"person-{len(self.desks)}", admitted["org_id"])
        await self.operator.act(
            f"/organisations/{desk.org_id}/people",
            {"login": desk.login, "name": name, "password": desk.password, "id_number": some_id_number()},
        )
        await desk.sign_in()
        if self_held:
            await desk.take_up_key(SigningKey.generate())
        else:
            await desk.act("/keys", {"org_id": desk.org_id, "custody": "custodial"})
        if money_minor is not None:
            opened = await asyncio.to_thread(self._open_account, name, money_minor)
            self.accounts[desk.login] = opened
            await desk.act("/payee-account", {"account": opened["account"], "holder": name}, method="PUT")
        self.desks[name] = desk
        return desk

    def _open_account(self, holder: str, opening_minor: int) -> dict[str, str]:
        answer = httpx.post(
            f"{self.bank.base_url}/accounts",
            json={"holder": holder, "opening_minor": opening_minor},
            trust_env=False,
        )
        opened: dict[str, str] = answer.raise_for_status().json()
        return opened

    async def pay(self, payer: Desk, *, amount_minor: int, reference: str, name: str) -> dict[str, Any]:
        """A transfer into escrow at the bank; answers what became of it."""
        account = self.accounts[payer.login]
        async with httpx.AsyncClient(base_url=self.bank.base_url, trust_env=False, timeout=30) as bank:
            answer = await bank.post(
                "/transfers",
                json={
                    "from_account": account["account"],
                    "to": "escrow",
                    "amount_minor": amount_minor,
                    "reference": reference,
                    "end_to_end_id": name,
                },
                headers={"authorization": f"Bearer {account['token']}"},
            )
        told: dict[str, Any] = answer.raise_for_status().json()
        return told

    async def move_to(self, at: datetime) -> None:
        """Let time pass, here and at the bank; everybody signs in anew."""
        self.clock.move_to(at)
        await asyncio.to_thread(self.bank.control, "POST", "clock", {"at": rfc3339(self.clock.now())})
        for desk in self.desks.values():
            await desk.sign_in()

    async def work(self) -> None:
        """Everything that is due happens, and what the bank answers to it."""
        while await self.node.run_jobs():
            await asyncio.to_thread(self.bank.control, "POST", "flush")


@asynccontextmanager
async def live(folder: Path, start: datetime, **more: Any) -> AsyncIterator[Live]:
    """Found an exchange by the command line's own code, start its bank, serve it on loopback."""
    port = free_port()
    clock = SimulatedClock(start)
    plain = Settings(
        **{
            "database_url": f"sqlite+aiosqlite:///{folder / 'databourse.db'}",
            "data_dir": folder,
            "origin": "live.example/log",
            "public_url": f"http://127.0.0.1:{port}",
            **more,
        }
    )
    await migrated(plain)
    operator = Operator("广州数据交易所(测试)", some_uscc())
    await found_with_operator(plain, clock, operator, login="operator", hashed=await some_password())
    exchange_key = public_text(load_keys(plain).exchange)
    bank = await asyncio.to_thread(start_bank, folder, plain.public_url, exchange_key, True)
    try:
        settings = plain.model_copy(
            update={
                "bank_url": bank.base_url,
                "bank_key": bank.key_b64,
                "escrow_account": bank.escrow_account,
                "fee_account": bank.fee_account,
            }
        )
        async with (
            open_node(settings, clock=clock) as node,
            served(node, port),
            httpx.AsyncClient(base_url=plain.public_url, trust_env=False, timeout=60) as http,
        ):
            world = Live(node, clock, bank, http, folder)
            world.desks["operator"] = await Desk(http, "operator").sign_in()
            yield world
    finally:
        await asyncio.to_thread(bank.stop)


@asynccontextmanager
async def served(node: Node, port: int) -> AsyncIterator[None]:
    """A node behind its own server on loopback, while the block lasts."""
    app = application(node)
    server = uvicorn.Server(server_config(app, host="127.0.0.1", port=port, log_config=None))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task


def free_port() -> int:
    """A free port, answered once; below those that connections take, where each process begins elsewhere."""
    while True:
        port = _LOWEST + next(_ports) % (_HIGHEST - _LOWEST)
        with suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port
