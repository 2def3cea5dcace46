"""A suspension among hundreds of acts: many clients, several workers over real HTTP, one PostgreSQL.

The log itself is judged, entry by entry: between a suspension and the reinstatement that follows it stands
nothing that the broker did, or that was done with it, on whichever worker. What was asked for after the
suspension was answered is refused.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from base.clock import SimulatedClock
from ledger.reader import entries
from tests.web.api.desk import Desk
from tests.web.api.live import free_port, served
from tests.web.api.test_once import small  # noqa: F401 - a fixture
from tests.web.market import Market, _terms
from tests.web.nodes import kept_bank_key, settings_in
from web.node import open_node

pytestmark = pytest.mark.postgresql
WORKERS: Final = 3
CLIENTS: Final = 6
ROUNDS: Final = 2
ACTS: Final = 120  # in a round fewer: it ends with its suspension and what was under way
OVERTAKING: Final = 5  # of a client: what was under way, and what had asked before; not all that come after
REFUSED: Final = "broker-not-certified"


@dataclass
class Race:
    """`down` is the round whose suspension was answered; 0 from when the certificate is to come back."""

    market: Market
    doors: list[httpx.AsyncClient]
    stock: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    down: int = 0
    over: bool = False
    goal: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def desk(self, name: str, worker: int) -> Desk:
        person = self.market.people[name]
        token = self.market.served.token(person)
        return Desk(
            self.doors[worker % len(self.doors)], person.login, person.org_id, person.key, token=token
        )

    async def client(self, number: int) -> None:
        """Half of them inquire with the broker's help, half are the broker at its own desk."""
        while not self.over:
            turn = next(self.numbers)
            begun_down = self.down
            if number % 2 == 0 or not self.stock:
                answer = await self.inquire(number + turn)
            else:
                answer = await self.offer(number + turn, self.stock.pop())
            said = answer.status_code if answer.is_success else answer.json()["code"]
            self.told[str(said)] += 1
            if self.told.total() >= self.goal:
                self.reached.set()
            assert answer.is_success or said == REFUSED, answer.text
            if begun_down and begun_down == self.down:  # asked for and answered while it was suspended
                assert said == REFUSED, "an act that began after the suspension was taken"

    async def inquire(self, worker: int) -> httpx.Response:
        body = {
            "purpose": f"模型特征 {next(self.numbers)}",
            "scenario": "中小企业信贷",
            "quantity": 1,
            "broker_id": self.market.broker.org_id,
        }
        path = f"/listings/{self.market.ids['listed']}/inquiries"
        answer = await self.called("buyer", worker, path, body)
        if answer.is_success:
            self.stock.append(answer.json()["trade_id"])
        return answer

    async def offer(self, worker: int, trade_id: str) -> httpx.Response:
        terms = _terms(self.market, 70_000_000)
        return await self.called("broker", worker, f"/trades/{trade_id}/offers", terms)

    async def called(self, name: str, worker: int, path: str, body: dict[str, Any]) -> httpx.Response:
        """A call; where its connection had idled too long, again under the same key, at another worker."""
        key = secrets.token_hex(12)
        while True:
            try:
                return await self.desk(name, worker).call("POST", path, body, key=key)
            except httpx.TransportError:
                worker += 1

    async def authority(self) -> None:
        """Suspends in the middle of it, lets those who come after be refused, and reinstates."""
        cert_id = self.market.ids["certificate"]
        for turn in range(ROUNDS):
            await self.some_more()
            await self.discipline(cert_id, "suspend", turn)
            self.down = turn + 1
            await self.some_more()
            self.down = 0
            if turn < ROUNDS - 1:
                await self.discipline(cert_id, "reinstate", turn)
        self.over = True

    async def some_more(self) -> None:
        """Until a share of the acts has been answered."""
        self.goal = self.told.total() + ACTS // (2 * ROUNDS)
        self.reached.clear()
        await self.reached.wait()

    async def discipline(self, cert_id: str, measure: str, worker: int) -> None:
        self.market.served.clock.advance(timedelta(milliseconds=1))  # nothing is said twice at one moment
        await self.market.served.prove(self.market.authority)
        path, before = f"/certificates/{cert_id}/{measure}", self.told.total()
        answer = await self.called("authority", worker, path, {"reason_code": "RACE"})
        assert answer.status_code == 200, answer.text
        passed = self.told.total() - before
        assert passed <= OVERTAKING * CLIENTS, f"{passed} acts went past a waiting {measure}"


@asynccontextmanager
async def workers(market: Market, folder: Path) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Nodes of the same exchange, each behind a server of its own."""
    node = market.served.node
    clock = market.served.clock
    assert isinstance(clock, SimulatedClock)
    url = node.settings.database_url
    settings = settings_in(folder, kept_bank_key(folder), database_url=url)
    async with AsyncExitStack() as stack:
        doors = []
        for _ in range(WORKERS):
            port = free_port()
            worker = await stack.enter_async_context(open_node(settings, clock=clock))
            await stack.enter_async_context(served(worker, port))
            http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
            doors.append(await stack.enter_async_context(http))
        yield doors


@pytest.mark.parametrize("both", ["postgresql"], indirect=True)
async def test_nothing_of_a_broker_is_sealed_behind_its_suspension(
    small: Market,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    for name in ("buyer", "broker", "authority"):
        await small.served.prove(small.people[name])
    async with workers(small, tmp_path) as doors:
        race = Race(small, doors)
        await asyncio.gather(race.authority(), *(race.client(number) for number in range(CLIENTS)))
    assert race.told.total() >= ACTS
    assert race.told[REFUSED] >= ACTS // 4
    assert race.told["201"] >= ACTS // 4
    await small.served.node.seal()
    sealed = await judged(small)
    assert sealed["acts"] == race.told["201"]
    assert sealed["suspensions"] == ROUNDS


async def judged(market: Market) -> Counter[str]:
    """Reads the log in its order: what stands where it must not fails."""
    found: Counter[str] = Counter()
    suspended = False
    for said in await predicates(market):
        if said["event"] in {"BRK.SUSPEND", "BRK.REINSTATE"}:
            suspended = said["event"] == "BRK.SUSPEND"
            found["suspensions"] += suspended
        elif said["event"] in {"TRD.INQUIRE", "TRD.OFFER"}:
            assert said["broker_id"] == market.broker.org_id
            assert not suspended, said
            found["acts"] += 1
    return found


async def predicates(market: Market) -> list[dict[str, Any]]:
    """What was said, in the order of the log."""
    found: list[dict[str, Any]] = []
    async with market.served.node.database.read() as s:
        before = None
        while page := await entries(s, before=before, limit=100):
            found += [entry.payload["predicate"] for entry in page]
            before = page[-1].seq
    return found[::-1]
