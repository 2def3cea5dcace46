"""Putting a backup back: everything is proved beside what is there, and only then takes its place.

1. Open and unpack the backup into a folder of its own: age proves the bytes, the manifest each member.
2. The manifest is signed by the log's key (`--vkey`, or the keys of this folder).
3. The database is whole, of a known schema; its log is hashed anew, entry by entry.
4. It leads to what was published: the checkpoint in the log folder, and those that the witnesses keep.
5. What is missing of sealed files and keys is added; nothing that is there is changed.
6. The database takes the old one's place in one step. The old SQLite file is kept beside it.

A process killed before step 6 leaves the exchange as it was; what it unpacked is removed by the next restore.
"""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

import httpx

from base.age import Identity
from base.clock import Clock
from base.db import ReadSession
from base.errors import DomainError
from base.homes import make_folder
from base.settings import Settings
from cli.backup_archive import FILES, KEYS, SQLITE, Manifest, signed_by, unpack
from cli.backup_database import (
    BackupOfAnotherKind,
    check_log,
    check_sqlite,
    loaded,
    opened_copy,
    replace_sqlite,
    sqlite_path,
)
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey, open_checkpoint
from ledger.errors import LogForked, NoteInvalid
from ledger.key_folder import KeyFolder
from ledger.log_keys import log_keys
from ledger.publisher import CHECKPOINT_FILE
from ledger.reader import TreeHead, tree_head
from ledger.recording import record
from ledger.statement import Draft
from ledger.witness_guard import OwnKeys, require_prefix
from web.node import folder_of, open_node
from web.witnessing import circle_of

RESTORE: Final = "BAK.RESTORE"
_STAGING: Final = "restoring-"


class KeysDiffer(DomainError):
    """Keys of another exchange, or of another time of this one, lie where those of the backup belong."""

    code: ClassVar[str] = "keys-differ"
    title = "Other keys are in the key folder"


