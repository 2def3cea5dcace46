"""An attacker's script: over real HTTP, with what a thief, a rival and a hostile seller have.

All of it is refused. What a single room refuses is tested there (targets, addresses, forms, files, addresses
of shares); here is the way in from outside, and that what was tried stands on record.
"""

import asyncio
import gzip
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import orjson
from sqlmodel import col, func, select

from ledger.tables import RefusalRow
from market.delivery.gateway.resolving import Resolver
from market.delivery.gateway.tables import CallRow
from market.delivery.meter.tables import Use
from tests.web.api.live import free_port, served
from tests.web.api.test_queries import trade_by_sandbox
from tests.web.api.test_usage import ENDPOINT, bought
from tests.web.market import Market, Persona

ESCAPES = (
    "SELECT * FROM data",
    "SELECT COUNT(*) FROM data; DROP TABLE data",
    "SELECT COUNT(*) FROM read_csv('/etc/passwd')",
    "COPY (SELECT 1) TO '/tmp/x'",
    "ATTACH '/tmp/x.db' AS x",
    "PRAGMA database_list",
    "INSTALL httpfs",
    "SELECT getenv('HOME') FROM data",
    "SELECT COUNT(*) FROM data UNION SELECT county FROM data",
    "SELECT COUNT(*) FROM data a, data b, data c",
    "SELECT MAX(index) FROM data",
    "SELECT COUNT(*) FROM data WHERE county = (SELECT MIN(county) FROM data)",
    "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT 1 FROM t) SELECT COUNT(*) FROM t",
    "SELECT COUNT(*) FROM data WHERE " + " OR ".join(["county = 'x'"] * 500),
)
TRICKS = {
    "/../../api/v1/entitlements": 422,
    "/%2e%2e/rows": 422,
    "/rows%2f..%2fcolumns": 422,
    "/rows%00": 422,
    "//rows": 422,
    "/rows\\..": 422,
    "/rows?x=%0d%0aSet-Cookie:a": 422,
    "/" + "a" * 5_000: 413,
}
INSIDE = (
    "http://example.com/v1",
    "https://127.0.0.1/v1",
    "https://localhost/v1",
    "https://169.254.169.254/latest",
    "https://[::1]/v1",
    "https://[::ffff:127.0.0.1]/v1",
    "https://[::ffff:a9fe:a9fe]/v1",
    "https://[64:ff9b::7f00:1]/v1",
    "https://[2002:7f00:1::]/v1",
    "https://2130706433/v1",
    "https://0x7f.1/v1",
    "https://017700000001/v1",
    "https://user@example.com/v1",
    "https://example.com#@127.0.0.1/v1",
    "https://example.com/v1/../admin",
    "file:///etc/passwd",
    "gopher://example.com/v1",
)


