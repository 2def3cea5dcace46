"""Who comes when too much is under way is sent away, and nothing of it is begun; what was accepted stands."""

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from sqlmodel import col, select
from starlette.types import Message, Receive, Scope, Send

from base.db import Database
from base.settings import Settings
from ledger.batch import BatchWriter
from ledger.tables import EntryRow, StatementRow
from market.orders.tables import Trade
from tests.bench.stock import Due, Stock, furnish
from tests.market.settlement.bank_side import ESCROW
from web.api import bank
from web.limits import CROWDED
from web.main import Application, Bounds
from web.problems import install
from web.turnstile import Turnstile


class Room:
    """An application that answers when it is told to, behind a turnstile."""

    def __init__(self, turnstile: Turnstile) -> None:
        self.turnstile = turnstile
        self.gate = asyncio.Event()
        self.bounds = Bounds(self._answer, secure=True, turnstile=turnstile)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        while scope["method"] == "POST" and (await receive()).get("more_body"):
            pass
        if scope["path"] == "/slow":
            await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(
        self, path: str, *body: bytes, last: asyncio.Event | None = None, **more: Any
    ) -> list[Message]:
        """What comes back; the last piece of a body comes when it is told to."""
        pieces = list(body)
        sent: list[Message] = []

        async def receive() -> Message:
            if last is not None and len(pieces) == 1:
                await last.wait()
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-length", b"%d" % sum(map(len, body)))] if body else []
        method = "POST" if body else "GET"
        scope = {"type": "http", "method": method, "path": path, "headers": headers} | more
        await self.bounds(scope, receive, send)
        return sent


async def test_beyond_its_places_a_turnstile_sends_away_at_once_and_lets_in_when_one_has_left() -> None:
    room = Room(Turnstile(least=2, room=0))
    inside = [asyncio.create_task(room.ask("/slow")) for _ in range(2)]
    await asyncio.sleep(0)
    start, body = await room.ask("/slow")
    headers = dict(start["headers"])
    assert (start["status"], headers[b"retry-after"]) == (503, b"1")
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"x-content-type-options"] == b"nosniff"  # as every answer
    problem = orjson.loads(body["body"])
    assert (problem["status"], problem["code"], problem["retry_after_s"]) == (503, "busy", 1)
    assert (await room.ask("/health"))[0]["status"] == 200
    room.gate.set()
    assert [(await one)[0]["status"] for one in inside] == [200, 200]
    assert (await room.ask("/slow"))[0]["status"] == 200
    assert room.turnstile.inside == 0


async def test_who_was_let_in_by_the_server_counts_from_then_on() -> None:
    room = Room(Turnstile(least=2, room=0))
    scopes = [{"type": "http", "method": "GET", "path": "/slow", "headers": []} for _ in range(3)]
    let_in = [room.bounds.knock(scope) is None for scope in scopes]
    assert let_in == [True, True, False]
    inside = [asyncio.create_task(room.ask(**scope)) for scope in scopes[:2]]
    await asyncio.sleep(0)
    assert (room.turnstile.inside, room.turnstile.coming) == (2, 0)
    away = room.bounds.knock(scopes[2])
    assert away is not None
    (start, body), told = await room.ask(**scopes[2]), dict(away.headers)
    again = dict(start["headers"])
    assert told.pop(b"x-request-id") != again.pop(b"x-request-id")
    assert (told, away.status, len(away.content)) == (again, start["status"], len(body["body"]))
    room.gate.set()
    assert [(await one)[0]["status"] for one in inside] == [200, 200]
    assert (room.turnstile.inside, room.turnstile.coming) == (0, 0)


async def test_a_body_that_does_not_come_holds_no_place() -> None:
    room = Room(Turnstile(least=1, room=0))
    comes = asyncio.Event()
    slow = asyncio.create_task(room.ask("/quick", b"a", b"b", last=comes))
    await asyncio.sleep(0)
    assert room.turnstile.inside == 0
    assert (await room.ask("/quick"))[0]["status"] == 200
    comes.set()
    assert (await slow)[0]["status"] == 200
    assert room.turnstile.inside == 0


