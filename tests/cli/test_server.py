"""The head of a request has an end: in size, and in time."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
import uvloop
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cli import server
from tests.web.api.live import free_port
from web.limits import SentAway


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("here")(scope, receive, send)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    chosen = free_port()
    config = server.server_config(answering, host="127.0.0.1", port=chosen, log_config=None, lifespan="off")
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())
    while not running.started:
        assert not task.done()
        await asyncio.sleep(0.01)
    yield chosen
    running.should_exit = True
    await task


async def answer(port: int, *pieces: bytes) -> bytes:
    """Everything that is answered until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


async def test_an_ordinary_request_is_answered_and_the_connection_goes_on(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert b"server:" not in head.lower()
        assert await reader.readexactly(4) == b"here"
    writer.close()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_head_above_the_limit_is_refused_and_the_line_closed(port: int, *, whole: bool) -> None:
    long = b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * (2 * server.MAX_HEAD_BYTES)
    said = await answer(port, long + b"\r\n\r\n" if whole else long)
    assert said.startswith(b"HTTP/1.1 400 ") or said == b"reset"
    assert b"here" not in said
    many = b"".join(b"x-%d: %s\r\n" % (n, b"a" * 100) for n in range(1000))
    assert b"here" not in await answer(port, b"GET / HTTP/1.1\r\nhost: x\r\n" + many + b"\r\n")


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: "])
async def test_a_head_that_does_not_come_is_given_up(
    monkeypatch: pytest.MonkeyPatch, port: int, begun: bytes
) -> None:
    monkeypatch.setattr(server, "HEAD_TIMEOUT_S", 0.05)
    said = await answer(port, begun)
    assert b"here" not in said
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")


class Door:
    """An application that sends away all but /in, and is never asked about who was sent away."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def knock(self, scope: Scope) -> SentAway | None:
        away = SentAway(503, [(b"retry-after", b"1"), (b"content-length", b"4")], b"busy")
        return None if scope["path"] == "/in" else away

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['path']}")
        await answering(scope, receive, send)


async def served(app: ASGIApp) -> tuple[int, server.Server, asyncio.Task[None]]:
    door = socket.create_server(("127.0.0.1", 0))
    config = server.server_config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    running = server.Server(config)
    task = asyncio.create_task(running.serve([door]))
    while not running.started:
        assert not task.done()
        await asyncio.sleep(0.01)
    return door.getsockname()[1], running, task


async def test_who_is_sent_away_at_the_door_costs_the_application_nothing_and_may_ask_again() -> None:
    app = Door()
    port, running, task = await served(app)
    post = b"POST /out HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for head, body in ((post, b"a" * 70_000), (b"GET /out HTTP/1.1\r\nhost: x\r\n\r\n" * 3, b"")):
        writer.write(head)
        await writer.drain()
        for _ in range(head.count(b"host")):
            said = await reader.readuntil(b"\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1\r\n" in said
            assert await reader.readexactly(4) == b"busy"
        writer.write(body)
    assert app.asked == []
    writer.write(b"GET /in HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200 OK")
    writer.write(b"HEAD /out HTTP/1.1\r\nhost: x\r\n\r\n")  # has no body, whatever is said
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"GET /out HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    last = await reader.read()
    assert b"connection: close\r\n" in last
    assert last.endswith(b"\r\n\r\nbusy")
    assert app.asked == ["GET /in", "HEAD /out"]
    writer.close()
    running.should_exit = True
    await task


def test_a_loop_that_takes_one_connection_a_turn_has_several_listeners() -> None:
    async def connected() -> int:
        port, running, task = await served(answering)
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        for _, writer in lines:
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        said = [await reader.readuntil(b"here") for reader, _ in lines]
        assert all(one.startswith(b"HTTP/1.1 200 OK") for one in said)
        for _, writer in lines:
            writer.close()
        running.should_exit = True
        await task
        with pytest.raises(ConnectionRefusedError):  # every listener is closed
            await asyncio.open_connection("127.0.0.1", port)
        return len(running.servers)

    assert asyncio.run(connected()) == 1
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(connected()) > 1
