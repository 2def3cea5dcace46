"""The head of a request has an end: in size, and in time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from cli import server
from tests.web.api.live import free_port


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
