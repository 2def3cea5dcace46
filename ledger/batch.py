"""The batch writer: the second way into the log, for settlement and metering.

Commands queue in the process; up to `MOST` of them share a transaction. Those of a kind are carried out
together, set by set, as far as nothing speaks against them; each of the others goes alone, behind a
savepoint, so a command that fails is left out and its neighbours commit. When a
batch is ready to be written it takes the log, seals every queued statement it can see, then its own: one
order, and no settlement is sealed before the acceptance it rests on (`docs/ledger.md`, writing).
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from base.clock import Clock
from base.db import Database, RowSession, WriteSession, lost_to_another
from base.errors import Busy, Refusal
from base.rows import Plan
from ledger.recording import Act, record_refusal
from ledger.sequencer import BATCH_ROWS, Statements, seal, seal_behind
from ledger.together import own_statements

MOST: Final = 64
LEAST_WAITING: Final = 2 * MOST
MOST_WAITING: Final = 4 * MOST
_WAIT_S: Final = 0.25  # as many may wait as are written in this time, between these bounds
LANES: Final = 2
TRIES: Final = 3
_VIOLATED: Final = "23"  # the class of integrity constraint violations
_WORTH_IT: Final = 8  # a smaller batch waits until the one before it is written
_LATEST: Final = 0.3  # what the latest batch counts for in the pace
_ALONE_LOCK: Final = 0x6462_616C  # "dbal"
_LOCK_ALONE: Final = text("SELECT pg_advisory_xact_lock(:key)")
Result = TypeVar("Result")


class Alone(Enum):
    """In the place of a result: this command was not carried out together with others."""

    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Command:
    """One act for the batch: what to do, and how its refusal is named.

    `together` does the same as `verb`, for many commands at once out of what each `said`: it answers a
    result for each, or ALONE where it does nothing, in their order, and plans what is to be written. When
    it raises, or the plan breaks, nothing of it stands, and every command goes alone.
    """

    act: Act
    verb: Callable[[WriteSession, Act], Awaitable[Any]]
    attempted: str
    object_id: str
    together: "Together | None" = None
    said: Any = None


Together: TypeAlias = Callable[[RowSession, Plan, Sequence[Command]], Awaitable[Sequence[Any]]]


_Waiting: TypeAlias = tuple[Command, asyncio.Future[Any]]


class Pace:
    """How many commands a second are written while there is something to write."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.a_second = MOST_WAITING / _WAIT_S  # nothing is known yet
        self._now_s = now_s
        self._since_s = now_s()

    def begin(self) -> None:
        """Nobody wrote until now."""
        self._since_s = self._now_s()

    def note(self, count: int) -> None:
        """So many more are written: since the ones before, or since it began."""
        now_s = self._now_s()
        seen = count / max(now_s - self._since_s, 1e-6)
        self.a_second += _LATEST * (seen - self.a_second)
        self._since_s = now_s


class BatchWriter:
    """Collects commands and writes them together. One per process; start it with `run`."""

    def __init__(self, database: Database, clock: Clock, *, most_waiting: int = MOST_WAITING) -> None:
        self._database = database
        self._clock = clock
        self._most_waiting = most_waiting
        self._queue: list[_Waiting] = []
        self._changed = asyncio.Event()
        self._writing: list[int] = []  # the sizes of the batches that are being written
        self._pace = Pace()

    @property
    def room(self) -> int:
        """How many may wait at the pace at which they are written now: who comes later is sent away."""
        at_this_pace = int(self._pace.a_second * _WAIT_S)
        return min(max(at_this_pace, LEAST_WAITING), self._most_waiting)

    def require_room(self) -> None:
        """Raises Busy when as many commands wait as may: nothing of another one would be begun."""
        if len(self._queue) >= self.room:
            raise Busy("as many wait to be written as may", waiting=len(self._queue), retry_after_s=1)

    async def submit(self, command: Command) -> Any:
        """Queue a command and wait for its result, sealed and committed.

        Raises Busy, and then nothing was begun, and what the verb raises.
        """
        self.require_room()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append((command, done))
        self._changed.set()
        return await done

    async def run(self) -> None:
        """Write batches until cancelled: two by turns, one being decided while the other is written.

        (On SQLite, where one transaction excludes the other, one after the other.)
        """
        lanes = 1 if self._database.dialect == "sqlite" else LANES
        async with asyncio.TaskGroup() as writers:
            while True:
                size = _next_size(len(self._queue), writing=self._writing, lanes=lanes)
                if not size:
                    await self._changed.wait()
                    await asyncio.sleep(0)  # who comes at the same moment comes into the same batch
                    self._changed.clear()
                    continue
                batch, self._queue = self._queue[:size], self._queue[size:]
                if not self._writing:
                    self._pace.begin()
                self._writing.append(size)
                writers.create_task(self._write_in_turn(batch))

    async def _write_in_turn(self, batch: list[_Waiting]) -> None:
        try:
            await self._write(batch)
        finally:
            self._writing.remove(len(batch))
            self._pace.note(len(batch))
            self._changed.set()

    async def _write(self, batch: list[_Waiting]) -> None:
        outcomes = await write_batch(self._database, self._clock, [command for command, _ in batch])
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():
                continue
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)


