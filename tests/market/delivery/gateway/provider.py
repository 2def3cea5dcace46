"""A provider's endpoint on the loopback that answers, fails and lies, by its path; it keeps what it heard."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

JSON = b"content-type: application/json\r\n"
BOMB = gzip.compress(b"0" * 10_000_000)
ANSWER = b'{"kwh": 41}'


def whole(body: bytes, status: str = "200 OK", headers: bytes = JSON) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n".encode()
    return head + headers + b"\r\n" + body


ANSWERS = {
    "/ok": whole(ANSWER, headers=JSON + b"set-cookie: a=b\r\nx-inside: 1\r\nlast-modified: yesterday\r\n"),
    "/none": whole(b"", "204 No Content", b""),
    "/missing": whole(b'{"code": "no"}', "404 Not Found"),
    "/broken": whole(b"oops", "500 Internal Server Error"),
    "/refuses-us": whole(b"{}", "401 Unauthorized"),
    "/elsewhere": whole(b"", "302 Found", b"location: http://169.254.169.254/\r\n" + JSON),
    "/html": whole(b"<script>", headers=b"content-type: text/html\r\n"),
    "/untyped": whole(b"{}", headers=b""),
    "/bomb": whole(BOMB, headers=JSON + b"content-encoding: gzip\r\n"),
    "/large": whole(b" " * 200_000),
    "/short": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n" + JSON + b"\r\n{}",
    "/two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 9\r\n" + JSON + b"\r\n{}",
    "/garbage": b"SSH-2.0-OpenSSH\r\n\r\n",
    "/switch": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
}


@dataclass
class Provider:
    """Where it is, the requests it heard as they came, and how many it holds now."""

    port: int = 0
    heard: list[str] = field(default_factory=list)
    holding: int = 0
    most_held: int = 0
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    answers: dict[str, bytes] = field(default_factory=lambda: dict(ANSWERS))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
                body = await reader.readexactly(int(length[0].partition(":")[2])) if length else b""
                self.heard.append(head + body.decode())
                await self._answer(head.split(" ")[1].partition("?")[0], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/hang":
            self.holding += 1
            self.most_held = max(self.most_held, self.holding)
            try:
                await self.let_go.wait()
            finally:
                self.holding -= 1
            path = "/ok"
        if path == "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + JSON + b"\r\n")
            for _ in range(10_000):
                writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                await writer.drain()
            return
        writer.write(self.answers.get(path, ANSWERS["/missing"]))
        await writer.drain()
        if path in {"/short", "/garbage"}:
            writer.close()


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    provider = Provider()
    server = await asyncio.start_server(provider.hear, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        provider.let_go.set()
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None
