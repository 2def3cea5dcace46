"""Putting a backup back: everything is proved beside what is there, and only then takes its place.

1. Open and unpack the backup into a folder of its own: age proves the bytes, the manifest each member.
2. The manifest is signed by the log's key (`--vkey`, or the keys of this folder).
3. Nobody else has the database in place open, and nobody can open it from now on.
4. The database of the backup is whole, of a known schema; its log is hashed anew, entry by entry.
5. It leads to all that tells where the log was (`cli.backup_evidence`); something must tell it.
6. What is missing of sealed files and keys is added; nothing that is there is changed.
7. The database takes the old one's place in one step. The old SQLite file is kept beside it.

Whatever is refused is refused before step 6. A process killed before step 7 leaves the exchange as it was,
with files and keys added; what it unpacked is removed by the next restore.
"""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

from base.age import Identity
from base.clock import Clock
from base.errors import DomainError
from base.homes import make_folder
from base.settings import Settings
from cli.backup_archive import FILES, KEYS, SQLITE, Manifest, signed_by, unpack
from cli.backup_database import (
    BackupOfAnotherKind,
    Held,
    check_log,
    check_sqlite,
    held_sqlite,
    loaded,
    opened_copy,
    replace_sqlite,
    sqlite_path,
)
from cli.backup_evidence import Comparison, NothingToCompare, compare, own_keys
from cli.backup_placing import add, brought
from ledger.checkpoint import VerifierKey
from ledger.recording import record
from ledger.statement import Draft
from web.node import open_node

RESTORE: Final = "BAK.RESTORE"
_STAGING: Final = "restoring-"


class KeysDiffer(DomainError):
    """Keys of another exchange, or of another time of this one, lie where those of the backup belong."""

    code: ClassVar[str] = "keys-differ"
    title = "Other keys are in the key folder"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, or would do. `compared` says whether and why the node will not write."""

    manifest: Manifest
    pinned: bool
    compared: Comparison
    kept: Path | None = None

    @property
    def behind(self) -> str | None:
        """Why the node will not write; None where it will."""
        return None if self.compared.behind is None else self.compared.behind.detail


async def restore(
    settings: Settings,
    path: Path,
    identity: Identity,
    *,
    vkeys: Sequence[VerifierKey] = (),
    checkpoint: bytes | None = None,
    though_behind: bool = False,
    though_uncompared: bool = False,
    check: bool = False,
) -> Restored:
    """Put a backup in the place of what is there; with `check` prove it alone.

    `checkpoint` is one of this log that was kept elsewhere, as the newest that is known. Raises BackupBad,
    KeyDoesNotOpen, BackupOfAnotherKind, KeysDiffer, DatabaseInUse; NoteInvalid for a checkpoint of another
    log; BackupBehind unless it is wished `though_behind`, NothingToCompare unless `though_uncompared`. Then
    nothing was moved.
    """
    make_folder(settings.data_dir)
    staging = settings.data_dir / f"{_STAGING}{secrets.token_hex(8)}"
    for left in settings.data_dir.glob(f"{_STAGING}*"):  # of one that was killed
        shutil.rmtree(left, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        manifest, note = await asyncio.to_thread(unpack, path, identity, staging)
        known = [*vkeys] or own_keys(settings.keys_dir, manifest.origin)
        pinned = bool(known)
        signed_by(note, known or own_keys(staging / KEYS, manifest.origin))
        database = sqlite_path(settings)
        if (manifest.database == "sqlite") != (database is not None):
            raise BackupOfAnotherKind("the settings name another kind of database", backup=manifest.database)
        _require_keys(settings, staging / KEYS)
        with nullcontext(Held()) if database is None else held_sqlite(database) as held:
            async with _proved(settings, staging, manifest, held, checkpoint) as compared:
                done = Restored(manifest, pinned, compared)
                if check:
                    raise _OnlyChecked(done)
                _require_newest(compared, though_behind=though_behind, though_uncompared=though_uncompared)
                if database is None:
                    await asyncio.to_thread(_put, settings, staging)
            if database is not None:
                kept = await asyncio.to_thread(_put, settings, staging, database, held)
                done = replace(done, kept=kept if kept is not None and kept.exists() else None)
    except _OnlyChecked as only:
        return only.done
    else:
        return done
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _require_newest(compared: Comparison, *, though_behind: bool, though_uncompared: bool) -> None:
    if compared.behind is not None and not though_behind:
        raise compared.behind
    if not (compared.told or though_uncompared):
        raise NothingToCompare(
            "neither a checkpoint, nor a database in place, nor a witness tells where the log was",
            witnesses=compared.witnesses,
            answered=compared.answered,
        )


def _put(
    settings: Settings, staging: Path, database: Path | None = None, held: Held | None = None
) -> Path | None:
    """Add what is missing, then put the SQLite file in place; answers where the old one is kept."""
    missing = _missing(staging / FILES, settings.files_dir, name="*/*")
    missing += _missing(staging / KEYS, settings.keys_dir, name="*")
    whole = [] if database is None else [(staging / SQLITE, database)]
    with brought([*missing, *whole]) as parts:
        add(parts[: len(missing)])
        if database is None or held is None:
            return None
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = database.with_name(f"{database.name}.before-{stamp}-{secrets.token_hex(2)}")
        replace_sqlite(parts[-1][0], database, held, kept=kept)
        return kept


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
async def _proved(
    settings: Settings, staging: Path, manifest: Manifest, held: Held, given: bytes | None
) -> AsyncIterator[Comparison]:
    """The database of the backup, whole, compared with all that tells where the log was.

    On PostgreSQL it is put in place when the block is left.
    """
    keys = staging / KEYS
    if manifest.database == "sqlite":
        await asyncio.to_thread(check_sqlite, staging / SQLITE, manifest)
        async with opened_copy(staging / SQLITE) as s:
            await check_log(s, manifest)
            found = await compare(s, settings, keys, present=held.at, given=given)
        yield found
        return
    async with loaded(settings, staging, manifest) as (s, present):
        await check_log(s, manifest)
        yield await compare(s, settings, keys, present=present, given=given)


def _require_keys(settings: Settings, coming: Path) -> None:
    present = settings.keys_dir
    differ = [
        path.name
        for path in sorted(coming.glob("*"))
        if (present / path.name).exists() and (present / path.name).read_bytes() != path.read_bytes()
    ]
    if differ:
        raise KeysDiffer("move these keys away, or give another data folder", names=differ)
    master = settings.master_key_file or present / "master.key"
    if not master.exists() and not (coming / "master.key").exists():
        raise KeysDiffer("there is no master key, neither here nor in the backup", file=str(master))


def _missing(staged: Path, folder: Path, *, name: str) -> list[tuple[Path, Path]]:
    """Each staged file of which nothing has the name, and where it belongs."""
    pairs = [(path, folder / path.relative_to(staged)) for path in sorted(staged.glob(name))]
    return [(path, target) for path, target in pairs if not target.exists()]
