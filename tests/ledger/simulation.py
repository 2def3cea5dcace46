"""A seeded simulation of one log: writers, sequencer, publisher, a witness, a clock, and what goes wrong.

One lot decides everything: what is done next, what fails, where the process dies. After every step the
whole of what is stored and published is read back by other code and compared with what was answered.
A seed replays a run exactly: `Simulation.trace` and the log's bytes are the same again.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import httpx
import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from base.clock import SimulatedClock
from base.db import Database, RowSession, WriteSession
from base.errors import Conflict, DomainError
from base.rows import Plan
from base.signing import SigningKey
from ledger.accounts import Leg, bank_cash, held
from ledger.acts import House, perform
from ledger.batch import Alone, Command, write_batch
from ledger.checkpoint import Cosigner, NoteSigner
from ledger.errors import LogForked
from ledger.posting import book
from ledger.publisher import Publisher
from ledger.recording import Act, Actor, Exchange, ExchangePen, exchange_act, record
from ledger.sequencer import create_log, seal, seal_all
from ledger.statement import Draft
from ledger.tiles import Tile
from ledger.together import prepare, record_together
from ledger.witness import WitnessDesk
from ledger.witness_circle import WitnessCircle
from ledger.witness_policy import Policy, Witness
from tests.databases import sqlite_url
from tests.ledger.faults import Crashed, Disk, Faults, Kind
from tests.ledger.seeds import AT
from tests.ledger.simulated_view import ORIGIN, View, Wrong

LOG: Final = NoteSigner(ORIGIN, SigningKey.from_bytes(b"\x07" * 32))
EXCHANGE: Final = Exchange(
    Actor("org_exchange", frozenset({"EXCHANGE_OPERATOR"})), ExchangePen(SigningKey.from_bytes(b"\x09" * 32))
)
COSIGNER: Final = Cosigner("witness.test/w1", SigningKey.from_bytes(b"\x08" * 32))
POLICY: Final = Policy(witnesses=(Witness("w1", COSIGNER.vkey, "http://witness.test"),), quorum="w1")
STATUS: Final = {
    "submission-malformed": 400,
    "log-not-witnessed": 404,
    "not-found": 404,
    "checkpoint-untrusted": 403,
    "witness-ahead": 409,
    "proof-invalid": 422,
}
Result = TypeVar("Result")


class Declined(Conflict):
    code = "test-declined"


class Surprise(Exception):
    """A defect in a verb."""


async def make_template(path: Path) -> None:
    """A database with the ledger's tables and nothing in it."""
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name.startswith("ledger_")]
    database = Database(sqlite_url(path))
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: SQLModel.metadata.create_all(sync, tables=tables))
    await database.dispose()


