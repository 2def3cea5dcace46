"""The product's own table as an interface: its rows, read by children from the Parquet of `tabular`."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import orjson

from base.files import FileStore, StoredFile
from market.delivery.gateway.asking import question_of
from market.delivery.gateway.errors import ProviderFailed, ProviderTooSlow, QueryMalformed
from market.delivery.gateway.readers import Readers
from market.delivery.gateway.rules import Interface
from market.delivery.gateway.spool import Spool
from market.delivery.gateway.upstream import Answer, Asked

IDLE_S: Final = 60.0
MOST_TABLES: Final = 8
JSON: Final = "application/json"
TableOf = Callable[[StoredFile], Awaitable[StoredFile]]


class TableDesk:
    """Tables that are being asked: their plaintext in a folder of our own, and the children that read them.

    All of it goes when nobody has asked for a while. A table is brought once, whoever waits for it; who waits
    longer than its interface's time is answered so.
    """

    def __init__(
        self,
        files: FileStore,
        table_of: TableOf,
        scratch: Callable[[], Path],
        *,
        readers: Readers | None = None,
    ) -> None:
        self._files, self._table_of, self._scratch = files, table_of, scratch
        self._readers = readers or Readers()
        self._coming: dict[str, asyncio.Lock] = {}
        self._in_use: Counter[str] = Counter()
        self._folder: Path | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, file: StoredFile, asked: Asked, interface: Interface, *, owner: str) -> Answer:
        """The answer to a call of a seller's table.

        Raises NotOffered, QueryMalformed, ProviderTooSlow, ProviderFailed, and what `table_of` raises.
        """
        question = question_of(asked.method, asked.target)
        table = await self._table_of(file)
        try:
            async with asyncio.timeout(interface.timeout_ms / 1000), self._held(table) as path:
                told = await self._readers.told(
                    owner,
                    path.parent,
                    orjson.dumps(
                        {
                            "path": str(path),
                            "question": None if question is None else question.document(),
                            "most_bytes": interface.max_answer_bytes,
                        }
                    ),
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

    @asynccontextmanager
    async def _held(self, table: StoredFile) -> AsyncIterator[Path]:
        """The table's bytes on the disk, under its digest, as long as they are asked of."""
        self._in_use[table.sha256] += 1
        try:
            async with self._coming.setdefault(table.sha256, asyncio.Lock()):
                path = await self._plain(table)
            yield path
        finally:
            self._in_use[table.sha256] -= 1
            if not self._in_use[table.sha256]:
                del self._in_use[table.sha256], self._coming[table.sha256]

    async def _plain(self, table: StoredFile) -> Path:
        if self._folder is None or not self._folder.exists():
            self._folder = Path(tempfile.mkdtemp(dir=self._scratch(), prefix="tables-"))
        path = self._folder / f"{table.sha256}.parquet"
        if path.exists():
            os.utime(path)
            return path
        kept = sorted(self._folder.glob("*.parquet"), key=lambda one: one.stat().st_mtime)
        idle = [one for one in kept if one.stem not in self._in_use]
        for old in idle[: max(len(kept) - MOST_TABLES + 1, 0)]:
            old.unlink()
        aside = path.with_suffix(".coming")
        aside.unlink(missing_ok=True)  # of one that was not waited for
        await self._files.copy_to(table, aside)
        aside.rename(path)
        return path

    def _wait_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_S, lambda: loop.create_task(self._rest()))

    async def _rest(self) -> None:
        if self._in_use:
            return  # whoever asks now winds the clock again
        folder, self._folder = self._folder, None
        await self._readers.stop()
        if folder is not None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def close(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        await self._rest()
