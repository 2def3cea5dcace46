"""A running node: everything the doors need, joined once. Only `web` and `cli` open one."""

import asyncio
import os
import secrets
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import structlog

from base.bucket import Address, Bucket
from base.clock import Clock, SimulatedClock, SystemClock
from base.db import Database, ReadSession
from base.errors import trace_of
from base.files import FileStore
from base.homes import Folder, Home
from base.jobs import Handlers, run_due
from base.settings import SecretUnsafe, Settings, load_or_create_secret
from base.signing import SigningKey, parse_public_key
from brokers.clockwork import certificate_handlers
from brokers.credential.issuing import Desk, credential_handlers
from cases.bulletins.clockwork import bulletin_handlers
from cases.clockwork import case_handlers
from cases.erasing import TOUCHED
from cases.incidents.clockwork import incident_handlers
from identity.founding import Operator, found_exchange, founded_exchange
from identity.rules import parse_roles
from identity.safe import Safe
from identity.second_factor import Factors
from identity.tokens import Tokens, generate_access_key
from ledger.acts import House
from ledger.batch import BatchWriter
from ledger.checkpoint import NoteSigner
from ledger.erasure import SCRUB_JOB, scrubbing
from ledger.errors import LeadershipLost, LogForked
from ledger.key_folder import KeyFolder
from ledger.log_keys import log_keys, signers_of
from ledger.publisher import Publisher
from ledger.reader import last_moment, tree_head
from ledger.sequencer import Leader, create_log, leadership, seal_all
from ledger.witness import WitnessDesk
from ledger.witness_federation import federate
from market.customs.counting import CustomsDesk
from market.customs.releasing import COUNT_JOB
from market.customs.standing import STANDING_JOB
from market.delivery.acceptance import Quality
from market.delivery.gateway.desk import Gateway, open_gateway
from market.delivery.marking.copying import MARK_JOB, MarkDesk
from market.delivery.service import CHECK_JOB
from market.listings.uploads import Quota
from market.settlement.bank import BankClient
from market.settlement.instructing import SEND_JOB, Escrow
from market.settlement.reconciling import RECONCILE_JOB
from market.trade.checking import GoodsDesk
from market.trade.clockwork import handlers
from registry.opening.clockwork import checking_handlers
from registry.opening.winding import CHECK_JOB as OPEN_CHECK_JOB
from web.limits import Uploads
from web.reading import ReadingDatabase
from web.tidying import tidy
from web.witnessing import circle_of, desk_of, federated_every

log = structlog.get_logger("node")
SEAL_EVERY_S: Final = 0.1
PUBLISH_EVERY_S: Final = 1.0
JOBS_EVERY_S: Final = 1.0
TIDY_EVERY_S: Final = 600.0
HALTED_EVERY_S: Final = 10.0
MEASURED_AT_ONCE: Final = 2
# Jobs of one lane wait for each other and for no other lane's: a bank may hang, and a measurement takes long.
LANES: Final[Mapping[str, frozenset[str]]] = {
    "bank": frozenset({SEND_JOB, RECONCILE_JOB}),
    "measurements": frozenset({CHECK_JOB, COUNT_JOB, STANDING_JOB, MARK_JOB, OPEN_CHECK_JOB}),
}
ASKED_AT_ONCE: Final = 4
_BANK_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the exchange, open. `bank` is None where no bank is configured."""

    settings: Settings
    database: Database
    clock: Clock
    house: House
    safe: Safe
    tokens: Tokens
    files: FileStore
    publisher: Publisher
    batch: BatchWriter
    bank: BankClient | None
    escrow: Escrow | None
    http: httpx.AsyncClient
    gateway: Gateway
    desk: WitnessDesk | None = None
    asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ASKED_AT_ONCE))
    uploads: Uploads = field(default_factory=Uploads)
    measuring: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MEASURED_AT_ONCE))
    answering: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MEASURED_AT_ONCE))
    measured: dict[tuple[str, str], Quality] = field(default_factory=dict)

    @property
    def handlers(self) -> Handlers:
        """What the scheduler runs here; without a bank nothing that needs one."""
        scrub = {SCRUB_JOB: scrubbing(self.database, *TOUCHED)}
        desk = GoodsDesk(self.files, self.scratch, self.measuring, self.measured)
        papers = {**credential_handlers(self.house, self.credentials), **case_handlers(self.house)}
        papers |= {**incident_handlers(self.house), **bulletin_handlers(self.house)}
        marks = MarkDesk(self.files, self.scratch, self.measuring, self.safe.master)
        customs = CustomsDesk(self.files, self.scratch, self.safe.master)
        trades = handlers(self.house, self.bank, self.escrow, desk, marks, customs=customs)
        checks = checking_handlers(self.house, self.files)
        return {**certificate_handlers(self.house), **trades, **papers, **scrub, **checks}

    @property
    def factors(self) -> Factors:
        """What checks second factors. Raises Malformed for a setting that names no role."""
        names = self.settings.second_factor_roles.split(",")
        return Factors(self.safe, parse_roles(names) if names != [""] else frozenset())

    @property
    def credentials(self) -> Desk:
        """Where brokers' credentials and their status lists are signed."""
        return Desk(self.safe, self.settings.public_url)

    @property
    def quota(self) -> Quota:
        """What a member may have uploaded without a listing."""
        return Quota(self.settings.upload_quota_files, self.settings.upload_quota_bytes)

    def scratch(self) -> Path:
        """Where a plaintext may stand for a moment: ours alone, and emptied of what a crash has left."""
        return self.settings.scratch()

    async def run_jobs(self) -> int:
        """Run everything that is due now."""
        return await run_due(self.database, self.clock.now(), self.handlers)

    async def run_lane(self, lane: str | None = None) -> int:
        """Run what is due in a lane; None is that of all deadlines, which wait for nobody outside."""
        apart = frozenset().union(*LANES.values())
        kinds = self.handlers.keys() - apart if lane is None else LANES[lane]
        some = {kind: handler for kind, handler in self.handlers.items() if kind in kinds}
        return await run_due(self.database, self.clock.now(), some)

    async def seal(self, leader: Leader | None = None) -> int:
        """Seal what is queued; returns how many entries. Raises LeadershipLost for a leader that is none."""
        return (await seal_all(self.database, self.clock, leader=leader)).count

    async def publish(self) -> None:
        """Publish what was sealed since."""
        await self.publisher.publish()

    async def federate(self) -> int:
        """State on our log what this node cosigned of others, where it is told to; returns how many."""
        every = federated_every(self.settings)
        if self.desk is None or every is None:
            return 0
        return await federate(self.database, self.house.exchange, self.clock, every=every)


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """The node's own keys: the log's, the exchange's, and the one that signs access tokens."""

    checkpoint: NoteSigner
    exchange: SigningKey
    access_pem: bytes
    log: KeyFolder


