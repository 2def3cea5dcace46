"""`python http_arrivals.py PORT PATH BODIES RATE SECONDS`: posts lines of a file as they fall due.

Nothing waits for an answer: an arrival takes a free connection, or a new one. Where there are as many as
there may be, it waits for one, and that counts. What is sent away comes again later. Prints one JSON
document. A process of its own that knows nothing of the exchange.
"""

import asyncio
import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

_REFUSED = 503
_OK = 200
_MOST_CONNECTIONS = 900


class Connection(asyncio.Protocol):
    """Kept: one request at a time."""

    def __init__(self, arrivals: "Arrivals") -> None:
        self._arrivals = arrivals
        self._read = b""
        self._body = b""
        self._due_s = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def post(self, head: bytes, body: bytes, due_s: float) -> None:
        self._body, self._due_s = body, due_s
        self._transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            return
        fields = head.decode().lower().split("\r\n")
        (length,) = [int(field[15:]) for field in fields if field.startswith("content-length:")]
        if len(rest) < length:
            return
        self._read = b""
        status = int(fields[0].split(" ")[1])
        again = any(field.startswith("retry-after:") for field in fields)
        waited_s = time.perf_counter() - self._due_s
        self._arrivals.answered(self, self._body, status, rest.decode(), waited_s, again=again)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrivals.lost(self, exc)


class Arrivals:
    """What falls due, on however many connections it takes."""

    def __init__(self, port: int, path: str, bodies: list[bytes]) -> None:
        self._port = port
        self._head = (
            f"POST {path} HTTP/1.1\r\nhost: bench.example\r\ncontent-type: application/json\r\n".encode()
        )
        self._bodies = deque(bodies)
        self._free: list[Connection] = []
        self._waiting: deque[tuple[bytes, float]] = deque()  # for a connection, each since it fell due
        self._open = 0
        self.under_way = 0
        self.told: dict[str, Any] = {
            "arrived": 0,
            "sent_away": 0,
            "waited_ms": [],
            "answers": [],
            "odd": [],
        }

    async def run(self, rate: float, seconds: float) -> None:
        began = time.perf_counter()
        while self._bodies and (passed := time.perf_counter() - began) < seconds:
            for _ in range(int(passed * rate) - self.told["arrived"]):
                if self._bodies:
                    await self._arrive()
            await asyncio.sleep(0.001)
        self.told["seconds"] = time.perf_counter() - began
        async with asyncio.timeout(30):
            while self.under_way:  # noqa: ASYNC110 - the last answers
                await asyncio.sleep(0.01)

    async def _arrive(self) -> None:
        due_s = time.perf_counter()
        self.told["arrived"] += 1
        if not self._free and self._open < _MOST_CONNECTIONS:
            self._open += 1
            loop = asyncio.get_running_loop()
            _, made = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port)
            self._free.append(made)
        self.under_way += 1
        self._waiting.append((self._bodies.popleft(), due_s))
        self._post()

    def _post(self) -> None:
        while self._free and self._waiting:
            self._free.pop().post(self._head, *self._waiting.popleft())

    def answered(
        self, on: Connection, body: bytes, status: int, text: str, waited_s: float, *, again: bool
    ) -> None:
        self.under_way -= 1
        self._free.append(on)
        if status == _OK:
            self.told["answers"].append(json.loads(text))
            self.told["waited_ms"].append(1000 * waited_s)
        elif status == _REFUSED and again:
            self.told["sent_away"] += 1
            self._bodies.append(body)
        else:
            self.told["odd"].append(f"{status}: {text}"[:200])
        self._post()

    def lost(self, on: Connection, why: Exception | None) -> None:
        self._open -= 1
        if on in self._free:
            self._free.remove(on)
        else:
            self.told["odd"].append(f"a connection was lost: {why}")


async def main(port: str, path: str, file: str, rate: str, seconds: str) -> None:
    arrivals = Arrivals(int(port), path, Path(file).read_bytes().splitlines())
    await arrivals.run(float(rate), float(seconds))
    print(json.dumps(arrivals.told))  # noqa: T201 - what this program is for


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
