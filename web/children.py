"""This very program's command line in a child process: its answer, its last words, how far it says it is."""

import asyncio
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

_COMMAND: Final = "from cli.main import app; app()"
_LAST_WORDS: Final = 2000
_MOST_ANSWER: Final = 8 * 1024 * 1024
_PIECE: Final = 4096
_PROGRESS: Final = re.compile(r"progress (\d{1,15}) (\d{1,15})", re.ASCII)
Heard: TypeAlias = Callable[[int, int], None]
"""Told how many of how many are done."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: its exit code, what it answered, and the last words of what it said beside it."""

    code: int
    answer: bytes
    words: str


async def run(
    arguments: Sequence[str], environment: dict[str, str], heard: Heard | None = None, *, patience_s: float
) -> Ended:
    """Run one command of ours. It is killed with whoever waits for it. Raises TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _COMMAND,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(patience_s):
            answer, words = await asyncio.gather(_answer(process.stdout), _words(process.stderr, heard))
            code = await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Ended(code, answer, words)


async def _answer(stream: asyncio.StreamReader) -> bytes:
    held = bytearray()
    while piece := await stream.read(_PIECE):
        held += piece[: _MOST_ANSWER - len(held)]
    return bytes(held)


async def _words(stream: asyncio.StreamReader, heard: Heard | None) -> str:
    """The last words; lines that tell the progress are handed on instead."""
    rest, kept = "", ""
    while piece := await stream.read(_PIECE):
        *lines, rest = (rest + piece.decode(errors="replace")).split("\n")
        rest = rest[-_LAST_WORDS:]
        for line in lines:
            told = _PROGRESS.fullmatch(line)
            if told is not None and heard is not None:
                heard(int(told[1]), int(told[2]))
            else:
                kept = f"{kept}{line}\n"[-_LAST_WORDS:]
    return (kept + rest)[-_LAST_WORDS:].strip()
