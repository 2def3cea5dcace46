"""The market with somebody behind every desk."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from base.clock import SimulatedClock
from base.db import Database
from tests.postgres import Server
from tests.web.api.desk import Desk
from tests.web.market import Market
from tests.web.nodes import Served, migrated_on, serving


@dataclass
class Room:
    """The market, a client without a token, and who sits where."""

    market: Market
    http: httpx.AsyncClient
    folder: Path

    @property
    def served(self) -> Served:
        return self.market.served

    @property
    def database(self) -> Database:
        return self.served.node.database

    @property
    def ids(self) -> dict[str, str]:
        return self.market.ids

    async def desk(self, name: str, *, proved: bool = True) -> Desk:
        """Somebody of the market, signed in; a custodial key finds its person proved."""
        person = self.market.people[name]
        desk = Desk(self.http, person.login, person.org_id, person.key, token=self.served.token(person))
        if proved and person.key is None:
            await self.served.prove(person)
        return desk


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def both(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SimulatedClock
) -> AsyncIterator[Served]:
    """A newly founded node, once on each kind of database: for what locks decide."""
    if request.param == "sqlite":
        async with serving(tmp_path, clock) as served:
            yield served
        return
    server: Server = request.getfixturevalue("postgres")
    name = f"doors_{secrets.token_hex(4)}"
    url = await migrated_on(server, name)
    try:
        async with serving(tmp_path, clock, database_url=url) as served:
            yield served
    finally:
        await server.drop(name)


@pytest.fixture
async def room(market: Market, tmp_path: Path) -> AsyncIterator[Room]:
    async with market.served.client() as http:
        yield Room(market, http, tmp_path / "market")
