"""The publisher: after the sequencer's commit, what was sealed becomes files that anyone can read.

Tiles are written first, by atomic rename, and never change once full; the signed checkpoint comes
last, so whoever sees it finds every tile it needs. The folder lies outside the database: at start-up
its checkpoint tells a restored backup that it would fork the log (`docs/ledger.md`).
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from sqlalchemy import func
from sqlmodel import col, delete, select

from base.clock import Clock
from base.db import Database, ReadSession, WriteSession
from ledger.checkpoint import Checkpoint, Note, NoteSigner, VerifierKey, open_checkpoint, sign_checkpoint
from ledger.key_folder import KeyFolder
from ledger.log_keys import log_keys, signers_of
from ledger.reader import TreeHead, tree_head
from ledger.sequencer import lock_log
from ledger.tables import CheckpointRow, EntryRow, TileRow, WitnessRow
from ledger.tiles import ENTRIES, WIDTH, Tile, TileNodes, pack_entries, touched
from ledger.tree import HASH_BYTES, consistency_proof
from ledger.witness_circle import Answer, WitnessCircle
from ledger.witness_guard import FILE, OwnKeys, agrees, require_known, require_newest

CHECKPOINT_FILE: Final = "checkpoint"


@dataclass(frozen=True, slots=True)
class _Published:
    note: Note
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes one log into one folder. Every key of `signers` signs (the overlap of a rotation).

    `circle` are the witnesses to ask; `earlier` the log's keys that sign no more, but have signed. With a
    key folder (`held`) the log itself says which keys sign (`ledger.log_keys`), a new one at once.
    """

    database: Database
    clock: Clock
    signers: Sequence[NoteSigner]
    folder: Path
    circle: WitnessCircle | None = None
    earlier: Sequence[VerifierKey] = ()
    held: KeyFolder | None = None

    @property
    def signer(self) -> NoteSigner:
        """The key that signs now, the first of them: its vkey is the one to pin."""
        return self.signers[0]

    @property
    def vkeys(self) -> list[VerifierKey]:
        """The log's keys that sign now."""
        return [signer.vkey for signer in self.signers]

    async def check_head(self) -> None:
        """Refuse to go on when the file, or a witness, holds a checkpoint that the database does not lead to.

        Raises LogForked, and NoteInvalid when the file is not signed by this node's key.
        """
        seen = self._published()
        file = None if seen is None else seen.checkpoint
        answers = await require_newest(self.database, file, self.circle, await self._own())
        if answers:
            async with self.database.write() as s:
                await _remember(s, answers, self.clock.now())

    async def publish(self) -> Checkpoint | None:
        """Write the tiles that are new, ask the witnesses, then write the checkpoint; None for nothing new.

        With too few cosignatures the checkpoint is published all the same, and asked for again later.
        Raises LogForked when the log does not begin with what was published, or with what a witness holds:
        a database may be put back under a running process too; LogKeyMissing when a key is not there.
        """
        seen = self._published()
        old = seen.checkpoint.size if seen else 0
        if seen is not None:
            await require_known(self.database, seen.checkpoint, FILE)
        async with self.database.read() as s:
            head = await tree_head(s)
            signers = await self._due(s, head.size) if head.size > old else ()
            for tile in touched(old, head.size):
                data = await _tile_bytes(s, tile)
                await asyncio.to_thread(self._write_tile, tile, data)
        checkpoint = Checkpoint(head.origin, head.size, bytes.fromhex(head.root))
        if head.size > old:
            note = Note.parse(sign_checkpoint(checkpoint, *signers))
        elif seen is not None:
            note = seen.note.sound(self.witness_keys)
        else:
            return None
        answers = await self._asked(note)
        gained = [one.cosignature for one in answers if one.cosignature is not None]
        if head.size == old and not answers and await self._is_kept(note):
            return None
        note = Note(note.text, (*note.signatures, *gained))
        async with self.database.write() as s:
            await lock_log(s)  # of two that publish at once (`export` beside `serve`) the later tree stands
            await _remember(s, answers, self.clock.now())
            return checkpoint if await self._put(s, head, note) else None

    async def _due(self, s: ReadSession, size: int) -> Sequence[NoteSigner]:
        """Who signs the checkpoint of this size."""
        if self.held is None:
            return self.signers
        keys = await log_keys(s)
        return signers_of(keys, self.held.keys(), size) if keys.windows else self.signers

    async def _put(self, s: WriteSession, head: TreeHead, note: Note) -> bool:
        """Keep the checkpoint and write its file, unless one that is newer, or says as much, is there."""
        seen = self._published()
        if seen is not None and seen.checkpoint.size > head.size:
            return False
        if seen is not None and seen.checkpoint.size == head.size:
            note = Note(note.text, (*seen.note.signatures, *note.signatures))
        note = note.sound(self.witness_keys)  # a line that does not hold is published by nobody
        witnessed = self.witnessed(bytes(note))
        await _keep(s, head, bytes(note).decode(), self.clock.now(), witnessed=witnessed)
        new = seen is None or seen.note != note
        if new:
            await asyncio.to_thread(write_atomically, self.folder / CHECKPOINT_FILE, bytes(note))
        return new

    async def _is_kept(self, note: Note) -> bool:
        """Whether the database keeps the published note: the file comes before the commit, which may fail."""
        async with self.database.read() as s:
            row = await s.get(CheckpointRow, Checkpoint.parse(note.text).size)
        return row is not None and row.note == bytes(note).decode()

    async def _asked(self, note: Note) -> list[Answer]:
        """What the witnesses that are due answer. Raises LogForked where one holds what we do not lead to."""
        if self.circle is None:
            return []
        size = Checkpoint.parse(note.text).size

        async def prove(old: int) -> Sequence[bytes]:
            nodes = TileNodes(lambda tile: (self.folder / tile.path).read_bytes(), size)
            return await asyncio.to_thread(consistency_proof, old, size, nodes)

        answers = await self.circle.cosign(note, prove)
        evidence = [answer for answer in answers if answer.evidence is not None]
        if evidence:
            own = await self._own()
            for answer in evidence:
                await agrees(self.database, answer, own)
        return answers

    async def _own(self) -> OwnKeys:
        """Our keys, and where the log has ended one."""
        async with self.database.read() as s:
            told = (await log_keys(s)).windows
        ended = {one.vkey: one.to_size for one in told if one.to_size is not None}
        return OwnKeys(self.known, ended)

    @property
    def witness_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of our witnesses, as a bundle names them."""
        return () if self.circle is None else tuple(self.circle.policy.vkeys)

    def witnessed(self, note: bytes) -> bool | None:
        """Whether cosignatures that hold are a quorum for a checkpoint of ours; None: none is asked for."""
        if self.circle is None or not self.circle.policy.asks:
            return None
        sound = bytes(Note.parse(note).sound(self.witness_keys))
        opened = open_checkpoint(sound, [*self.known, *self.circle.policy.vkeys])
        return self.circle.policy.satisfied(opened.cosigned)

    @property
    def known(self) -> list[VerifierKey]:
        """Every key of this log that has signed a checkpoint."""
        held = () if self.held is None else self.held.keys()
        own = [NoteSigner(self.signer.name, key).vkey for key in held]
        return list(dict.fromkeys((*self.vkeys, *self.earlier, *own)))

    def _published(self) -> "_Published | None":
        try:
            data = (self.folder / CHECKPOINT_FILE).read_bytes()
        except FileNotFoundError:
            return None
        return _Published(Note.parse(data), open_checkpoint(data, self.known).checkpoint)

    def _write_tile(self, tile: Tile, data: bytes) -> None:
        path = self.folder / tile.path
        write_atomically(path, data)
        if tile.width == WIDTH:
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or none, and a crash loses nothing answered."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        _flush_name.cache_clear()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)
    _flush_name(path.parent)


@lru_cache(maxsize=1024)
def _flush_name(folder: Path) -> None:
    """Make sure, once, that a folder's own name survives a power cut, and those above it as far as we write.

    That it is there tells nothing: whoever made it may have failed before its name was flushed.
    """
    parent = folder.parent
    if parent != folder and os.access(parent, os.R_OK | os.W_OK):
        _flush_folder(parent)
        _flush_name(parent)


def _flush_folder(folder: Path) -> None:
    """A name survives a power cut only when its folder was flushed too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