class Simulation:
    """One run. `facts` is what the log must say: number of the act, and its event."""

    def __init__(self, seed: int, template: Path, folder: Path) -> None:
        self.dice = Random(seed)
        self.clock = SimulatedClock(AT)
        self.trace: list[str] = []
        self.facts: dict[int, str] = {}
        self.gone: set[int] = set()
        self.lives = 0
        self._seed, self._template, self._folder = seed, template, folder
        self._numbers = 0
        self._backup: Path | None = None
        self._reachable = True
        self._deaths: list[str] = []
        self._witness_faults = Faults()
        self.view = View(LOG.vkey, COSIGNER.vkey)
        self._open(template, None)
        shutil.copyfile(template, folder / "witness.db")
        self._witness = Database(sqlite_url(folder / "witness.db"))
        self._witness_faults.watch(self._witness)
        self._desk = WitnessDesk(self._witness, SimulatedClock(AT), COSIGNER, {ORIGIN: [LOG.vkey]})

    # --- lives of the process

    def _open(self, store: Path, disk: Path | None) -> None:
        """Start the process on what a store and a disk hold."""
        self.lives += 1
        home = self._folder / f"life{self.lives}"
        home.mkdir(parents=True)
        self.path = home / "log.db"
        copied(store, self.path)
        if disk is not None:
            shutil.copytree(disk, home / "published")
        self.faults = Faults()
        self.disk = Disk(home / "published", home / "aside", self.faults)
        self.faults.at_crash = self._die
        self.database = Database(sqlite_url(self.path))
        self.faults.watch(self.database)
        self.house = House(self.database, self.clock, EXCHANGE)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._at_the_witness))
        circle = WitnessCircle(POLICY, http, now=lambda: self.clock.now().timestamp())
        self.publisher = Publisher(self.database, self.clock, (LOG,), self.disk.folder, circle)
        self.view.move(self.path, self.disk.folder)

    def _die(self) -> None:
        """What is on the disk at this moment is all that is left."""
        grave = self._folder / f"grave{self.lives}"
        grave.mkdir()
        copied(self.path, grave / "log.db")
        self.disk.power_cut(self.dice, grave / "published")

    async def close(self) -> None:
        assert self.publisher.circle is not None
        await self.publisher.circle.http.aclose()
        await self.database.dispose()

    async def _rise(self) -> None:
        """After a crash: open what is left, in a new process."""
        grave = self._folder / f"grave{self.lives}"
        await self.close()
        self._open(grave / "log.db", grave / "published")
        await self._started()

    async def _started(self) -> None:
        async with self.database.write() as s:
            await create_log(s, origin=ORIGIN, at=self.clock.now())
        await self.publisher.check_head()

    # --- a run

    async def run(self, steps: int) -> str:
        """Do so many steps and check after each; returns the last root. Raises Wrong."""
        try:
            await self._started()
            for _ in range(steps):
                await self._step()
            await self._come_to_rest()
            return self.view.read().root.hex()
        finally:
            await self.close()
            await self._witness.dispose()

    async def run_with(self, kind: Kind, after: int) -> int:
        """A short day in which the `after`-th thing goes wrong; returns how many things there were."""
        try:
            await self._started()
            self.faults.count = 0
            self.faults.arm(kind, after)
            for todo in 2 * (
                self._notes,
                self._settle,
                self._together,
                self._refused,
                self._seal_all,
                self._publish,
            ):
                await self._named(todo)
            count = self.faults.count
            await self._come_to_rest()
            return count
        finally:
            await self.close()
            await self._witness.dispose()

    async def _step(self) -> None:
        todo = self.dice.choices(
            [
                self._notes,
                self._settle,
                self._together,
                self._refused,
                self._seal,
                self._publish,
                self._overtaken,
                self._wait,
                self._restart,
                self._back_up,
                self._put_back,
            ],
            [20, 10, 6, 4, 14, 14, 3, 6, 3, 2, 2],
        )[0]
        self._reachable = self.dice.random() < 0.8
        for faults, often in ((self.faults, 0.5), (self._witness_faults, 0.2)):
            faults.disarm()
            if self.dice.random() < often:
                kind = Kind.FAIL if faults is self._witness_faults else self.dice.choice(list(Kind))
                faults.arm(kind, self.dice.randint(1, 30))
        await self._named(todo)

    async def _named(self, todo: Callable[[], Awaitable[str]]) -> None:
        said = await todo()
        wrong = [one for one in (*self._deaths, self.faults.fired, self._witness_faults.fired) if one]
        self._deaths.clear()
        self.faults.fired = self._witness_faults.fired = None
        self.trace.append(f"{len(self.trace)} {todo.__name__[1:]}: {said}; {wrong}")
        self._check()

    async def _try(self, work: Callable[[], Awaitable[Result]]) -> Result | None:
        """Do something that may be told to fail; after a crash the next process is up when it returns."""
        try:
            with self.disk.installed(), self.faults.past_the_compiler():
                return await work()
        except Crashed as crash:
            self._deaths.append(f"died: {crash}")
            await self._rise()
        except (DBAPIError, OSError):
            if self.faults.fired is None:
                raise
        return None

    def _check(self) -> None:
        """Compare everything that is stored and published with what was answered."""
        found = self.view.read()
        if found.facts != self.facts:
            raise Wrong(f"the log says {found.facts}, answered was {self.facts}")
        if self.gone & set(found.facts):
            raise Wrong("what was not done is there after all")
        self.view.remember(found, self.dice)

    async def _come_to_rest(self) -> None:
        """With nothing going wrong any more, all is sealed, published and cosigned."""
        self.faults.disarm()
        self._witness_faults.disarm()
        self._reachable = True
        self.clock.advance(timedelta(hours=2))
        with self.disk.installed():
            await seal_all(self.database, self.clock)
            await self.publisher.publish()
        self._check()
        self.view.at_rest(await self._desk_keeps())

    async def _desk_keeps(self) -> bytes | None:
        async with self._circle() as circle:
            (answer,) = await circle.latest(ORIGIN)
        return answer.evidence

    # --- what is done

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _act(self, number: int) -> Act:
        act = exchange_act(EXCHANGE, self.clock)
        act.seed.secret = b"%d/%d" % (self._seed, number)
        return act

    async def _learn(self, doubt: dict[int, str], *, together: bool) -> str:
        """After no answer: what of this was done? From now on it is a fact, the rest must never appear."""
        there = {number: event for number, event in doubt.items() if number in self.view.read().facts}
        if together and there and there != doubt:
            raise Wrong(f"a transaction was done by half: {there} of {doubt}")
        self.facts |= there
        self.gone |= set(doubt) - set(there)
        return f"no answer, {len(there)} of {len(doubt)} done"

    async def _notes(self) -> str:
        """A transaction with some statements."""
        numbers = [self._number() for _ in range(self.dice.choice([1, 1, 2, 5, 40]))]

        async def write() -> bool:
            async with self.database.write() as s:
                for number in numbers:
                    await note(s, self._act(number), number)
            return True

        said = dict.fromkeys(numbers, "TST.NOTE")
        if await self._try(write) is None:
            return await self._learn(said, together=True)
        self.facts |= said
        return f"{len(numbers)} said"

    async def _settle(self) -> str:
        """Settlements in one batch; some are refused, some fail, and are left out."""
        told: dict[int, str] = {}
        commands = []
        for _ in range(self.dice.randint(1, 4)):
            number, how = self._number(), self.dice.choice(["TST.SETTLE", "TST.SETTLE", "REF.REFUSE", ""])
            told[number] = how
            commands.append(
                Command(self._act(number), settling(number, how), "TST.SETTLE", f"trade_{number}")
            )
        return await self._write(told, commands)

    async def _together(self) -> str:
        """Acts that are carried out set by set, but for one now and then, which goes alone."""
        told: dict[int, str] = {}
        commands = []
        for _ in range(self.dice.randint(1, 6)):
            number = self._number()
            told[number] = "TST.NOTE"
            odd = self.dice.random() < 0.1
            act, said = self._act(number), None if odd else number
            commands.append(
                Command(
                    act, noting(number), "TST.NOTE", f"note_{number}", together=noting_together, said=said
                )
            )
        return await self._write(told, commands)

    async def _write(self, told: dict[int, str], commands: list[Command]) -> str:
        """A batch: what was answered is a fact, what failed was left out, or is in doubt."""
        outcomes = await self._try(lambda: write_batch(self.database, self.clock, commands))
        if outcomes is None:
            return await self._learn({n: how for n, how in told.items() if how}, together=False)
        doubt = {}
        for (number, how), outcome in zip(told.items(), outcomes, strict=True):
            if isinstance(outcome, DBAPIError):
                doubt[number] = how
            elif how:
                self.facts[number] = how
        if doubt and self.faults.fired is None:
            raise Wrong(f"the store did not fail, and yet: {outcomes}")
        said = await self._learn({n: how for n, how in doubt.items() if how}, together=False) if doubt else ""
        return f"{len(told) - len(doubt)} of {len(told)} answered; {said}"

    async def _refused(self) -> str:
        """An act that is refused after it had written: only the refusal stays."""
        number = self._number()

        async def refused() -> bool:
            try:
                await perform(
                    self.house,
                    self._act(number),
                    settling(number, "REF.REFUSE"),
                    attempted="TST.SETTLE",
                    object_id=f"trade_{number}",
                )
            except Declined:
                return True
            raise Wrong("a refusal was not raised")

        said = {number: "REF.REFUSE"}
        if await self._try(refused) is None:
            return await self._learn(said, together=True)
        self.facts |= said
        return "refused"

    async def _seal(self) -> str:
        limit = self.dice.choice([1, 3, 50, 4000])

        async def sealed() -> int:
            async with self.database.write() as s:
                return (await seal(s, self.clock, limit=limit)).count

        return f"{await self._try(sealed)} sealed"

    async def _seal_all(self) -> str:
        return f"{await self._try(lambda: seal_all(self.database, self.clock))}"

    async def _publish(self) -> str:
        head = await self._try(self.publisher.publish)
        if head is not None:
            self.view.answered = max(self.view.answered, head.size)
        if self.faults.fired is None and not self._deaths:
            self.view.kept_as_published()
        return f"published {head.size if head else None}"

    async def _overtaken(self) -> str:
        """While one publishes, more is said, sealed, and published by another."""
        loop, simulation = asyncio.get_running_loop(), self
        self.faults.disarm()
        others: list[str] = []

        async def overtake() -> None:
            others.append(await simulation._notes())
            await seal_all(simulation.database, simulation.clock)
            others.append(await simulation._publish())

        class Overtaken(Publisher):
            def _write_tile(self, tile: Tile, data: bytes) -> None:
                super()._write_tile(tile, data)
                if not others:
                    asyncio.run_coroutine_threadsafe(overtake(), loop).result(60)

        mine = self.publisher
        slow = Overtaken(mine.database, mine.clock, mine.signers, mine.folder, mine.circle)
        head = await self._try(slow.publish)
        return f"{others} and then {head.size if head else None}"

    async def _wait(self) -> str:
        self.clock.advance(timedelta(seconds=self.dice.choice([1, 40, 1800, 7200])))
        return str(self.clock.now())

    async def _restart(self) -> str:
        """A planned stop, and the start after it."""
        await self.close()
        if self.dice.random() < 0.5:  # on a machine whose clock is behind
            self.clock = SimulatedClock(self.clock.now() - timedelta(seconds=self.dice.randint(1, 9000)))
        self._open(self.path, self.disk.folder)
        await self._try(self._started)
        return f"restarted at {self.clock.now()}"

    async def _back_up(self) -> str:
        self._backup = self._folder / f"backup{len(self.trace)}.db"
        copied(self.path, self._backup)
        return "backed up"

    async def _put_back(self) -> str:
        """An old backup under what was published since: it must not go on, not even when it has grown."""
        if self._backup is None:
            return "no backup"
        self.faults.disarm()
        self._witness_faults.disarm()
        home = self._folder / f"put_back{len(self.trace)}"
        home.mkdir()
        copied(self._backup, home / "log.db")
        told_by, held_by_it = "the file", self.view.published()[0]
        if self.dice.random() < 0.5:  # the published folder is gone too: only the witness can tell
            told_by, held_by_it, self._reachable = "the witness", self._cosigned_size(), True
            (home / "published").mkdir()
        else:
            shutil.copytree(self.disk.folder, home / "published")
        old = Database(sqlite_url(home / "log.db"))
        async with self._circle() as circle:
            witnesses = circle if told_by == "the witness" else None
            publisher = Publisher(old, self.clock, (LOG,), home / "published", witnesses)
            try:
                return f"{told_by}: {await self._goes_on(publisher, size_of(home / 'log.db'), held_by_it)}"
            finally:
                await old.dispose()

    async def _goes_on(self, publisher: Publisher, size: int, held_elsewhere: int) -> str:
        """A publisher over an old database goes on only where nobody holds more than that."""
        if held_elsewhere <= size:
            await publisher.check_head()
            return f"{size} is not behind {held_elsewhere}"
        old = publisher.database
        work: list[Callable[[], Awaitable[Any]]] = [
            publisher.check_head,
            publisher.publish,
            lambda: seal_all(old, self.clock),
        ]
        if self.dice.random() < 0.5:  # nobody looked: it grows beside what was published
            async with old.write() as s:
                for number in range(held_elsewhere - size + self.dice.randint(0, 3)):
                    await note(s, self._act(-1 - number), 1_000_000 + number)
            later = SimulatedClock(self.clock.now() + timedelta(days=9, milliseconds=1))
            await seal_all(old, later)  # what was queued in it comes out another, by its time
            work[:2] = self.dice.sample(work[:2], 2)
        elif size == 0:
            work.remove(publisher.publish)  # of an empty tree there is nothing to publish
        for one in work:
            with pytest.raises(LogForked):
                await one()
        return f"{size} may not go on behind {held_elsewhere}"

    def _cosigned_size(self) -> int:
        with closing(sqlite3.connect(self._folder / "witness.db")) as base:
            return int((base.execute("SELECT max(size) FROM ledger_witnessed").fetchone() or [0])[0] or 0)

    @asynccontextmanager
    async def _circle(self) -> AsyncIterator[WitnessCircle]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._at_the_witness)) as http:
            yield WitnessCircle(POLICY, http)

    # --- the witness's door

    async def _at_the_witness(self, request: httpx.Request) -> httpx.Response:
        if not self._reachable:
            raise httpx.ConnectError("out of reach, as it was told")
        try:
            if request.method == "POST":
                return httpx.Response(200, text=await self._desk.add_checkpoint(request.content))
            return httpx.Response(200, content=await self._desk.kept(request.url.path.split("/")[1]))
        except DBAPIError:
            return httpx.Response(500)
        except DomainError as error:
            if error.code == "witness-ahead":
                kind = {"content-type": "text/x.tlog.size"}
                return httpx.Response(409, text=f"{error.facts['size']}\n", headers=kind)
            return httpx.Response(STATUS[error.code])


