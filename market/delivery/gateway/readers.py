"""The children that read tables for the gateway: a few, started when needed, ended when they fail."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from market.delivery.gateway.errors import ProviderFailed, ProviderTooSlow
from registry.confined import module_command

CHILD: Final = "market.delivery.gateway.reading"
READERS: Final = 3
QUESTION_S: Final = 10.0
_LENGTH: Final = 4
_ROOT: Final = Path(__file__).resolve().parents[3]


class Reader:
    """One child; who cancels a question ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child: asyncio.subprocess.Process | None = None

    async def told(self, question: bytes) -> bytes:
        """What the child says. Raises ProviderFailed where it breaks."""
        child = self._child
        if child is None or child.returncode is not None:
            child = self._child = await self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(len(question).to_bytes(_LENGTH) + question)
            await child.stdin.drain()
            length = int.from_bytes(await child.stdout.readexactly(_LENGTH))
            return await child.stdout.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            await self.stop()
            raise ProviderFailed("the table could not be read", reason="unreadable") from None
        except asyncio.CancelledError:
            await asyncio.shield(self.stop())
            raise

    async def _started(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *module_command(CHILD, str(self.folder)),
            cwd=self.folder,
            env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "TMPDIR": str(self.folder)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )

    async def stop(self) -> None:
        child, self._child = self._child, None
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


class Readers:
    """A few children, and whose questions they answer: never all of them one seller's.

    A question has its time. So who waits, waits for the few questions of each other seller before it at most.
    """

    def __init__(self, *, readers: int = READERS, question_s: float = QUESTION_S) -> None:
        self._question_s = question_s
        self._free: list[Reader] = []
        self._places = asyncio.Semaphore(readers)
        self._of_one = max(readers - 1, 1)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()

    async def told(self, owner: str, folder: Path, question: bytes) -> bytes:
        """What a child says to a question about a table of the owner's.

        Raises ProviderFailed where it breaks, ProviderTooSlow where the question takes too long: both end it.
        """
        async with self._turn(owner), self._places:
            reader = self._free.pop() if self._free else Reader(folder)
            if reader.folder != folder:
                await reader.stop()
                reader = Reader(folder)
            try:
                async with asyncio.timeout(self._question_s):
                    return await reader.told(question)
            except TimeoutError:
                raise ProviderTooSlow("the question takes too long", reason="question") from None
            finally:
                self._free.append(reader)

    @asynccontextmanager
    async def _turn(self, owner: str) -> AsyncIterator[None]:
        turn = self._turns.setdefault(owner, asyncio.Semaphore(self._of_one))
        self._waiting[owner] += 1
        try:
            async with turn:
                yield
        finally:
            self._waiting[owner] -= 1
            if not self._waiting[owner]:
                del self._waiting[owner], self._turns[owner]

    async def stop(self) -> None:
        """End the children that do nothing."""
        idle, self._free = self._free, []
        for reader in idle:
            await reader.stop()
