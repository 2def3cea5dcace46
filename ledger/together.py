"""Statements of many acts at once: signed one by one, stored set by set, sealed where they are recorded.

They stand in no queue: the batch writer (`ledger.batch`), which holds the log, seals them behind
everything that is queued.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from base.db import WriteSession
from base.rows import Insert, Plan, new_ids
from ledger.recording import Act, Recorded, storable
from ledger.statement import Draft, build
from ledger.tables import MentionRow, OpeningRow, StatementRow

_OWN: Final = "ledger.together"
_OPENINGS: Final = Insert(OpeningRow, "sha256", "document")
_STATEMENTS: Final = Insert(
    StatementRow,
    "id",
    "statement_id",
    "envelope_sha256",
    "event",
    "object_id",
    "org_id",
    "occurred_at",
    "envelope",
    "opening_sha256",
)
_MENTIONS: Final = Insert(MentionRow, "object_id", "event", "statement_row")


async def statement_numbers(s: WriteSession, count: int) -> Sequence[int]:
    """Numbers for so many statements at most: asked for first, they spare the transaction a question."""
    return await new_ids(s, StatementRow, count)


async def record_together(
    s: WriteSession,
    plan: Plan,
    said: Sequence[tuple[Act, Draft]],
    numbers: Sequence[int] | None = None,
) -> list[Recorded]:
    """Build and sign what each act says, and plan to store it, in their order, in the batch's transaction.

    Raises EntryTooLarge; what is on record breaks the plan.
    """
    recorded, openings, statements, mentions = [], [], [], []
    numbers = await statement_numbers(s, len(said)) if numbers is None else numbers[: len(said)]
    for number, (act, draft) in zip(numbers, said, strict=True):
        statement_id = act.new_id("sta")
        built = build(draft, act.saying(), act.nonce())
        stored = storable(await act.pen.sign(s, act.actor, act.role, built))
        digest = hashlib.sha256(stored).hexdigest()
        if built.opening_sha256 is not None:
            openings.append((built.opening_sha256, built.opening))
        what = (built.event, built.object_id, act.actor.org_id, act.occurred_at)
        statements.append((number, statement_id, digest, *what, stored, built.opening_sha256))
        mentions += [(name, built.event, number) for name in built.mentions]
        recorded.append(Recorded(statement_id, digest, built.opening_sha256))
    plan.add(_OPENINGS, openings)
    plan.add(_STATEMENTS, statements)
    plan.add(_MENTIONS, mentions)
    own: list[tuple[int, bytes]] = s.info.setdefault(_OWN, [])
    own += [(statement[0], statement[7]) for statement in statements]
    return recorded


def own_statements(s: WriteSession) -> Sequence[tuple[int, bytes]]:
    """What was recorded together in this transaction: each row's number, and the envelope."""
    return tuple(s.info.get(_OWN, ()))
