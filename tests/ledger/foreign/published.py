"""A log that the real sequencer sealed and the real publisher published, for foreign programs to read."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.clock import SimulatedClock
from base.db import Database
from base.ids import Seed
from base.signing import SigningKey
from ledger import reader
from ledger.checkpoint import Checkpoint, Note, NoteSigner, Receipt
from ledger.publisher import Publisher
from ledger.recording import Act, Actor, Exchange, ExchangePen, record
from ledger.sequencer import create_log, seal_all
from ledger.statement import Draft
from ledger.tiles import ENTRIES, Tile, unpack_entries
from tests.databases import on_sqlite
from tests.ledger.make_bundle import cosignature
from tests.ledger.seeds import AT

ORIGIN: Final = "exchange.test/log"
SIZES: Final = (1, 5, 255, 256, 300, 512, 600)
PROVED: Final = (0, 1, 254, 255, 256, 299, 511, 512, 599)
LOG: Final = NoteSigner(ORIGIN, SigningKey.from_bytes(b"\x07" * 32))
WITNESS: Final = NoteSigner("witness.test/w1", SigningKey.from_bytes(b"\x08" * 32))
EXCHANGE: Final = SigningKey.from_bytes(b"\x09" * 32)


@dataclass(frozen=True)
class Published:
    """The folder that anyone may read: `checkpoint`, `tile/…`, `checkpoints/<size>`, `receipts/<seq>`."""

    folder: Path

    @property
    def files(self) -> list[str]:
        return sorted(
            path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()
        )

    @property
    def kept(self) -> list[str]:
        return [path for path in self.files if path.startswith("checkpoints/")]

    @property
    def receipts(self) -> dict[str, str]:
        """The path of each receipt, and of the bytes it speaks of."""
        return {path: f"leaves/{path[9:]}" for path in self.files if path.startswith("receipts/")}

    @property
    def head(self) -> Checkpoint:
        return Checkpoint.parse(Note.parse((self.folder / "checkpoint").read_bytes()).text)

    def entries(self) -> list[bytes]:
        found: list[bytes] = []
        while len(found) < SIZES[-1]:
            tile = Tile(ENTRIES, len(found) // 256, min(256, SIZES[-1] - len(found)))
            found += unpack_entries((self.folder / tile.path).read_bytes())
        return found


def act(number: int) -> Act:
    """An act of the exchange that is the same in every run."""
    exchange = Exchange(Actor("org_exchange", frozenset({"EXCHANGE_OPERATOR"})), ExchangePen(EXCHANGE))
    return Act(
        actor=exchange.actor,
        role="EXCHANGE_OPERATOR",
        occurred_at=AT,
        now=AT,
        simulated=True,
        seed=Seed(b"seed of act %d" % number),
        pen=exchange.pen,
        exchange=exchange,
    )


async def publish(template: Path, folder: Path) -> Published:
    """Record, seal and publish up to each of `SIZES`; cosign the last checkpoint; prove some entries."""
    clock = SimulatedClock(AT)
    async with on_sqlite(template, folder.with_suffix(".db")) as database:
        async with database.write() as s:
            await create_log(s, origin=ORIGIN, at=AT)
        publisher = Publisher(database, clock, (LOG,), folder)
        done = 0
        for size in SIZES:
            async with database.write() as s:
                for number in range(done, size):
                    said = Draft("TST.NOTE", f"note_{number}", {"number": number}, {"text": f"说明 {number}"})
                    await record(s, act(number), said)
            await seal_all(database, clock)
            await publisher.publish()
            done = size
            _keep(folder, f"checkpoints/{size}", (folder / "checkpoint").read_bytes())
        signed = (folder / "checkpoint").read_bytes()
        text = Note.parse(signed).text
        (folder / "checkpoint").write_bytes(signed + cosignature(WITNESS, text, 1_790_000_000).encode())
        for seq in PROVED:
            await _prove(database, folder, seq)
    return Published(folder)


async def _prove(database: Database, folder: Path, seq: int) -> None:
    async with database.read() as s:
        path = await reader.proof(s, seq=seq, size=SIZES[-1])
        entry = await reader.entry(s, seq=seq)
    receipt = Receipt(seq, tuple(path), (folder / "checkpoint").read_bytes())
    _keep(folder, f"receipts/{seq}", receipt.text())
    _keep(folder, f"leaves/{seq}", entry.entry)


def _keep(folder: Path, path: str, data: bytes) -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_bytes(data)


def published(template: Path, folder: Path) -> Published:
    return asyncio.run(publish(template, folder))