async def test_a_connection_beyond_those_that_are_served_is_told_so_and_ended() -> None:
    room = Room(Turnstile())
    start, _ = await room.ask("/quick", **{CROWDED: True})
    assert (start["status"], dict(start["headers"])[b"connection"]) == (503, b"close")


async def test_who_finds_no_place_waits_for_one_and_is_sent_away_when_it_turns_out_a_flood() -> None:
    room = Room(Turnstile(least=1, room=3))
    inside = asyncio.create_task(room.ask("/slow"))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(room.ask("/quick", b"a")) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    assert (await room.ask("/health"))[0]["status"] == 200  # waits for nobody
    room.gate.set()
    assert [(await one)[0]["status"] for one in (inside, *waiting)] == [200, 200, 200]
    room = Room(Turnstile(least=1, room=3))
    inside = asyncio.create_task(room.ask("/slow"))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(room.ask("/quick", b"a")) for _ in range(3)]
    starts = [(await one)[0] for one in waiting]
    told = [(one["status"], dict(one["headers"])[b"retry-after"]) for one in starts]
    assert told == [(503, b"1")] * 3  # the third found the line full
    room.gate.set()
    assert (await inside)[0]["status"] == 200
    assert (room.turnstile.inside, room.turnstile.coming) == (0, 0)


@pytest.fixture
async def stock(database: Database) -> Stock:
    return Stock(await furnish(database))


async def told(stock: Stock, writer: BatchWriter, due: list[Due]) -> list[httpx.Response]:
    """The bank tells all of these at once."""
    app, scene = Application(), stock.scene
    app.state.settings = settings = Settings()
    key = SimpleNamespace(bank_key=scene.bank.key.public)
    house = scene.house.house
    app.state.node = SimpleNamespace(
        settings=settings, bank=key, escrow=ESCROW, house=house, batch=writer, database=house.database
    )
    install(app)
    app.include_router(bank.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        documents = [one.notification.document() for one in due]
        return await asyncio.gather(*(http.post("/bank/notifications", json=one) for one in documents))


async def test_what_was_accepted_stands_once_and_what_was_sent_away_can_come_again(stock: Stock) -> None:
    house = stock.scene.house.house
    due = await stock.take(60)
    writer = BatchWriter(house.database, house.clock, most_waiting=8)
    task = asyncio.create_task(writer.run())
    accepted: list[str] = []
    waiting = list(due)
    rounds = 0
    while waiting:
        answers = await told(stock, writer, waiting)
        assert {answer.status_code for answer in answers} <= {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert answer.headers["retry-after"] == "1"
                assert answer.json()["code"] == "busy"
        taken = [one.json()["trade_id"] for one in answers if one.status_code == 200]
        assert taken
        accepted += taken
        waiting = [one for one, answer in zip(waiting, answers, strict=True) if answer.status_code == 503]
        await on_record(house.database, due, accepted)
        rounds += 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert rounds > 1  # somebody was sent away
    assert sorted(accepted) == sorted(one.trade_id for one in due)


async def on_record(database: Database, due: list[Due], accepted: list[str]) -> None:
    """Each accepted trade is settled and sealed once; of the others nothing has moved."""
    ids = [one.trade_id for one in due]
    async with database.read() as s:
        sealed = (
            select(StatementRow.object_id)
            .join(EntryRow, col(EntryRow.statement_row) == col(StatementRow.id))
            .where(col(StatementRow.object_id).in_(ids), StatementRow.event == "TRD.SETTLE")
        )
        assert sorted((await s.exec(sealed)).all()) == sorted(accepted)
        states = select(Trade.trade_id, Trade.status).where(col(Trade.trade_id).in_(ids))
        found = {trade_id: str(status) for trade_id, status in (await s.exec(states)).all()}
    assert found == {one: "SETTLED" if one in accepted else "ACCEPTED_GOODS" for one in ids}
