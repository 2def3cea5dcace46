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

from base.canonical import canonical
from base.db import Database
from base.errors import Refusal, Unavailable
from base.files import FileStore, StoredFile
from market.delivery.tabling.tables import TableFile
from market.delivery.tabling.view import Shape, made_of
from market.orders.parts import MAX_COLUMNS, WHOLE, View
from registry.confined import REFUSED, cpu_seconds, module_command, run_confined

CHILD: Final = "market.delivery.tabling.child"
MAX_TABLE_BYTES: Final = 4 * 1024**3
TIMEOUT_S: Final = 300.0
MADE_AT_ONCE: Final = 2
_SAID_BYTES: Final = 1024 * 1024
_WORD_CHARS: Final = 40
_PIECE_BYTES: Final = 512 * 1024
_MARK: Final = b"PAR1"

# One process, one loop: what is being made now, by the digest of what it is made of.
_making: dict[str, asyncio.Task[TableFile]] = {}


class NotATable(Refusal):
    """The product's file has no rows that could be shared, paged or asked; `reason` says why."""

    code = "not-a-table"
    title = "What was sold cannot be read as a table"


async def table_of(
    database: Database, files: FileStore, file: StoredFile, *, scratch: Path, view: View = WHOLE
) -> StoredFile:
    """The file's rows, or the part of them that `view` shows, as a Parquet file in the object store.

    Made once, by a child process; `scratch` is a folder where the plaintext may stand for a moment. Raises
    NotATable, Unavailable while too many are being made, and FileDamaged.
    """
    row = await _known(database, file, view)
    return stored(row or await _making_of(database, files, file, scratch, view))


async def shape_of(
    database: Database, files: FileStore, file: StoredFile, *, scratch: Path, view: View = WHOLE
) -> Shape:
    """What is in the table of a file, which is made where there is none yet. Raises as `table_of`."""
    row = await _known(database, file, view) or await _making_of(database, files, file, scratch, view)
    return shape_in(row)


def stored(row: TableFile) -> StoredFile:
    """What the object store needs to open a table."""
    return StoredFile(row.file_id, row.bytes, row.sha256)


def shape_in(row: TableFile) -> Shape:
    """What is in a table, as it is remembered."""
    return Shape(row.rows, tuple((name, kind) for name, kind in orjson.loads(row.columns)))


async def _making_of(
    database: Database, files: FileStore, file: StoredFile, scratch: Path, view: View
) -> TableFile:
    """Make a table, or wait for whoever makes it already."""
    digest = made_of(file.sha256, view)
    making = _making.get(digest)
    if making is None or making.get_loop() is not asyncio.get_running_loop():
        if sum(not task.done() for task in _making.values()) >= MADE_AT_ONCE:
            raise Unavailable("other tables are being made now", retry_after_s=5)
        making = asyncio.create_task(_made(database, files, file, scratch, view))
        _making[digest] = making
        making.add_done_callback(lambda task: _forget(digest, task))
    return await asyncio.shield(making)  # whoever gives up does not take it from the others


def _forget(digest: str, task: asyncio.Task[TableFile]) -> None:
    if _making.get(digest) is task:
        del _making[digest]
    if not task.cancelled():
        task.exception()  # told to whoever waited, if anybody still did


async def _known(database: Database, file: StoredFile, view: View) -> TableFile | None:
    async with database.read() as s:
        return await s.get(TableFile, made_of(file.sha256, view))


async def _made(
    database: Database, files: FileStore, file: StoredFile, scratch: Path, view: View
) -> TableFile:
    """Make the table and remember it; of two processes that did, the first one's is the table."""
    source = file
    if not view.whole:
        whole = await _known(database, file, WHOLE) or await _made(database, files, file, scratch, WHOLE)
        source = stored(whole)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="table-") as folder:
        work = Path(folder)
        await files.copy_to(source, work / "data")
        shape = await _written(work, view)
        table = await files.put(_pieces(work / "table.parquet"), limit_bytes=MAX_TABLE_BYTES)
    row = TableFile(
        made_of=made_of(file.sha256, view),
        file_id=table.file_id,
        bytes=table.bytes,
        sha256=table.sha256,
        rows=shape.rows,
        columns=canonical([list(one) for one in shape.columns]).decode(),
    )
    try:
        async with database.write() as s:
            s.add(row)
    except BaseException as error:
        await files.delete(table.file_id)
        other = await _known(database, file, view) if isinstance(error, IntegrityError) else None
        if other is None:
            raise
        return other
    return row


async def _written(work: Path, view: View) -> Shape:
    """Have the child write the table. Raises NotATable."""
    command = module_command(CHILD, str(work / "data"), "--out", "table.parquet", "--said", "said.json")
    if not view.whole:
        await asyncio.to_thread((work / "view.json").write_bytes, canonical(view.document()))
        command += ["--view", "view.json"]
    try:
        code = await run_confined([*command, "--cpu-s", str(cpu_seconds(TIMEOUT_S))], work, TIMEOUT_S)
    except TimeoutError:
        raise NotATable("reading it took too long", reason="timeout") from None
    said = await asyncio.to_thread(_said, work / "said.json")
    if code == REFUSED:
        raise NotATable("it cannot be read as a table", reason=_reason_in(said))
    if code == -signal.SIGXCPU:
        raise NotATable("reading it took too much work", reason="timeout")
    shape = _shape_said(said)
    if code != 0 or shape is None or not await asyncio.to_thread(_is_parquet, work / "table.parquet"):
        raise NotATable("reading it broke off", reason="broken-off")
    return shape


def _said(path: Path) -> Any:
    """What the child says. It read a hostile file, so its words are checked like a stranger's."""
    with contextlib.suppress(OSError, orjson.JSONDecodeError), path.open("rb") as file:
        return orjson.loads(file.read(_SAID_BYTES))
    return None


def _reason_in(said: Any) -> str:
    words = [said.get(name) for name in ("reason", "code")] if isinstance(said, dict) else []
    known = [word for word in words if isinstance(word, str) and word.isascii() and len(word) <= _WORD_CHARS]
    return known[0] if known else "broken-off"


def _shape_said(said: Any) -> Shape | None:
    if not isinstance(said, dict) or set(said) != {"rows", "columns"} or type(said["rows"]) is not int:
        return None
    columns = said["columns"]
    if not isinstance(columns, list) or not 1 <= len(columns) <= MAX_COLUMNS:
        return None
    if not all(isinstance(one, list) and [type(text) for text in one] == [str, str] for one in columns):
        return None
    return Shape(said["rows"], tuple((name, kind) for name, kind in columns))


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