def load_keys(settings: Settings) -> NodeKeys:
    """Read the node's keys from its data folder; made on first use, readable by their owner alone."""
    folder = settings.keys_dir
    checkpoint = NoteSigner(
        settings.origin, SigningKey.from_bytes(load_or_create_secret(folder / "checkpoint.key"))
    )
    exchange = SigningKey.from_bytes(load_or_create_secret(folder / "exchange.key"))
    return NodeKeys(checkpoint, exchange, _access_key(folder / "access.pem"), KeyFolder(folder))


async def as_the_log_says(s: ReadSession, settings: Settings, publisher: Publisher) -> Publisher:
    """The publisher of the present log, under the keys that the log says are its own.

    The first log lies in the log folder, later ones in it under the last part of their origin: what was
    published under an address stays there. Raises LogKeyMissing.
    """
    told = await log_keys(s)
    if not told.windows or publisher.held is None:
        return publisher
    head = await tree_head(s)
    signers = signers_of(told, publisher.held.keys(), head.size)
    earlier = [window.vkey for window in told.windows]
    return replace(publisher, signers=signers, earlier=earlier, folder=folder_of(settings, head.origin))


def home_of(settings: Settings) -> Home:
    """Where sealed files rest: a bucket where one is named, else the data folder."""
    if settings.store_url is None:
        return Folder(settings.files_dir)
    return Bucket(
        Address(
            settings.store_url,
            endpoint=settings.store_endpoint,
            region=settings.store_region,
            key_id=settings.store_key_id,
            secret=settings.store_key_secret(),
        )
    )


def folder_of(settings: Settings, origin: str) -> Path:
    """Where a log of ours is published."""
    return settings.log_dir if origin == settings.origin else settings.log_dir / origin.rpartition("/")[2]


def _access_key(path: Path) -> bytes:
    """Our P-256 key as PEM. Of several processes that make it at once all get the same."""
    if not path.exists():
        aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(generate_access_key())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its key is the one
            path.hardlink_to(aside)
        aside.unlink()
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretUnsafe(f"{path} can be read by others: chmod 600 {path}")
    return path.read_bytes()


async def found(settings: Settings, database: Database, clock: Clock, operator: Operator) -> None:
    """Found the exchange in an empty database: its log, its genesis entry, its operator. Safe to repeat."""
    keys = load_keys(settings)
    async with database.write() as s:
        await create_log(s, origin=settings.origin, at=clock.now())
        await found_exchange(
            s,
            key=keys.exchange,
            clock=clock,
            origin=settings.origin,
            vkey=str(keys.checkpoint.vkey),
            operator=operator,
        )


async def clock_of(settings: Settings, database: Database) -> Clock:
    """The clock the settings ask for; a simulated one goes on from the ledger's last moment."""
    if settings.clock == "system":
        return SystemClock()
    async with database.read() as s:
        clock = SimulatedClock(await last_moment(s))
    clock.run()
    return clock


