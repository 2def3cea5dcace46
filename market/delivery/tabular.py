"""A product's file as a table: the Parquet file that shares, gateways and queries read.

A child process under limits makes it (`market.delivery.tabling.child`) when it is first asked for. It is
sealed in the object store like the file itself, and found again by the file's digest; who asks meanwhile
waits for the same making.
"""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy.exc import IntegrityError

from base.db import Database
from base.errors import Refusal, Unavailable
from base.files import FileStore, StoredFile
from market.delivery.tabling.tables import TableFile
from registry.confined import cpu_seconds, module_command, run_confined

CHILD: Final = "market.delivery.tabling.child"
MAX_TABLE_BYTES: Final = 4 * 1024**3
TIMEOUT_S: Final = 300.0
MADE_AT_ONCE: Final = 2
_REFUSED: Final = 3
_WORD_BYTES: Final = 4096
_WORD_CHARS: Final = 40
_PIECE_BYTES: Final = 512 * 1024
_MARK: Final = b"PAR1"

# One process, one loop: what is being made now, by the digest of what it is made of.
_making: dict[str, asyncio.Task[StoredFile]] = {}


class NotATable(Refusal):
    """The product's file has no rows that could be shared, paged or asked; `reason` says why."""

    code = "not-a-table"
    title = "What was sold cannot be read as a table"


async def table_of(database: Database, files: FileStore, file: StoredFile, *, scratch: Path) -> StoredFile:
    """The file's rows as a Parquet file in the object store; made once, by a child process.

    `scratch` is a folder where the plaintext may stand for a moment. Raises NotATable, Unavailable while too
    many are being made, and FileDamaged.
    """
    known = await _known(database, file)
    if known is not None:
        return known
    making = _making.get(file.sha256)
    if making is None or making.get_loop() is not asyncio.get_running_loop():
        if sum(not task.done() for task in _making.values()) >= MADE_AT_ONCE:
            raise Unavailable("other tables are being made now", retry_after_s=5)
        making = asyncio.create_task(_made(database, files, file, scratch))
        _making[file.sha256] = making
        making.add_done_callback(lambda task: _forget(file.sha256, task))
    return await asyncio.shield(making)  # whoever gives up does not take it from the others


def _forget(digest: str, task: asyncio.Task[StoredFile]) -> None:
    if _making.get(digest) is task:
        del _making[digest]
    if not task.cancelled():
        task.exception()  # told to whoever waited, if anybody still did


async def _known(database: Database, file: StoredFile) -> StoredFile | None:
    async with database.read() as s:
        row = await s.get(TableFile, file.sha256)
    return None if row is None else StoredFile(row.file_id, row.bytes, row.sha256)


async def _made(database: Database, files: FileStore, file: StoredFile, scratch: Path) -> StoredFile:
    """Make the table and remember it; of two processes that did, the first one's is the table."""
    known = await _known(database, file)
    if known is not None:
        return known
    with tempfile.TemporaryDirectory(dir=scratch, prefix="table-") as folder:
        work = Path(folder)
        await files.copy_to(file, work / "data")
        await _written(work)
        table = await files.put(_pieces(work / "table.parquet"), limit_bytes=MAX_TABLE_BYTES)
    row = TableFile(source_sha256=file.sha256, file_id=table.file_id, bytes=table.bytes, sha256=table.sha256)
    try:
        async with database.write() as s:
            s.add(row)
    except BaseException as error:
        await files.delete(table.file_id)
        other = await _known(database, file) if isinstance(error, IntegrityError) else None
        if other is None:
            raise
        return other
    return table


async def _written(work: Path) -> None:
    """Have the child write the table. Raises NotATable."""
    command = module_command(CHILD, str(work / "data"), "--out", "table.parquet", "--said", "said.json")
    try:
        code = await run_confined([*command, "--cpu-s", str(cpu_seconds(TIMEOUT_S))], work, TIMEOUT_S)
    except TimeoutError:
        raise NotATable("reading it took too long", reason="timeout") from None
    if code == _REFUSED:
        raise NotATable("it cannot be read as a table", **await asyncio.to_thread(_said, work / "said.json"))
    if code == -signal.SIGXCPU:
        raise NotATable("reading it took too much work", reason="timeout")
    if code != 0 or not await asyncio.to_thread(_is_parquet, work / "table.parquet"):
        raise NotATable("reading it broke off", reason="broken-off")


def _said(path: Path) -> dict[str, str]:
    """Why the child refused. It read a hostile file, so its words are checked like a stranger's."""
    said: Any = None
    with contextlib.suppress(OSError, orjson.JSONDecodeError), path.open("rb") as file:
        said = orjson.loads(file.read(_WORD_BYTES))
    words = [said.get(name) for name in ("reason", "code")] if isinstance(said, dict) else []
    known = [word for word in words if isinstance(word, str) and word.isascii() and len(word) <= _WORD_CHARS]
    return {"reason": known[0] if known else "broken-off"}


def _is_parquet(path: Path) -> bool:
    if not path.is_file() or path.is_symlink() or path.stat().st_size < 3 * len(_MARK):
        return False
    with path.open("rb") as file:
        start = file.read(len(_MARK))
        file.seek(-len(_MARK), 2)
        return start == _MARK == file.read(len(_MARK))


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