def size_of(store: Path) -> int:
    with closing(sqlite3.connect(store)) as base:
        return int(base.execute("SELECT size FROM ledger_tree").fetchone()[0])


def copied(store: Path, to: Path) -> None:
    """The files of an SQLite database as they lie there."""
    for ending in ("", "-wal"):
        if Path(f"{store}{ending}").exists():
            shutil.copyfile(f"{store}{ending}", f"{to}{ending}")


async def note(s: WriteSession, act: Act, number: int) -> None:
    opening = {"text": f"说明 {number}"} if number % 2 else None
    await record(s, act, Draft("TST.NOTE", f"note_{number}", {"number": number}, opening))


def noting(number: int) -> Callable[[WriteSession, Act], Awaitable[Any]]:
    async def said(s: WriteSession, act: Act) -> bool:
        await note(s, act, number)
        return True

    return said


async def noting_together(s: RowSession, plan: Plan, commands: Sequence[Command]) -> list[Any]:
    """The same for many at once; what `said` nothing goes alone."""
    able = [command for command in commands if command.said is not None]
    drafts = [(one.act, Draft("TST.NOTE", one.object_id, {"number": one.said})) for one in able]
    prepared = await prepare(s, [one.act for one in able]) if able else None
    done = iter(record_together(s, plan, drafts, prepared) if prepared is not None else ())
    return [Alone.ALONE if command.said is None else next(done) for command in commands]


def settling(number: int, how: str) -> Callable[[WriteSession, Act], Awaitable[Any]]:
    """A statement and two legs; then it is refused, or fails, or stands."""

    async def settle(s: WriteSession, act: Act) -> None:
        made = await record(s, act, Draft("TST.SETTLE", f"trade_{number}", {"number": number}))
        await book(
            s,
            batch_id=act.new_id("bat"),
            object_id=f"trade_{number}",
            statement_id=made.statement_id,
            booked_at=act.now,
            legs=[Leg(bank_cash(), 100), Leg(held(f"trade_{number}"), -100)],
        )
        if how == "REF.REFUSE":
            raise Declined("declined", number=number)
        if not how:
            raise Surprise

    return settle
