"""The product's own table as an interface: its rows, read by a child from the Parquet of `tabular`."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import orjson

from base.files import FileStore, StoredFile
from market.delivery.gateway.asking import question_of
from market.delivery.gateway.errors import ProviderFailed, ProviderTooSlow, QueryMalformed
from market.delivery.gateway.rules import Interface
from market.delivery.gateway.spool import Spool
from market.delivery.gateway.upstream import Answer, Asked
from registry.confined import module_command

CHILD: Final = "market.delivery.gateway.reading"
IDLE_S: Final = 60.0
MOST_TABLES: Final = 8
JSON: Final = "application/json"
_LENGTH: Final = 4
_ROOT: Final = Path(__file__).resolve().parents[3]
TableOf = Callable[[StoredFile], Awaitable[StoredFile]]


class TableDesk:
    """Tables that are being asked: their plaintext in a folder of our own, and the child that reads them.

    Both go when nobody has asked for a while. One question at a time; who waits longer than its interface's
    time is answered so.
    """

    def __init__(self, files: FileStore, table_of: TableOf, scratch: Callable[[], Path]) -> None:
        self._files, self._table_of, self._scratch = files, table_of, scratch
        self._turn = asyncio.Lock()
        self._folder: Path | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, file: StoredFile, asked: Asked, interface: Interface) -> Answer:
        """The answer to a call.

        Raises NotOffered, QueryMalformed, ProviderTooSlow, ProviderFailed, and what `table_of` raises.
        """
        question = question_of(asked.method, asked.target)
        table = await self._table_of(file)
        try:
            async with asyncio.timeout(interface.timeout_ms / 1000), self._turn:
                path = await self._plain(table)
                told = await self._told(
                    orjson.dumps(
                        {
                            "path": str(path),
                            "question": None if question is None else question.document(),
                            "most_bytes": interface.max_answer_bytes,
                        }
                    )
                )
        except TimeoutError:
            raise ProviderTooSlow("no whole answer in time", limit_ms=interface.timeout_ms) from None
        finally:
            self._wait_idle()
        sign, content = told[:1], told[1:]
        if sign == b"R":
            raise QueryMalformed(content.decode())
        if sign != b"A":
            raise ProviderFailed("the table could not be read", reason="unreadable")
        return Answer(200, JSON, (), Spool(self._scratch(), content))

    async def _plain(self, table: StoredFile) -> Path:
        """The table's bytes on the disk, under its digest."""
        if self._folder is None or not self._folder.exists():
            await self._stop()
            self._folder = Path(tempfile.mkdtemp(dir=self._scratch(), prefix="tables-"))
        path = self._folder / f"{table.sha256}.parquet"
        if not path.exists():
            kept = sorted(self._folder.glob("*.parquet"), key=lambda one: one.stat().st_mtime)
            for old in kept[: max(len(kept) - MOST_TABLES + 1, 0)]:
                old.unlink()
            aside = self._folder / "coming"
            await self._files.copy_to(table, aside)
            aside.rename(path)
        return path

    async def _told(self, question: bytes) -> bytes:
        """What the child says; one that does not, or was not waited for, is ended."""
        child = self._child
        if child is None or child.returncode is not None:
            assert self._folder is not None
            child = self._child = await asyncio.create_subprocess_exec(
                *module_command(CHILD, str(self._folder)),
                cwd=self._folder,
                env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "TMPDIR": str(self._folder)},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(len(question).to_bytes(_LENGTH) + question)
            await child.stdin.drain()
            length = int.from_bytes(await child.stdout.readexactly(_LENGTH))
            return await child.stdout.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            await self._stop()
            raise ProviderFailed("the table could not be read", reason="unreadable") from None
        except asyncio.CancelledError:
            await asyncio.shield(self._stop())
            raise

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()

    def _wait_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_S, lambda: loop.create_task(self._rest()))

    async def _rest(self) -> None:
        async with self._turn:
            await self._stop()
            if self._folder is not None:
                await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
                self._folder = None

    async def close(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        await self._rest()