class BackupBehind(LogForked):
    """The log went on after this backup was taken: whoever went on from it would fork the log."""

    code: ClassVar[str] = "backup-behind"
    title = "The log went on after this backup was taken"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, or would do. `behind` says why the node will not write, None where it will."""

    manifest: Manifest
    pinned: bool
    behind: str | None
    kept: Path | None = None


async def restore(
    settings: Settings,
    path: Path,
    identity: Identity,
    *,
    vkeys: Sequence[VerifierKey] = (),
    though_behind: bool = False,
    check: bool = False,
) -> Restored:
    """Put a backup in the place of what is there; with `check` prove it alone.

    Raises BackupBad, KeyDoesNotOpen, BackupOfAnotherKind, KeysDiffer, DatabaseInUse; BackupBehind unless it
    is wished `though_behind`. Then nothing was moved.
    """
    make_folder(settings.data_dir)
    staging = settings.data_dir / f"{_STAGING}{secrets.token_hex(8)}"
    for left in settings.data_dir.glob(f"{_STAGING}*"):  # of one that was killed
        shutil.rmtree(left, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        manifest, note = await asyncio.to_thread(unpack, path, identity, staging)
        known = [*vkeys] or _own(settings.keys_dir, manifest.origin)
        pinned = bool(known)
        signed_by(note, known or _own(staging / KEYS, manifest.origin))
        database = sqlite_path(settings)
        if (manifest.database == "sqlite") != (database is not None):
            raise BackupOfAnotherKind("the settings name another kind of database", backup=manifest.database)
        _require_same_keys(settings.keys_dir, staging / KEYS)
        here = settings.master_key_file or settings.keys_dir / "master.key"
        if not here.exists() and not (staging / KEYS / "master.key").exists():
            raise KeysDiffer("there is no master key, neither here nor in the backup", file=str(here))
        async with _proved(settings, staging, manifest) as behind:
            if behind is not None and not (though_behind or check):
                raise behind
            told = None if behind is None else behind.detail
            done = Restored(manifest, pinned, told)
            if check:
                raise _OnlyChecked(done)
            await asyncio.to_thread(_add_missing, staging / FILES, settings.files_dir, name="*/*")
            await asyncio.to_thread(_add_missing, staging / KEYS, settings.keys_dir, name="*")
        if database is not None:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            kept = database.with_name(f"{database.name}.before-{stamp}-{secrets.token_hex(2)}")
            replace_sqlite(staging / SQLITE, database, kept=kept)
            done = replace(done, kept=kept if kept.exists() else None)
    except _OnlyChecked as only:
        return only.done
    else:
        return done
    finally:
        shutil.rmtree(staging, ignore_errors=True)


class _OnlyChecked(Exception):
    """Takes the transaction back in which everything was proved."""

    def __init__(self, done: Restored) -> None:
        super().__init__("checked")
        self.done = done


async def state_restored(settings: Settings, restored: Restored, *, clock: Clock | None = None) -> None:
    """Say on the log that it was put back (BAK.RESTORE); where the node may write."""
    async with open_node(settings, clock=clock) as node:
        await node.publisher.check_head()
        async with node.database.write() as s:
            public = {"size": restored.manifest.size, "root": restored.manifest.root}
            draft = Draft(RESTORE, restored.manifest.backup_id, public=public)
            await record(s, node.house.exchange_act(), draft)
        await node.seal()
        await node.publish()


@asynccontextmanager
async def _proved(settings: Settings, staging: Path, manifest: Manifest) -> AsyncIterator[LogForked | None]:
    """The database of the backup, whole; why the log does not go on from it, or None.

    On PostgreSQL it is put in place when the block is left.
    """
    if manifest.database == "sqlite":
        await asyncio.to_thread(check_sqlite, staging / SQLITE, manifest)
        async with opened_copy(staging / SQLITE) as s:
            await check_log(s, manifest)
            behind = await _behind(s, settings, staging)
        yield behind
        return
    async with loaded(settings, staging, manifest) as s:
        await check_log(s, manifest)
        yield await _behind(s, settings, staging)


async def _behind(s: ReadSession, settings: Settings, staging: Path) -> LogForked | None:
    """What was published of this log that its database does not lead to; None where it leads to all of it."""
    head, told = await tree_head(s), await log_keys(s)
    keys = [*_own(settings.keys_dir, head.origin), *_own(staging / KEYS, head.origin)]
    own = OwnKeys(
        list(dict.fromkeys([*(window.vkey for window in told.windows), *keys])),
        {one.vkey: one.to_size for one in told.windows if one.to_size is not None},
    )
    for seen in await _vouched(settings, head, own):
        try:
            await require_prefix(s, head, seen)
        except LogForked as fork:
            return BackupBehind(fork.detail, **fork.facts)
    return None


async def newest_published(s: ReadSession, settings: Settings) -> Checkpoint | None:
    """The largest published tree of ours that the database does not lead to; None: there is none."""
    head, told = await tree_head(s), await log_keys(s)
    keys = [*(window.vkey for window in told.windows), *_own(settings.keys_dir, head.origin)]
    ended = {one.vkey: one.to_size for one in told.windows if one.to_size is not None}
    seen = await _vouched(settings, head, OwnKeys(list(dict.fromkeys(keys)), ended))
    ahead = [one for one in seen if one.size > head.size]
    return max(ahead, key=lambda one: one.size, default=None)


async def _vouched(settings: Settings, head: TreeHead, own: OwnKeys) -> list[Checkpoint]:
    found = []
    for evidence in await _published(settings, head):
        with suppress(NoteInvalid):  # nobody of ours has signed it: it says nothing
            opened = open_checkpoint(evidence, own.keys)
            if own.vouched(opened):
                found.append(opened.checkpoint)
    return found


async def _published(settings: Settings, head: TreeHead) -> list[bytes]:
    """What the log folder and the witnesses hold of this log."""
    found = []
    path = folder_of(settings, head.origin) / CHECKPOINT_FILE
    if path.exists():
        found.append(path.read_bytes())
    async with httpx.AsyncClient(timeout=settings.witness_timeout_s) as http:
        circle = circle_of(settings, http)
        if circle is not None:
            found += [one.evidence for one in await circle.latest(head.origin) if one.evidence is not None]
    return found


def _own(folder: Path, origin: str) -> list[VerifierKey]:
    held = KeyFolder(folder).keys()
    return [NoteSigner(origin, key).vkey for key in held]


def _require_same_keys(present: Path, coming: Path) -> None:
    differ = [
        path.name
        for path in sorted(coming.glob("*"))
        if (present / path.name).exists() and (present / path.name).read_bytes() != path.read_bytes()
    ]
    if differ:
        raise KeysDiffer("move these keys away, or give another data folder", names=differ)


def _add_missing(staged: Path, folder: Path, *, name: str) -> None:
    for path in sorted(staged.glob(name)):
        target = folder / path.relative_to(staged)
        if not target.exists():
            make_folder(target.parent)
            path.rename(target)
