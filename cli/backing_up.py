"""Taking a backup of a node: keys, sealed files and database, with a manifest that the log's key signs.

That it is taken is stated first (`BAK.TAKE`), sealed and published: then the database is copied, so that the
newest backup leads to the newest checkpoint. Files come behind the database: of what the database knows none
is missing, but what the house itself has removed meanwhile.
"""

import asyncio
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.age import check_recipient
from base.canonical import sha256_hex
from base.clock import Clock, rfc3339
from base.homes import Folder
from base.settings import Settings
from cli.backup_archive import FILES, KEYS, BackupWriter, Manifest
from cli.backup_database import Dump, dump
from cli.running import require_schema
from ledger.recording import record
from ledger.statement import Draft
from web.node import Node, open_node

TAKE: Final = "BAK.TAKE"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written: its id, the digest of its manifest, and the log it holds.

    `files` is None where they are in a bucket, which is not in it.
    """

    backup_id: str
    manifest_sha256: str
    size: int
    files: int | None


async def back_up(settings: Settings, out: Path, recipient: str, *, clock: Clock | None = None) -> Backup:
    """Write a backup to a new file. Raises FileExistsError, Malformed for what is no age recipient.

    Raises LogForked where the database is behind what was published: it is no state to keep.
    """
    check_recipient(recipient)
    await require_schema(settings)
    async with open_node(settings, clock=clock) as node:
        await node.publisher.check_head()
        backup_id = await _state(node, recipient)
        await node.seal()
        await node.publish()
        scratch = node.scratch() / backup_id
        scratch.mkdir(mode=0o700)
        part = out.with_name(f".{out.name}.{backup_id}")
        try:
            taken = await dump(settings, scratch)
            writer = BackupWriter(part, recipient)
            try:
                made = await asyncio.to_thread(_write, node, writer, taken, backup_id)
            finally:
                writer.discard()
            part.rename(out)
            return made
        finally:
            part.unlink(missing_ok=True)
            shutil.rmtree(scratch, ignore_errors=True)


async def _state(node: Node, recipient: str) -> str:
    """Who it is encrypted to stands there as a digest: a public key is no secret, but nobody's business."""
    async with node.database.write() as s:
        act = node.house.exchange_act()
        backup_id = act.new_id("bak")
        await record(
            s, act, Draft(TAKE, backup_id, public={"recipient_sha256": sha256_hex(recipient.encode())})
        )
    return backup_id


def _write(node: Node, writer: BackupWriter, taken: Dump, backup_id: str) -> Backup:
    for path in sorted(node.settings.keys_dir.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            writer.add_file(KEYS + path.name, path)
    for name, path in taken.members.items():
        writer.add_file(name, path)
    home, files = node.files.home, 0
    here = isinstance(home, Folder)
    if isinstance(home, Folder):
        for path in sorted(home.folder.glob("*/fil_*")):
            if path.suffix:
                continue  # one that is being written
            try:
                raw = path.open("rb")
            except FileNotFoundError:
                continue  # the house has removed it meanwhile
            with raw:
                size = raw.seek(0, io.SEEK_END)
                raw.seek(0)
                writer.add(f"{FILES}{path.parent.name}/{path.name}", raw, size)
            files += 1
    head = taken.head
    manifest = Manifest(
        form="databourse-backup/1",
        backup_id=backup_id,
        origin=head.origin,
        made_at=rfc3339(node.clock.now()),
        database=taken.kind,
        schema_step=taken.schema_step,
        size=head.size,
        root=head.root,
        files="here" if here else "elsewhere",
        tables=taken.tables,
        sequences=taken.sequences,
        members=writer.members,
    )
    digest = writer.finish(manifest, node.publisher.signer)
    return Backup(backup_id, digest, head.size, files if here else None)
