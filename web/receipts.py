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
from ledger.checkpoint import Receipt, open_checkpoint
from web.node import Node

WAIT_S: Final = 10.0
_ASK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Said:
    """A recorded statement, and its receipt once a published checkpoint holds it."""

    statement: reader.Statement
    receipt: str | None


async def receipt_of(node: Node, s: ReadSession, *, seq: int) -> str | None:
    """The `.tlog-proof` of an entry under the newest published checkpoint; None while none holds it."""
    kept = await reader.checkpoint_over(s, seq=seq)
    if kept is None:
        return None
    note = kept.note.encode()
    head = open_checkpoint(note, node.publisher.vkeys).checkpoint
    path = await reader.proof(s, seq=seq, size=head.size, origin=head.origin)
    return Receipt(seq, tuple(path), note).text().decode()


def witnessed(node: Node, receipt: str | None) -> bool | None:
    """Whether a receipt's checkpoint has its quorum; None without a receipt, or where none is asked for."""
    return None if receipt is None else node.publisher.witnessed(Receipt.parse(receipt.encode()).checkpoint)


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
            receipt = None if one.seq is None else await receipt_of(node, s, seq=one.seq)
            found.append(Said(one, receipt))
    return found
