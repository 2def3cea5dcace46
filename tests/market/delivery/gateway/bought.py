"""A bought interface: its right, its key, its gateway, and the door that a tool calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
from sqlmodel import col, select

from base.settings import Settings
from identity.safe import Safe
from ledger.batch import BatchWriter
from ledger.sequencer import create_log
from market.delivery.gateway.answering import TableDesk
from market.delivery.gateway.counting import Counting
from market.delivery.gateway.desk import Gateway
from market.delivery.gateway.service import declare_interface
from market.delivery.gateway.tables import CallRow
from market.delivery.gateway.upstream import Providers
from market.delivery.keys import token_of
from market.delivery.meter.tables import Use
from market.delivery.tables import AccessKey
from market.delivery.tabular import table_of
from market.orders.handover import DeliveryMode
from tests.houses import ORIGIN, Party
from tests.market.delivery.funded import MASTER_KEY, Deal
from tests.market.delivery.gateway.provider import Provider
from tests.market.delivery.test_keys import issued
from tests.market.delivery.test_meter import shared
from tests.market.delivery.test_recipients import named
from web import gateway as door
from web.main import Application
from web.problems import install


@dataclass
class Bought:
    """A deal whose right is used by calls."""

    deal: Deal
    friend: Party
    gateway: Gateway
    key: AccessKey
    app: Application
    entitlement_id: str

    @property
    def token(self) -> str:
        return token_of(MASTER_KEY, self.key.key_id)

    async def call(
        self,
        path: str = "/ok",
        *,
        token: str | None = None,
        key: str | None = None,
        method: str = "GET",
        entitlement_id: str | None = None,
        **options: Any,
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token}"} | options.pop("headers", {})
        if key is not None:
            headers["idempotency-key"] = key
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate.test") as client:
            address = f"/gateway/{entitlement_id or self.entitlement_id}{path}"
            return await client.request(method, address, headers=headers, **options)

    async def uses(self) -> list[Use]:
        async with self.deal.house.database.read() as s:
            query = select(Use).order_by(col(Use.number))
            return list(await s.exec(query, execution_options={"populate_existing": True}))

    async def calls(self) -> list[CallRow]:
        async with self.deal.house.database.read() as s:
            query = select(CallRow).order_by(col(CallRow.call_id))
            return list(await s.exec(query, execution_options={"populate_existing": True}))

    def counting(self, name: str, **changes: Any) -> Counting:
        from market.delivery.access import Declared
        from market.delivery.meter.service import Metered

        said: dict[str, Any] = {
            "entitlement_id": self.entitlement_id,
            "trade_id": self.deal.trade_id,
            "listing_id": self.deal.listing.listing_id,
            "key_id": self.key.key_id,
            "metered": Metered(key=name, request_sha256="11" * 32, answer_sha256="22" * 32, bytes=7),
            "declared": Declared(self.key.purpose, self.key.recipient),
            "latency_ms": 5,
            "outcome": "200",
        }
        return Counting(**(said | changes))


@asynccontextmanager
async def bought(
    deal: Deal, provider: Provider | None = None, *, uses: int = 50, now_s: Any = None, **interface: Any
) -> AsyncIterator[Bought]:
    """The deal's right as one of calls, its interface answered by the provider (or by its own table)."""
    friend = await named(deal, uses=uses)
    await shared(deal, DeliveryMode.CREDENTIAL)
    if provider is not None:
        told = {
            "answered_by": "PROVIDER",
            "base_url": provider.url,
            "paths": ["/*"],
            "methods": ["GET", "POST"],
            "timeout_ms": 5_000,
            "max_answer_bytes": 100_000,
            "per_minute": 600_000,
        }
        await declared(deal, told | interface)
    key = await issued(deal)
    house = deal.house.house
    async with house.database.write() as s:
        await create_log(s, origin=ORIGIN, at=house.clock.now())
    writer = BatchWriter(house.database, house.clock)
    scratch = deal.folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)

    async def table(file: Any) -> Any:
        return await table_of(house.database, deal.files, file, scratch=scratch)

    timed = {} if now_s is None else {"now_s": now_s}
    gateway = Gateway(
        house,
        Safe(MASTER_KEY),
        writer,
        Providers(hosts={"127.0.0.1"}, folder=scratch),
        TableDesk(deal.files, table, lambda: scratch),
        **timed,
    )
    app = Application()
    app.state.settings = settings = Settings()
    app.state.node = SimpleNamespace(settings=settings, gateway=gateway, house=house)
    install(app)
    door.install(app)
    task = asyncio.create_task(writer.run())
    try:
        entitlement = await deal.entitlement()
        yield Bought(deal, friend, gateway, key, app, entitlement.entitlement_id)
    finally:
        await gateway.aclose()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def declared(deal: Deal, document: dict[str, Any], *, party: Party | None = None) -> Any:
    return await (party or deal.seller).do(
        declare_interface,
        attempted="DLV.INTERFACE",
        object_id=deal.listing.listing_id,
        listing_id=deal.listing.listing_id,
        document=document,
        hosts={"127.0.0.1"},
    )
