"""The publisher: after the sequencer's commit, what was sealed becomes files that anyone can read.

Tiles are written first, by atomic rename, and never change once full; the signed checkpoint comes
last, so whoever sees it finds every tile it needs. The folder lies outside the database: at start-up
its checkpoint tells a restored backup that it would fork the log (`docs/ledger.md`).
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlmodel import col, delete, select

from base.clock import Clock
from base.db import Database, ReadSession, WriteSession
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey, open_checkpoint, sign_checkpoint
from ledger.errors import LogForked
from ledger.reader import TreeHead, tree_head
from ledger.sequencer import lock_log, root_at
from ledger.tables import CheckpointRow, EntryRow, TileRow
from ledger.tiles import ENTRIES, WIDTH, Tile, pack_entries, touched
from ledger.tree import HASH_BYTES

CHECKPOINT_FILE: Final = "checkpoint"


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes one log into one folder. Every key of `signers` signs (the overlap of a rotation)."""

    database: Database
    clock: Clock
    signers: Sequence[NoteSigner]
    folder: Path

    @property
    def signer(self) -> NoteSigner:
        """The key that signs now, the first of them: its vkey is the one to pin."""
        return self.signers[0]

    @property
    def vkeys(self) -> list[VerifierKey]:
        """The log's keys that sign now."""
        return [signer.vkey for signer in self.signers]

    async def check_head(self) -> None:
        """Refuse to go on when the published checkpoint is ahead of, or not a prefix of, the database.

        Raises LogForked, and NoteInvalid when the file is not signed by this node's key.
        """
        seen = self._published()
        if seen is None:
            return
        async with self.database.read() as s:
            await _require_prefix(s, await tree_head(s), seen)

    async def publish(self) -> Checkpoint | None:
        """Write the tiles that are new, then the checkpoint; None when nothing was sealed since.

        Raises LogForked when the log does not begin with what was published: a database may be put back
        under a running process too.
        """
        seen = self._published()
        old = seen.size if seen else 0
        async with self.database.read() as s:
            head = await tree_head(s)
            if seen is not None:
                await _require_prefix(s, head, seen)
            if head.size == old:
                return None
            for tile in touched(old, head.size):
                data = await _tile_bytes(s, tile)
                await asyncio.to_thread(self._write_tile, tile, data)
        checkpoint = Checkpoint(head.origin, head.size, bytes.fromhex(head.root))
        note = sign_checkpoint(checkpoint, *self.signers)
        async with self.database.write() as s:
            await lock_log(s)  # of two that publish at once (`export` beside `serve`) the later tree stands
            seen = self._published()
            if seen is not None and seen.size >= head.size:
                return None
            await _keep(s, head, note.decode(), self.clock.now())
            await asyncio.to_thread(write_atomically, self.folder / CHECKPOINT_FILE, note)
        return checkpoint

    def _published(self) -> Checkpoint | None:
        try:
            note = (self.folder / CHECKPOINT_FILE).read_bytes()
        except FileNotFoundError:
            return None
        return open_checkpoint(note, self.vkeys).checkpoint

    def _write_tile(self, tile: Tile, data: bytes) -> None:
        path = self.folder / tile.path
        write_atomically(path, data)
        if tile.width == WIDTH:
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or none, and a crash loses nothing answered."""
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.is_dir()]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    for folder in (path.parent, *(folder.parent for folder in made)):
        _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    """A name survives a power cut only when its folder was flushed too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


async def _require_prefix(s: ReadSession, head: TreeHead, seen: Checkpoint) -> None:
    """The sealed log begins with what was published. Raises LogForked."""
    if seen.origin != head.origin or seen.size > head.size:
        raise LogForked("the published log is ahead", published=seen.size, database=head.size)
    if seen.size and await root_at(s, seen.size) != seen.root:
        raise LogForked("the published log is another", size=seen.size)


async def _tile_bytes(s: ReadSession, tile: Tile) -> bytes:
    """A tile at the width asked for, though the database may have grown it since."""
    if tile.level == ENTRIES:
        first = tile.index * WIDTH
        rows = await s.exec(
            select(EntryRow.entry)
            .where(col(EntryRow.seq) >= first, col(EntryRow.seq) < first + tile.width)
            .order_by(col(EntryRow.seq))
        )
        return pack_entries(rows.all())
    row = await s.get(TileRow, (tile.level, tile.index), populate_existing=True)
    assert row is not None
    return row.hashes[: tile.width * HASH_BYTES]


async def _keep(s: WriteSession, head: TreeHead, note: str, now: datetime) -> None:
    """Keep this checkpoint; of an hour only its last one stays."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    await s.exec(
        delete(CheckpointRow).where(
            col(CheckpointRow.published_at) >= hour, col(CheckpointRow.size) < head.size
        )
    )
    if await s.get(CheckpointRow, head.size) is None:
        s.add(CheckpointRow(size=head.size, note=note, published_at=now))
