"""What tells where the log was, when a backup of it is put back.

The checkpoint in the log folder, those that the witnesses keep, one that somebody gives, and the database
that stands in the place. A backup that is behind any of them is refused. Where none of them can be asked,
nobody knows: that is a case of its own, and no agreement.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import httpx

from base.db import ReadSession
from base.errors import DomainError
from base.settings import Settings
from ledger.checkpoint import Checkpoint, NoteSigner, Receipt, VerifierKey, open_checkpoint
from ledger.errors import LogForked, NoteInvalid
from ledger.key_folder import KeyFolder
from ledger.log_keys import log_keys, shards
from ledger.publisher import CHECKPOINT_FILE
from ledger.reader import TreeHead, tree_head
from ledger.witness_guard import OwnKeys, require_prefix
from web.node import folder_of
from web.witnessing import circle_of

_RECEIPT: Final = b"c2sp.org/tlog-proof"
IN_FOLDER: Final = "log/checkpoint"
GIVEN: Final = "the checkpoint that was given"
IN_PLACE: Final = "the database in place"


class BackupBehind(LogForked):
    """The log went on after this backup was taken: whoever went on from it would fork the log."""

    code: ClassVar[str] = "backup-behind"
    title = "The log went on after this backup was taken"


class NothingToCompare(DomainError):
    """No checkpoint, no database and no witness tells where the log was: this backup may be behind it."""

    code: ClassVar[str] = "nothing-to-compare-with"
    title = "Nothing tells where the log was"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A backup against all that tells where the log was. `behind`: why the log does not go on from it.

    `told`: each source that was heard, with its size. Witnesses: how many have an address, how many vouched.
    """

    behind: BackupBehind | None
    told: tuple[tuple[str, int], ...] = ()
    witnesses: int = 0
    answered: int = 0


@dataclass(slots=True)
class _Heard:
    told: list[tuple[str, Checkpoint]]
    witnesses: int = 0
    answered: int = 0


async def compare(
    s: ReadSession,
    settings: Settings,
    staged_keys: Path,
    *,
    present: Checkpoint | None = None,
    given: bytes | None = None,
) -> Comparison:
    """Compare the log of a backup, asked by `s`, with what was published and with what is in its place.

    `present` is the tree of the database in place; `given` a checkpoint that somebody kept, or a receipt,
    which ends in one. Raises NoteInvalid where it is not signed by the log's keys, or is of another log.
    """
    head = await tree_head(s)
    own = await _own_keys(s, head, settings.keys_dir, staged_keys)
    heard = await _vouched(settings, head, own)
    if given is not None:
        note = Receipt.parse(given).checkpoint if given.startswith(_RECEIPT) else given
        opened = open_checkpoint(note, own.keys)
        if not own.vouched(opened) or opened.checkpoint.origin != head.origin:
            raise NoteInvalid("this checkpoint is not one of this log's", origin=opened.checkpoint.origin)
        heard.told.append((GIVEN, opened.checkpoint))
    if present is not None:
        heard.told.append((IN_PLACE, present))
    told = tuple((who, seen.size) for who, seen in heard.told)
    for who, seen in heard.told:
        try:
            await _require(s, head, seen)
        except LogForked as fork:
            behind = BackupBehind(fork.detail, **fork.facts, told_by=who)
            return Comparison(behind, told, heard.witnesses, heard.answered)
    return Comparison(None, told, heard.witnesses, heard.answered)


async def newest_published(s: ReadSession, settings: Settings) -> Checkpoint | None:
    """The largest published tree of ours that the database does not lead to; None: there is none."""
    head = await tree_head(s)
    heard = await _vouched(settings, head, await _own_keys(s, head, settings.keys_dir))
    ahead = [seen for _, seen in heard.told if seen.size > head.size]
    return max(ahead, key=lambda one: one.size, default=None)


def own_keys(folder: Path, origin: str) -> list[VerifierKey]:
    """The verifier keys of a folder's log keys."""
    held = KeyFolder(folder).keys()
    return [NoteSigner(origin, key).vkey for key in held]


async def _require(s: ReadSession, head: TreeHead, seen: Checkpoint) -> None:
    """A database in place may be at an earlier log of this exchange, which the backup has closed since."""
    if seen.origin != head.origin:
        for shard in await shards(s):
            if shard.origin == seen.origin and shard.size >= seen.size:
                return
    await require_prefix(s, head, seen)


async def _own_keys(s: ReadSession, head: TreeHead, *folders: Path) -> OwnKeys:
    told = await log_keys(s)
    held = [key for folder in folders for key in own_keys(folder, head.origin)]
    return OwnKeys(
        list(dict.fromkeys([*(window.vkey for window in told.windows), *held])),
        {one.vkey: one.to_size for one in told.windows if one.to_size is not None},
    )


async def _vouched(settings: Settings, head: TreeHead, own: OwnKeys) -> _Heard:
    """What the log folder and the witnesses hold of this log, and our own key has signed."""
    heard = _Heard([])
    path = folder_of(settings, head.origin) / CHECKPOINT_FILE
    if path.exists() and (seen := _opened(path.read_bytes(), own)) is not None:
        heard.told.append((IN_FOLDER, seen))
    async with httpx.AsyncClient(timeout=settings.witness_timeout_s) as http:
        circle = circle_of(settings, http)
        if circle is not None:
            heard.witnesses = len(circle.asked)
            for one in await circle.latest(head.origin):
                seen = None if one.evidence is None else _opened(one.evidence, own)
                if seen is not None:
                    heard.answered += 1
                    heard.told.append((f"witness {one.witness.name}", seen))
    return heard


def _opened(evidence: bytes, own: OwnKeys) -> Checkpoint | None:
    """What nobody of ours has signed says nothing."""
    with suppress(NoteInvalid):
        opened = open_checkpoint(evidence, own.keys)
        if own.vouched(opened):
            return opened.checkpoint
    return None
