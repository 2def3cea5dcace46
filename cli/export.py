"""`databourse export`: the log as a bundle that anyone can check."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from base.settings import Settings
from cli.running import require_schema, run
from ledger import reader
from ledger.bundle import BundleWriter, Edition, Keys, KeyWindow
from ledger.errors import LogUnborn
from web.node import Node, open_node


def export(
    out: Annotated[Path, typer.Option("--out", help="A new folder, or a file ending in .zip")],
    edition: Annotated[
        Edition, typer.Option(help="public: no openings; regulator: with them")
    ] = Edition.PUBLIC,
) -> None:
    """Write the published log as a bundle: entries, tiles, checkpoints, keys, signed manifest."""

    async def exporting(settings: Settings) -> int:
        await require_schema(settings)
        async with open_node(settings) as node:
            return await export_bundle(node, out, edition)

    typer.echo(f"{out}: {run(exporting)} entries, {edition} edition")


async def export_bundle(node: Node, out: Path, edition: Edition) -> int:
    """Write the bundle of a node's newest checkpoint; returns how many entries it holds.

    What is queued is sealed and published first. Raises LogUnborn on an empty log, BundleFileBad when
    `out` is there already.
    """
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
        writer = BundleWriter(
            out,
            checkpoint=head.note.encode(),
            keys=Keys(signer.name, (KeyWindow(signer.vkey),)),
            signer=signer,
            edition=edition,
            kept=kept,
        )
        async for seq, entry, opening in reader.export_rows(s, size=head.size):
            writer.add(seq, entry, opening)
    await asyncio.to_thread(writer.finish)
    return head.size