def _next_size(waiting: int, *, writing: Sequence[int], lanes: int) -> int:
    """How many of those that wait make the next batch; none while it is better to wait for more.

    Whoever comes while nobody writes leaves half of many to the next lane; a batch beside another one has
    to be worth it, for what a batch costs by itself: not much smaller than that one.
    """
    if writing:
        worth_it = max(_WORTH_IT, *(size * 3 // 4 for size in writing))
        return min(waiting, MOST) if len(writing) < lanes and waiting >= worth_it else 0
    shared = lanes > 1 and waiting >= lanes * _WORTH_IT
    return min(-(-waiting // lanes) if shared else waiting, MOST)


async def write_batch(database: Database, clock: Clock, commands: Sequence[Command]) -> list[Any]:
    """Run commands and seal them; a result or an exception for each, in order.

    What can be done together shares one transaction, what has to go alone another one behind it. What
    goes wrong with the second says nothing about the first, which is committed.
    """
    outcomes: list[Any] = [Alone.ALONE] * len(commands)
    if any(command.together is not None for command in commands):
        try:
            outcomes = await _all_together(database, clock, commands)
        except _NotTogether:
            pass
        except Exception as error:  # noqa: BLE001 - of a commit: whoever waits must hear of it, whatever it was
            if not _undone(error):
                return [error] * len(commands)
    alone = [at for at, outcome in enumerate(outcomes) if outcome is Alone.ALONE]
    decided = await _alone(database, clock, [commands[at] for at in alone]) if alone else []
    for at, outcome in zip(alone, decided, strict=True):
        outcomes[at] = outcome
    return outcomes


async def _alone(
    database: Database, clock: Clock, commands: Sequence[Command], *, tries: int = TRIES
) -> list[Any]:
    """What goes one by one; where one command breaks the commit, each in a transaction of its own."""
    try:
        return await _one_by_one(database, clock, commands)
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it was
        if lost_to_another(error) and tries > 1:
            return await _alone(database, clock, commands, tries=tries - 1)
        if isinstance(error, IntegrityError) and len(commands) > 1:
            return [outcome for one in commands for outcome in await _alone(database, clock, [one])]
        return [error] * len(commands)


def _undone(error: Exception) -> bool:
    """Whether the database said that nothing of the transaction stands: a constraint, or a deadlock."""
    if isinstance(error, IntegrityError) or lost_to_another(error):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else None
    return isinstance(cause, sqlite3.IntegrityError) or str(getattr(cause, "sqlstate", ""))[:2] == _VIOLATED


class _NotTogether(Exception):  # control flow out of a transaction: what was begun is rolled back
    pass


async def _all_together(database: Database, clock: Clock, commands: Sequence[Command]) -> list[Any]:
    """Ask, decide, sign and write first, and take the log behind all of it: whoever holds it is soon done."""
    outcomes: list[Any] = [Alone.ALONE] * len(commands)
    async with database.write_rows() as s:
        plan = Plan()
        try:
            await _together(s, plan, commands, outcomes)
            await plan.carry_out(s)
            await _seal_behind(s, clock, own_statements(s))
        except Exception as error:
            raise _NotTogether from error
    return outcomes


async def _one_by_one(database: Database, clock: Clock, commands: Sequence[Command]) -> list[Any]:
    """One such transaction at a time: they claim what they need in any order.

    The log is taken behind everything else, as above: whoever holds it waits for nobody.
    """
    async with database.write() as s:
        if s.get_bind().dialect.name == "postgresql":
            await (await s.connection()).execute(_LOCK_ALONE, {"key": _ALONE_LOCK})
        outcomes = [await _one(s, command) for command in commands]
        await _seal_everything(s, clock)
    return outcomes


async def _together(s: RowSession, plan: Plan, commands: Sequence[Command], outcomes: list[Any]) -> None:
    """Carry out what can be carried out together, kind by kind, and note the results."""
    kinds: dict[Together, list[int]] = {}
    for at, command in enumerate(commands):
        if command.together is not None:
            kinds.setdefault(command.together, []).append(at)
    for verb, places in kinds.items():
        results = await verb(s, plan, [commands[at] for at in places])
        for at, result in zip(places, results, strict=True):
            outcomes[at] = result


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
    except Exception as error:  # left out of the batch and raised to its caller
        if lost_to_another(error):
            raise
        await savepoint.rollback()
        s.expunge_all()
        return error
    await savepoint.commit()
    return result


async def _seal_behind(s: RowSession, clock: Clock, own: Statements) -> None:
    """Take the log, seal what is queued, which came before, then the batch's own."""
    if own:
        await seal_behind(s, clock, own)


async def _seal_everything(s: WriteSession, clock: Clock) -> None:
    while (await seal(s, clock)).count == BATCH_ROWS:
        pass
