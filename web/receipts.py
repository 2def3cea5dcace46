"""Receipts: the `.tlog-proof` of a statement, and waiting until there is one.

A receipt stands under a checkpoint that was published, so it comes up to a second after the sealing.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from base.db import ReadSession
from ledger import reader
from ledger.checkpoint import Checkpoint, Note, Receipt, open_checkpoint
from ledger.log_keys import past_places, shards
from ledger.tiles import TileNodes
from ledger.tree import inclusion_proof
from web.node import Node, folder_of

WAIT_S: Final = 10.0
_ASK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Said:
    """A recorded statement, its number, and its receipt once a published checkpoint holds it.

    `log` is the origin of the closed log that it stands in; None for the present one.
    """

    statement: reader.Statement
    seq: int | None
    receipt: str | None
    log: str | None = None


async def receipt_of(node: Node, s: ReadSession, *, seq: int) -> str | None:
    """The `.tlog-proof` of an entry under the newest published checkpoint; None while none holds it."""
    kept = await reader.checkpoint_over(s, seq=seq)
    if kept is None:
        return None
    note = kept.note.encode()
    head = open_checkpoint(note, node.publisher.known).checkpoint
    path = await reader.proof(s, seq=seq, size=head.size, origin=head.origin)
    return Receipt(seq, tuple(path), note).text().decode()


async def receipt_of_closed(node: Node, s: ReadSession, *, origin: str, seq: int) -> str | None:
    """The `.tlog-proof` of an entry of a closed log, under its last checkpoint, out of its files."""
    folder = folder_of(node.settings, origin)
    for shard in await shards(s):
        if shard.origin == origin:
            nodes = TileNodes(lambda tile: (folder / tile.path).read_bytes(), shard.size)
            path = await asyncio.to_thread(inclusion_proof, seq, shard.size, nodes)
            return Receipt(seq, tuple(path), shard.note).text().decode()
    return None


def witnessed(node: Node, receipt: str | None) -> bool | None:
    """Whether a receipt's checkpoint has its quorum.

    None without a receipt, where none is asked for, and for a log that was closed.
    """
    if receipt is None:
        return None
    note = Receipt.parse(receipt.encode()).checkpoint
    if Checkpoint.parse(Note.parse(note).text).origin != node.publisher.signer.name:
        return None
    return node.publisher.witnessed(note)


async def with_receipts(node: Node, statement_ids: Sequence[str], *, wait: bool = False) -> list[Said]:
    """Recorded statements as they are now; with `wait` when they have receipts, or after `WAIT_S`.

    Raises StatementUnknown.
    """
    found = await _as_now(node, statement_ids)
    with suppress(TimeoutError):
        async with asyncio.timeout(WAIT_S if wait else 0):
            while any(one.receipt is None for one in found):
                await asyncio.sleep(_ASK_EVERY_S)
                found = await _as_now(node, statement_ids)
    return found


async def _as_now(node: Node, statement_ids: Sequence[str]) -> list[Said]:
    found = []
    async with node.database.read() as s:
        for statement_id in statement_ids:
            one = await reader.statement(s, statement_id=statement_id)
            if one.seq is not None:
                found.append(Said(one, one.seq, await receipt_of(node, s, seq=one.seq)))
                continue
            past = await past_places(s, statement_ids=[statement_id])
            log, seq = past.get(statement_id, (None, None))
            receipt = None
            if log is not None and seq is not None:
                receipt = await receipt_of_closed(node, s, origin=log, seq=seq)
            found.append(Said(one, seq, receipt, log))
    return found
