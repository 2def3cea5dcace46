"""`python http_calls.py PORT PATH TOKEN CALLERS COUNT`: calls an address so often, prints the answers.

A process of its own, so that the server's processor time is the server's. It knows nothing of the exchange.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator


async def caller(port: int, request: bytes, turns: Iterator[int], answers: Counter[str]) -> None:
    """One connection that is kept: a request, its answer, the next request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in turns:
        writer.write(request)
        status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        (length,) = [int(field[15:]) for field in fields if field.startswith("content-length:")]
        body = await reader.readexactly(length)
        code = status.split(" ")[1]
        answers[code if code == "200" else f"{code}: {body.decode()}"] += 1
    writer.close()


async def main(port: str, path: str, token: str, callers: str, count: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nhost: bench.example\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    turns, answers = iter(range(int(count))), Counter[str]()
    await asyncio.gather(*(caller(int(port), request, turns, answers) for _ in range(int(callers))))
    print(json.dumps(answers))  # noqa: T201 - what this program is for


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
