"""`python http_calls.py PORT PATH TOKEN CALLERS COUNT`: calls an address so often, prints the answers.

A process of its own, so that the server's processor time is the server's. It knows nothing of the exchange.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator

AGAIN_S = 0.05  # a busy server asks for a second; so long would be idle time


async def caller(port: int, request: bytes, turns: Iterator[int], answers: Counter[str]) -> None:
    """One connection that is kept: a request, its answer, the next request; sent away, it comes again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in turns:
        while (code := await answered(reader, writer, request)) == "503":
            answers[code] += 1
            await asyncio.sleep(AGAIN_S)
        answers[code] += 1
    writer.close()


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> str:
    """The code of the answer to one request; with what it says, where that is neither 200 nor 503."""
    writer.write(request)
    status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    (length,) = [int(field[15:]) for field in fields if field.startswith("content-length:")]
    body = await reader.readexactly(length)
    code = status.split(" ")[1]
    return code if code in {"200", "503"} else f"{code}: {body.decode()}"


async def main(port: str, path: str, token: str, callers: str, count: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nhost: bench.example\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    turns, answers = iter(range(int(count))), Counter[str]()
    await asyncio.gather(*(caller(int(port), request, turns, answers) for _ in range(int(callers))))
    print(json.dumps(answers))  # noqa: T201 - what this program is for


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
