"""The market with somebody behind every desk."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from base.db import Database
from tests.web.api.desk import Desk
from tests.web.market import Market
from tests.web.nodes import Served


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


@pytest.fixture
async def room(market: Market, tmp_path: Path) -> AsyncIterator[Room]:
    async with market.served.client() as http:
        yield Room(market, http, tmp_path / "market")
