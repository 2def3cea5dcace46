"""Settlements a second: notifications of the bank through `market.settlement` and the batch writer.

Every round is checked when it is over: each answered trade is settled and has one TRD.SETTLE in the
sealed log, whose chain and root are computed anew from the stored entries.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import text

import ledger.batch
from base.clock import Clock
from base.db import RowSession
from base.errors import Busy
from base.rows import Insert, write_rows
from cli.server import collect_less
from ledger.batch import BatchWriter
from ledger.sequencer import seal_all
from ledger.tables import PendingRow
from market.settlement.inbox import hear_bank
from tests.bench.floor_postgresql import postgresql_floor
from tests.bench.floor_sqlite import SqliteFloor
from tests.bench.ground import Ground
from tests.bench.load import Load, closed_loop, open_loop
from tests.bench.measuring import Broken, Measured, in_turns, quantile, swapped
from tests.bench.on_record import OnRecord
from tests.bench.probe import fsync_probe
from tests.bench.stock import Due, Stock
from tests.market.settlement.bank_side import ESCROW

FEW: Final = 16
MANY: Final = 64
_WARM_UP: Final = 32
_SPARE: Final = 1.5
_FLUSH_US: Final = 2000
_SEAL_ROUNDS: Final = 5  # two sides that differ by little
_PENDING: Final = Insert(PendingRow, "id")
_OPEN_SHARE: Final = 0.5  # of the rate that the callers reached
Loader = Callable[[list[Due], Callable[[Due], Awaitable[Any]]], Awaitable[Load]]


class Settling:
    """Our side: a batch writer on a stock, and the record it is held against."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._house = stock.scene.house.house
        self._record = OnRecord(self._house.database, event="TRD.SETTLE")
        self._rate = 60.0
        self._begun = False

    async def rate(self, *, callers: int, seconds: float) -> float:
        """Settlements a second of so many callers, each of them checked."""
        await self.begin(callers)
        wanted = callers + int(self._rate * seconds * _SPARE)
        load = await self._load(wanted, _callers(callers, seconds))
        self._rate = load.rate
        return load.rate

    async def waits(self, *, seconds: float) -> list[float]:
        """Seconds that each arrival waited, at half the rate that callers reached before."""
        rate = max(self._rate * _OPEN_SHARE, 1.0)

        def arrivals(due: list[Due], one: Callable[[Due], Awaitable[Any]]) -> Awaitable[Load]:
            return open_loop(due, one, rate=rate)

        return (await self._load(max(int(rate * seconds), 20), arrivals)).waited_s

    async def begin(self, callers: int) -> None:
        """Read what is on record so far, and settle a few to warm everything that is remembered."""
        if self._begun:
            return
        await self._record.check([self._stock.scene.trades["SETTLED"]])
        self._begun = True
        self._rate = (await self._load(_WARM_UP, _callers(min(callers, _WARM_UP), 1.0))).rate

    async def _load(self, wanted: int, loader: Loader) -> Load:
        async def carry(due: list[Due], writer: BatchWriter) -> Load:
            async def one(item: Due) -> Any:
                """Who is sent away comes again when it was told to, and has waited all that time."""
                while True:
                    try:
                        return await hear_bank(
                            self._house, envelope=item.notification, escrow=ESCROW, batch=writer
                        )
                    except Busy as busy:
                        await asyncio.sleep(busy.facts["retry_after_s"])

            return await loader(due, one)

        return await self.through(wanted, carry)

    async def through(self, wanted: int, carry: Callable[[list[Due], BatchWriter], Awaitable[Load]]) -> Load:
        """Have so many trades settled in some way, or some of them, and check each that was answered."""
        due = await self._stock.take(wanted)
        collect_less()  # as `databourse serve` does: a node holds no such heap of what is to come
        async with self._writer() as writer:
            load = await carry(due, writer)
        await seal_all(self._house.database, self._house.clock)
        odd = [answer for answer in load.answers if answer["outcome"] != "settled"]
        if odd:
            raise Broken(f"{len(odd)} trades were not settled, such as {odd[0]}")
        answered = [answer["trade_id"] for answer in load.answers]
        await self._record.check(answered)
        await self._record.settled(answered)
        return load

    @asynccontextmanager
    async def _writer(self) -> AsyncIterator[BatchWriter]:
        writer = BatchWriter(self._house.database, self._house.clock)
        task = asyncio.create_task(writer.run())
        try:
            yield writer
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _callers(callers: int, seconds: float) -> Loader:
    def load(due: list[Due], one: Callable[[Due], Awaitable[Any]]) -> Awaitable[Load]:
        return closed_loop(iter(due), one, callers=callers, seconds=seconds)

    return load