@dataclass
class Attack:
    """The market behind a real server, and what is kept of what was tried."""

    market: Market
    port: int

    def client(self, token: str, **headers: str) -> httpx.AsyncClient:
        given = {"authorization": f"Bearer {token}", "idempotency-key": "attack"} | headers
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", headers=given, trust_env=False, timeout=60
        )

    async def tried(self, who: Persona | str, method: str, path: str, **more: Any) -> tuple[int, str]:
        """The status and the code that a request gets; headers may be other ones."""
        token = who if isinstance(who, str) else self.market.served.token(who)
        async with self.client(token, **more.pop("headers", {})) as http:
            answer = await http.request(method, path, **more)
        told = answer.json() if answer.headers["content-type"].endswith("json") else {}
        return answer.status_code, told.get("code", "") if isinstance(told, dict) else ""

    async def raw(self, target: str, token: str) -> int:
        """The status of a request with this very target, which no client has tidied up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (
            f"GET {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode())
        line = await reader.readline()
        writer.close()
        return int(line.split(b" ")[1])

    async def recorded(self) -> int:
        """How many refusals stand on record."""
        async with self.market.served.node.database.read() as s:
            return int((await s.exec(select(func.coalesce(func.sum(RefusalRow.times), 0)))).one())

    async def rows(self, table: Any) -> list[Any]:
        async with self.market.served.node.database.read() as s:
            return list(
                (await s.exec(select(table).order_by(col(next(iter(table.__table__.primary_key)))))).all()
            )


@asynccontextmanager
async def attacked(market: Market) -> AsyncIterator[Attack]:
    port = free_port()
    async with served(market.served.node, port):
        yield Attack(market, port)


async def test_a_thief_a_rival_and_a_clock_that_is_wrong_get_nothing_of_an_interface(market: Market) -> None:
    right, token = await bought(market)
    async with attacked(market) as attack:
        path = f"/gateway/{right}/rows?limit=1"
        assert (await attack.tried(token, "GET", path))[0] == 200
        for stolen in (token[:-1] + ("0" if token[-1] != "0" else "1"), token.swapcase(), "x" * 80):
            assert await attack.tried(stolen, "GET", path) == (401, "access-key-refused")
        other = path.replace(right, "ent_" + "0" * 26)
        assert await attack.tried(token, "GET", other) == (401, "access-key-refused")
        assert (await attack.tried(token, "GET", "/api/v1/entitlements"))[0] == 401  # a key opens one door
        # the same key with another request, as a replay or as a way to be charged once
        assert await attack.tried(token, "GET", f"/gateway/{right}/rows?limit=1000") == (
            409,
            "use-key-reused",
        )
        for trick, status in TRICKS.items():
            assert (trick[:20], await attack.raw(f"/gateway/{right}{trick}", token)) == (trick[:20], status)
        for mine in ("uses", "usage", "service-level", "uses/1/receipt"):
            assert (await attack.tried(market.second, "GET", f"/api/v1/entitlements/{right}/{mine}"))[
                0
            ] == 404
        assert len(await attack.rows(Use)) == 1
        # a clock of the caller's own says nothing; that of the exchange ends the key
        market.served.clock.advance(timedelta(days=31))
        late = {"date": "Mon, 01 Jan 2024 00:00:00 GMT", "idempotency-key": "late"}
        assert await attack.tried(token, "GET", path, headers=late) == (401, "access-key-refused")
        assert len(await attack.rows(Use)) == 1


async def test_a_buyer_breaks_out_of_no_question_and_each_attempt_stands_on_record(market: Market) -> None:
    trade_id = await trade_by_sandbox(market)
    rights = await market.served.api(market.buyer, "GET", "/entitlements")
    (right,) = [one["entitlement_id"] for one in rights if one["trade_id"] == trade_id]
    path = f"/api/v1/entitlements/{right}/queries"
    async with attacked(market) as attack:
        before = await attack.recorded()
        for at, text in enumerate(ESCAPES):
            key = {"idempotency-key": f"escape-{at}"}
            tried = await attack.tried(market.buyer, "POST", path, json={"sql": text}, headers=key)
            assert (text[:40], *tried) == (text[:40], 409, "question-refused")
        assert await attack.recorded() - before == len(ESCAPES)
        count = {"sql": "SELECT COUNT(*) AS n FROM data", "epsilon_micro": 1_000}
        assert (await attack.tried(market.buyer, "POST", path, json=count))[0] == 201
        another = {"sql": "SELECT SUM(index) AS n FROM data", "epsilon_micro": 1_000}
        assert await attack.tried(market.buyer, "POST", path, json=another) == (409, "question-key-reused")
        for who in (market.second, market.provider):
            status, _ = await attack.tried(
                who, "POST", path, json=count, headers={"idempotency-key": "theirs"}
            )
            assert status in {403, 404, 409}
        bomb = gzip.compress(b'{"sql": "' + b" " * 20_000_000 + b'"}')
        packed = {"content-encoding": "gzip", "content-type": "application/json", "idempotency-key": "bomb"}
        status, _ = await attack.tried(market.buyer, "POST", path, content=bomb, headers=packed)
        assert 400 <= status < 500  # nothing is unpacked that was not asked for
        large = orjson.dumps({"sql": "x" * 3_000_000})
        plain = {"content-type": "application/json", "idempotency-key": "large"}
        status, _ = await attack.tried(market.buyer, "POST", path, content=large, headers=plain)
        assert status in {413, 422}
        budget = await market.served.api(market.buyer, "GET", f"/entitlements/{right}/privacy-budget")
        assert (budget["spent_micro"], budget["questions"], len(await attack.rows(Use))) == (1_000, 1, 1)


async def test_a_sellers_endpoint_leads_nowhere_inside_and_hangs_for_itself(market: Market) -> None:
    right, token = await bought(market)
    let_go, leads_to = threading.Event(), ["127.0.0.1"]

    def look_up(host: str, port: int) -> list[str]:
        if leads_to == ["nowhere"]:
            let_go.wait(30)
        return list(leads_to)

    market.served.node.gateway._providers._resolver = Resolver(look_up, deadline_s=0.1)
    declared = f"/listings/{market.ids['listed']}/interface"
    async with attacked(market) as attack:
        for address in INSIDE:
            told = await market.served.api(
                market.provider, "POST", declared, ENDPOINT | {"base_url": address}, expect=422
            )
            assert (address, told["code"]) == (address, "interface-malformed")
        await market.served.api(market.provider, "POST", declared, ENDPOINT)
        path = f"/gateway/{right}/quotes/1"
        for inside in ("127.0.0.1", "10.0.0.1", "::1", "::ffff:169.254.169.254", "fd00::1", "0.0.0.0"):
            leads_to[:] = [inside]  # the name was harmless when it was declared
            assert await attack.tried(token, "GET", path) == (502, "provider-failed")
        leads_to[:] = ["93.184.216.34", "192.168.0.1"]  # one of them inside
        assert await attack.tried(token, "GET", path) == (502, "provider-failed")
        leads_to[:] = ["nowhere"]
        assert await attack.tried(token, "GET", path) == (504, "provider-too-slow")
        let_go.set()
        calls = Counter((one.ok, one.outcome, one.use_id) for one in await attack.rows(CallRow))
        assert calls == {(False, "not-public", None): 7, (False, "provider-too-slow", None): 1}
        assert await attack.rows(Use) == []
