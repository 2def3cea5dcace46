"""`python http_client.py PORT PATH BODIES CALLERS`: posts each line of a file, prints the answers.

A process of its own, so that the server's processor time is the server's. It knows nothing of the exchange.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path


async def caller(port: int, path: str, bodies: Iterator[bytes], answers: list[str]) -> None:
    """One connection that is kept: a body, its answer, the next body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nhost: bench.example\r\ncontent-type: application/json\r\n"
    for body in bodies:
        status, answer = "", ""
        while not status or status.split(" ")[1] == "503":  # sent away: it comes again
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            (length,) = [int(field[15:]) for field in fields if field.startswith("content-length:")]
            answer = (await reader.readexactly(length)).decode()
            await asyncio.sleep(0.1 if status.split(" ")[1] == "503" else 0)
        if status.split(" ")[1] != "200":
            raise SystemExit(f"{status}: {answer}")
        answers.append(answer)
    writer.close()


async def main(port: str, path: str, file: str, callers: str) -> None:
    bodies = iter(Path(file).read_bytes().splitlines())
    answers: list[str] = []
    await asyncio.gather(*(caller(int(port), path, bodies, answers) for _ in range(int(callers))))
    print(json.dumps([json.loads(answer) for answer in answers]))  # noqa: T201 - what this program is for


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