async def _keep(s: WriteSession, head: TreeHead, note: str, now: datetime, *, witnessed: bool | None) -> None:
    """Keep this checkpoint; of an hour only its last one stays, and the last that is witnessed."""
    stale = delete(CheckpointRow).where(
        col(CheckpointRow.published_at) >= now.replace(minute=0, second=0, microsecond=0),
        col(CheckpointRow.size) < head.size,
    )
    if witnessed is False:
        last = select(func.max(CheckpointRow.size)).where(col(CheckpointRow.witnessed).is_(True))
        stale = stale.where(col(CheckpointRow.size) != func.coalesce(last.scalar_subquery(), -1))
    await s.exec(stale)
    await s.merge(CheckpointRow(size=head.size, note=note, published_at=now, witnessed=witnessed))


async def _remember(s: WriteSession, answers: Sequence[Answer], now: datetime) -> None:
    """Keep what each witness answered, for whoever looks after the node."""
    for answer in answers:
        row = await s.get(WitnessRow, str(answer.witness.vkey))
        if row is None:
            row = WitnessRow(vkey=str(answer.witness.vkey), size=0, asked_at=now)
        row.asked_at, row.problem = now, answer.problem
        if answer.problem is not None:
            row.failures += 1
        elif answer.cosignature is not None:
            row.size, row.cosigned_at, row.failures = answer.size, now, 0
        s.add(row)
