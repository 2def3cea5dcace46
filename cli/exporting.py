"""Writing the bundle of a node's newest checkpoint."""

import asyncio
from pathlib import Path

from base.errors import NotFound
from base.settings import Settings
from cli.running import require_schema
from ledger import reader
from ledger.bundle import BundleWriter, Edition, Keys
from ledger.errors import LogUnborn
from ledger.key_folder import KeyFolder
from ledger.log_keys import log_keys, past_checkpoints, past_keys, past_rows, shards, signers_of
from web.node import Node, open_node


async def export_from(settings: Settings, out: Path, edition: Edition, shard: str | None = None) -> int:
    """Open the node of the settings, and write its bundle, or that of a closed log by its origin.

    Returns how many entries it holds.
    """
    await require_schema(settings)
    async with open_node(settings) as node:
        if shard is not None:
            return await export_closed(node, out, edition, shard)
        return await export_bundle(node, out, edition)


async def export_closed(node: Node, out: Path, edition: Edition, origin: str) -> int:
    """Write the bundle of a closed log, signed by its own last key; returns how many entries it holds.

    Raises NotFound for a log that was never closed here, LogKeyMissing without its key.
    """
    async with node.database.read() as s:
        closed = {one.origin: one for one in await shards(s)}
        if origin not in closed:
            raise NotFound("no closed log has this origin", origin=origin, closed=sorted(closed))
        shard = closed[origin]
        keys = await past_keys(s, number=shard.number)
        signer = signers_of(keys, KeyFolder(node.settings.keys_dir).keys(), shard.size)[0]
        kept = await past_checkpoints(s, number=shard.number)
        kept.pop(shard.size, None)
        writer = BundleWriter(
            out,
            checkpoint=shard.note,
            keys=Keys(origin, tuple(keys.windows)),
            signer=signer,
            edition=edition,
            kept=kept,
        )
        async for seq, entry, opening in past_rows(s, number=shard.number):
            writer.add(seq, entry, opening)
    await asyncio.to_thread(writer.finish)
    return shard.size


async def export_bundle(node: Node, out: Path, edition: Edition) -> int:
    """Write the bundle of a node's newest checkpoint; returns how many entries it holds.

    What is queued is sealed and published first. Raises LogUnborn on an empty log, LogForked where that
    would fork it, BundleFileBad when `out` is there already.
    """
    await node.publisher.check_head()
    await node.seal()
    await node.publish()
    signer = node.publisher.signer
    async with node.database.read() as s:
        head = await reader.checkpoint(s)
        if head is None:
            raise LogUnborn("nothing is published yet")
        kept = {
            row.size: row.note.encode()
            for row in await reader.checkpoints(s, limit=100)
            if row.size != head.size
        }
        windows = tuple((await log_keys(s, size=head.size)).windows)
        writer = BundleWriter(
            out,
            checkpoint=head.note.encode(),
            keys=Keys(signer.name, windows, node.publisher.witness_keys),
            signer=signer,
            edition=edition,
            kept=kept,
        )
        async for seq, entry, opening in reader.export_rows(s, size=head.size):
            writer.add(seq, entry, opening)
    await asyncio.to_thread(writer.finish)
    return head.size
