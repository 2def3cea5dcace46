"""The batch writer: the second way into the log, for settlement and metering.

Commands queue in the process; up to `MOST` of them share a transaction, each behind a savepoint, so a
command that fails is left out and its neighbours commit. Under the log lock the batch first seals
every queued statement it can see, then its own: one order, and no settlement is sealed before the
acceptance it rests on (`docs/ledger.md`, writing).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy.exc import IntegrityError

from base.clock import Clock
from base.db import Database, WriteSession
from base.errors import Refusal
from ledger.recording import Act, record_refusal
from ledger.sequencer import BATCH_ROWS, lock_log, seal

MOST: Final = 64
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Command:
    """One act for the batch: what to do, and how its refusal is named."""

    act: Act
    verb: Callable[[WriteSession, Act], Awaitable[Any]]
    attempted: str
    object_id: str


_Waiting: TypeAlias = tuple[Command, asyncio.Future[Any]]


class BatchWriter:
    """Collects commands and writes them together. One per process; start it with `run`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()

    async def submit(self, command: Command) -> Any:
        """Queue a command and wait for its result, sealed and committed. Raises what the verb raises."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await self._queue.put((command, done))
        return await done

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            first = await self._queue.get()
            batch = [first]
            while len(batch) < MOST and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._write(batch)

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await write_batch(self._database, self._clock, [command for command, _ in batch])
        except IntegrityError as error:
            # One command broke a constraint that is asked at the commit: its neighbours go without it.
            if len(batch) == 1:
                _tell(batch, error)
            for one in batch if len(batch) > 1 else ():
                await self._write([one])
            return
        except Exception as error:  # noqa: BLE001  # whoever waits must hear of it, whatever it was
            _tell(batch, error)
            return
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():
                continue
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)


def _tell(batch: list[_Waiting], error: Exception) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)


async def write_batch(database: Database, clock: Clock, commands: list[Command]) -> list[Any]:
    """Run commands in one transaction and seal them; a result or an exception for each, in order."""
    async with database.write() as s:
        await lock_log(s)
        outcomes = [await _one(s, command) for command in commands]
        await _seal_everything(s, clock)
    return outcomes


async def _one(s: WriteSession, command: Command) -> Any:
    savepoint = await s.begin_nested()
    try:
        result = await command.verb(s, command.act)
        await s.flush()
    except Refusal as refusal:
        await savepoint.rollback()
        s.expunge_all()
        await record_refusal(
            s, command.act, refusal, attempted=command.attempted, object_id=command.object_id
        )
        return refusal
    except Exception as error:  # noqa: BLE001  # left out of the batch and raised to its caller
        await savepoint.rollback()
        s.expunge_all()
        return error
    await savepoint.commit()
    return result


async def _seal_everything(s: WriteSession, clock: Clock) -> None:
    """Queued ids are below the batch's own, so one order seals what came before, then the batch."""
    while (await seal(s, clock)).count == BATCH_ROWS:
        pass