@asynccontextmanager
async def open_node(
    settings: Settings, *, clock: Clock | None = None, reading: bool = False, turning: bool = False
) -> AsyncIterator[Node]:
    """Open a founded node and close it again; one for `reading` writes nothing (`web.reading`).

    `turning`: it is opened to turn over its master key (`cli.master_key`), and has the present one.

    Raises ExchangeNotFounded on an empty database, ExchangeFoundedOtherwise with foreign keys.
    """
    os.umask(0o077)
    database = (ReadingDatabase if reading else Database)(settings.database_dsn)
    keys = load_keys(settings)
    try:
        clock = clock or await clock_of(settings, database)
        async with database.read() as s:
            exchange = await founded_exchange(s, key=keys.exchange)
        master = settings.master_key(turning=turning)
        house, safe, batch = House(database, clock, exchange), Safe(master), BatchWriter(database, clock)
        files = FileStore(home_of(settings), master, clock)
        async with (
            httpx.AsyncClient(base_url=settings.bank_url, timeout=_BANK_TIMEOUT_S) as http,
            httpx.AsyncClient(timeout=settings.witness_timeout_s) as peers,
            aclosing(open_gateway(settings, house, safe, batch, files)) as gateway,
        ):
            circle = circle_of(settings, peers)
            first = Publisher(database, clock, (keys.checkpoint,), settings.log_dir, circle, held=keys.log)
            async with database.read() as s:
                publisher = await as_the_log_says(s, settings, first)
            bank = None
            if settings.bank_key is not None:
                bank = BankClient(http, keys.exchange, parse_public_key(settings.bank_key))
            escrow = None
            if settings.escrow_account is not None and settings.fee_account is not None:
                escrow = Escrow(settings.escrow_account, settings.fee_account)
            yield Node(
                settings=settings,
                database=database,
                clock=clock,
                house=house,
                safe=safe,
                tokens=Tokens(
                    keys.access_pem,
                    issuer=settings.public_url,
                    audience=settings.public_url,
                    clock=clock,
                    ttl=timedelta(seconds=settings.token_ttl_s),
                    session_limit=timedelta(seconds=settings.session_limit_s),
                ),
                files=files,
                publisher=publisher,
                batch=batch,
                bank=bank,
                escrow=escrow,
                http=peers,
                gateway=gateway,
                desk=desk_of(settings, database, SystemClock()),  # a cosignature cannot say "simulated"
            )
    finally:
        await database.dispose()


@asynccontextmanager
async def background(node: Node, *, sequencer: bool = True) -> AsyncIterator[None]:
    """A node's standing work while the block lasts: the batch writer and, in one process, the sequencer.

    Raises LogForked at start-up when the published log, or a witness, is ahead of the database: whoever does
    not sequence does not write either, for the batch writer seals too.
    """
    await node.publisher.check_head()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(standing(node.batch.run()))
        if sequencer:
            await stack.enter_async_context(sequencing(node))
        yield


@asynccontextmanager
async def sequencing(node: Node) -> AsyncIterator[None]:
    """Seal, publish, run what falls due and tidy up, while the block lasts; after `check_head`."""
    async with standing(
        _every(PUBLISH_EVERY_S, lambda: _lead(node), "lead"),
        _every(JOBS_EVERY_S, node.run_lane, "jobs"),
        *(_every(JOBS_EVERY_S, partial(node.run_lane, lane), f"jobs: {lane}") for lane in LANES),
        _every(TIDY_EVERY_S, lambda: tidy(node.database, node.clock, node.files, node.scratch()), "tidy"),
    ):
        yield


@asynccontextmanager
async def standing(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run pieces of work beside the block and stop them when it is left."""
    tasks = [asyncio.create_task(piece) for piece in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _lead(node: Node) -> None:
    """Seal and publish while this process leads the log; wait for the leader to go while it does not."""
    async with leadership(node.database) as leader:
        if leader is None:
            return
        async with standing(
            _every(PUBLISH_EVERY_S, node.publish, "publish"),
            _every(PUBLISH_EVERY_S, node.federate, "federate"),
        ):
            try:
                await _every(SEAL_EVERY_S, lambda: node.seal(leader), "seal")
            except LeadershipLost as lost:
                log.warning("leadership lost", detail=lost.detail)


async def _every(pause_s: float, work: Callable[[], Awaitable[Any]], name: str) -> None:
    """Repeat a piece of work; what fails is logged and tried again, nothing is lost by it.

    Raises LeadershipLost: whoever leads no more stops.
    """
    while True:
        try:
            await work()
        except LeadershipLost:
            raise
        except LogForked as fork:  # nobody but a person can put this right
            log.error("this node does not go on", work=name, detail=fork.detail)  # noqa: TRY400 - no trace
            await asyncio.sleep(HALTED_EVERY_S)
        except Exception as error:  # noqa: BLE001 - whatever it was, the work goes on
            log.error("standing work failed", work=name, trace=trace_of(error))  # noqa: TRY400 - without locals
        await asyncio.sleep(pause_s)