async def settling(ground: Ground, kind: str) -> Settling:
    """The settling of a kind of database, the same one throughout a run."""
    known = ground.kept.get(kind)
    if known is None:
        known = ground.kept[kind] = Settling(await ground.stock(kind))
    return known


async def settle(ground: Ground) -> Measured:
    return await _on_postgresql(ground, FEW)


async def settle_batch(ground: Ground) -> Measured:
    return await _on_postgresql(ground, MANY)


async def _on_postgresql(ground: Ground, callers: int) -> Measured:
    seconds = ground.budget.side_s
    ours = await settling(ground, "postgresql")
    async with postgresql_floor(await ground.stock("postgresql"), callers=FEW) as floor:
        rates = await in_turns(
            lambda: ours.rate(callers=callers, seconds=seconds),
            lambda: floor.run(callers=FEW, seconds=seconds),
        )
    unit = f"settlements/s, sealed, {callers} callers, against asyncpg on {FEW} connections"
    return Measured(*rates, unit, (fsync_probe(_name(callers), ground.store()),))


async def settle_sqlite(ground: Ground) -> Measured:
    seconds = ground.budget.side_s
    ours = await settling(ground, "sqlite")
    path = ground.folder / "floor.db"
    floor = SqliteFloor(await ground.stock("sqlite"), path)

    async def plain() -> float:
        return floor.run(seconds=seconds)

    try:
        rates = await in_turns(lambda: ours.rate(callers=MANY, seconds=seconds), plain)
    finally:
        floor.close()
        path.unlink()
    unit = f"settlements/s, sealed, {MANY} callers, against sqlite3 with 64 a commit"
    return Measured(*rates, unit, (fsync_probe("settle_sqlite", ground.folder),))


async def settle_wait(ground: Ground) -> Measured:
    """p99 against p50 of what an arrival waits, at half the rate that the callers reached."""
    ours = await settling(ground, "postgresql")
    await ours.rate(callers=FEW, seconds=ground.budget.side_s)
    waits = sorted([w for _ in range(3) for w in await ours.waits(seconds=ground.budget.side_s)])
    unit = f"ms, p99 against p50 of {len(waits)} open-loop arrivals at half the rate of {FEW} callers"
    return Measured(1000 * quantile(waits, 0.99), 1000 * quantile(waits, 0.5), unit)


async def seal(ground: Ground) -> Measured:
    """The batch writer with the log, against the same without its lock and without sealing."""
    return await _sealing(ground, "seal")


async def seal_flush(ground: Ground) -> Measured:
    """The same where a flush takes 2 ms more (`commit_delay`)."""
    database = (await ground.stock("postgresql")).scene.database
    name = database.engine.url.database
    for setting, value in (("commit_delay", _FLUSH_US), ("commit_siblings", 0)):
        async with database.write() as s:
            await (await s.connection()).execute(text(f'ALTER DATABASE "{name}" SET {setting} = {value}'))
    await database.dispose()
    try:
        return await _sealing(ground, "seal_flush")
    finally:
        async with database.write() as s:
            await (await s.connection()).execute(text(f'ALTER DATABASE "{name}" RESET ALL'))
        await database.dispose()


async def _sealing(ground: Ground, name: str) -> Measured:
    ours = await settling(ground, "postgresql")

    async def chained() -> float:
        return await ours.rate(callers=MANY, seconds=ground.budget.side_s)

    async def unchained() -> float:
        async with swapped(ledger.batch, _seal_behind=_queue):
            return await chained()

    rates = await in_turns(chained, unchained, rounds=_SEAL_ROUNDS)
    unit = f"settlements/s, {MANY} callers, sealed against recorded only"
    return Measured(*rates, unit, (fsync_probe(name, ground.store()),))


async def _queue(s: RowSession, clock: Clock, own: Sequence[tuple[int, bytes]]) -> None:
    """In the place of taking the log and sealing: what was recorded together waits for the sequencer."""
    del clock
    await write_rows(s, _PENDING, [(number,) for number, _ in own])


def _name(callers: int) -> str:
    return "settle" if callers == FEW else "settle_batch"
