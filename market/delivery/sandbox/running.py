"""Starting the isolated process of a question and hearing it out. Nothing of it survives the call."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from base.files import FileStore, StoredFile
from market.delivery.sandbox.child import BEGUN, MAX_JOB_BYTES
from market.delivery.sandbox.errors import RunBrokenOff, SandboxDown
from market.delivery.sandbox.forms import refused
from registry.confined import module_command

CHILD: Final = "market.delivery.sandbox.child"
PARSE_TIMEOUT_S: Final = 15.0
RUN_TIMEOUT_S: Final = 60.0
MAX_ANSWER_BYTES: Final = 1024**2
_ROOT: Final = Path(__file__).resolve().parents[3]
_PIECE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Heard:
    """What a child has said: whether it had begun to read the table, and its document, if it got so far."""

    begun: bool
    said: dict[str, Any] | None


async def parsed(text: str) -> Any:
    """The form of a text as a child has read it, not checked yet. Raises QuestionRefused, SandboxDown."""
    heard = await _hear("parse", {"text": text}, timeout_s=PARSE_TIMEOUT_S)
    if heard.said is None:
        raise refused("too-large", "the question could not be read within its limits")
    return _told(heard.said).get("form")


async def answered(job: dict[str, Any], table: int, *, timeout_s: float = RUN_TIMEOUT_S) -> dict[str, Any]:
    """What a child answers to a checked question over the table that the descriptor names.

    Raises SandboxDown where it had not begun to read, RunBrokenOff where a limit ended it afterwards.
    """
    heard = await _hear("run", job | {"table": table}, table, timeout_s=timeout_s)
    if heard.said is None and heard.begun:
        raise RunBrokenOff("the run went beyond its limits")
    if heard.said is None:
        raise SandboxDown("the isolated process did not begin", retry_after_s=5)
    return _told(heard.said)


def _told(said: dict[str, Any]) -> dict[str, Any]:
    """The document, or the refusal in it, whose words are checked like a stranger's."""
    refusal = said.get("refused")
    if not isinstance(refusal, dict):
        return said
    facts = refusal.get("facts")
    reason = str(facts.get("reason")) if isinstance(facts, dict) else ""
    named = reason[:40] if reason.isascii() and reason.isprintable() and reason else "syntax"
    raise refused(named, str(refusal.get("detail"))[:200])


async def _hear(work: str, job: dict[str, Any], *descriptors: int, timeout_s: float) -> Heard:
    document = orjson.dumps(job)
    if len(document) > MAX_JOB_BYTES:
        raise refused("too-large", "the question is too long")
    child = await asyncio.create_subprocess_exec(
        *module_command(CHILD, work),
        cwd="/",
        env={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=descriptors,
    )
    output = b""
    try:
        with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
            async with asyncio.timeout(timeout_s):
                output = await _spoken(child, document)
                if len(output) <= MAX_ANSWER_BYTES:  # whoever says more is not waited for
                    await child.wait()
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await asyncio.shield(child.wait())
    begun = output.startswith(BEGUN)
    return Heard(begun, _document(output.removeprefix(BEGUN)) if child.returncode == 0 else None)


async def _spoken(child: asyncio.subprocess.Process, document: bytes) -> bytes:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(document)
    child.stdin.close()
    output = b""
    while len(output) <= MAX_ANSWER_BYTES and (piece := await child.stdout.read(_PIECE_BYTES)):
        output += piece
    return output


def _document(output: bytes) -> dict[str, Any] | None:
    if len(output) > MAX_ANSWER_BYTES:
        return None
    with contextlib.suppress(orjson.JSONDecodeError):
        said = orjson.loads(output)
        return said if isinstance(said, dict) else None
    return None


@asynccontextmanager
async def opened_table(files: FileStore, table: StoredFile, *, scratch: Path) -> AsyncIterator[int]:
    """The plaintext of a table in a file without a name: it is gone with the last process that holds it.

    So nothing is left to sweep, whatever kills us. Raises FileDamaged.
    """
    with tempfile.TemporaryFile(dir=scratch) as plain:
        async for piece in files.read(table):
            await asyncio.to_thread(plain.write, piece)
        await asyncio.to_thread(plain.flush)
        yield plain.fileno()
