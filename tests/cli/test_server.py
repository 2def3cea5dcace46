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


class Busy(Door):
    """A door that looks at its own server's only connection while it answers, or answers at great length."""

    running: server.Server
    idle: list[bool]
    size = 4

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        (line,) = self.running.server_state.connections
        self.idle = [line.timeout_keep_alive_task is not None]  # type: ignore[union-attr]  # no web socket
        await PlainTextResponse(b"x" * self.size)(scope, receive, send)


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
    writer.write(post)
    said = await reader.readuntil(b"busy")
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close\r\n" in said
    writer.write(b"a" * 70_000 + b"GET /in HTTP/1.1\r\nhost: x\r\n\r\n")
    assert await reader.read() == b""  # its body was waited for, and nothing after it
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /out HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
    for _ in range(3):
        said = await reader.readuntil(b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in said
        assert b"connection" not in said
        assert await reader.readexactly(4) == b"busy"
    writer.write(b"POST /out HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nall of it")
    assert b"connection" not in await reader.readuntil(b"busy")  # its body was in with its head
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


@pytest.mark.parametrize(("path", "said"), [(b"/in", b"here"), (b"/out", b"busy")])
@pytest.mark.parametrize("rest", [b"a", b"a" * 1000, b"a" * 1000 + b"GET / HT"])
async def test_what_comes_after_an_answer_does_not_keep_the_line(
    monkeypatch: pytest.MonkeyPatch, path: bytes, said: bytes, rest: bytes
) -> None:
    monkeypatch.setattr(server, "HEAD_TIMEOUT_S", 0.05)
    port, running, task = await served(Door())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST " + path + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
    await reader.readuntil(said)
    writer.write(rest)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()
    running.should_exit = True
    await task


async def test_who_is_let_in_after_one_who_was_sent_away_is_not_cut_off_as_an_idle_line() -> None:
    app = Busy()
    port, app.running, task = await served(app)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /out HTTP/1.1\r\nhost: x\r\n\r\nGET /in HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"busy")
    await reader.readuntil(b"xxxx")
    assert app.idle == [False]
    writer.close()
    app.running.should_exit = True
    await task


@pytest.mark.parametrize("reads", [True, False])
async def test_a_client_that_takes_nothing_of_a_long_answer_is_let_go(
    monkeypatch: pytest.MonkeyPatch, *, reads: bool
) -> None:
    monkeypatch.setattr(server, "UNREAD_TIMEOUT_S", 60 if reads else 0.05)
    app = Busy()
    app.size = 30_000_000
    port, app.running, task = await served(app)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /in HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    if reads:
        assert len(await reader.readexactly(app.size)) == app.size
    else:
        async with asyncio.timeout(20):
            while app.running.server_state.connections:
                assert not task.done()
                await asyncio.sleep(0.01)
    writer.close()
    app.running.should_exit = True
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
