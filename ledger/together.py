"""Statements of many acts at once: signed one by one, stored set by set, sealed where they are recorded.

They stand in no queue: the batch writer (`ledger.batch`), which holds the log, seals them behind
everything that is queued.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from base.db import RowSession
from base.rows import Asked, Insert, NewIds, Plan, Row, read_rows
from ledger.recording import Act, ExchangePen, Recorded, storable
from ledger.statement import Draft, build
from ledger.tables import MentionRow, OpeningRow, StatementRow

_OWN: Final = "ledger.together"
_NUMBERS: Final = NewIds(StatementRow)
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


class Preparation:
    """What is asked before statements are made together: numbers for them, and whether the pen may sign.

    Whoever asks something anyway asks this with it (`asks`, then `hears` of the answers), and spares the
    transaction a question. Raises TypeError for a pen that is not the exchange's own: it signs alone.
    """

    def __init__(self, acts: Sequence[Act]) -> None:
        pens = {id(act.pen): act.pen for act in acts}
        (pen,) = pens.values()
        if not isinstance(pen, ExchangePen):
            raise TypeError("a party's statements are signed one by one")
        self.pen = pen
        self.asks: Asked = {_NUMBERS: len(acts), **pen.asks()}
        self.numbers: Sequence[int] = ()

    def hears(self, found: Sequence[Sequence[Row]]) -> None:
        """The answers, in the order of the questions. Raises what the pen raises."""
        numbers, *others = found
        self.numbers = sorted(number for (number,) in numbers)
        self.pen.hears(others)


async def prepare(s: RowSession, acts: Sequence[Act]) -> Preparation:
    """A preparation that was asked by itself."""
    prepared = Preparation(acts)
    prepared.hears(await read_rows(s, prepared.asks))
    return prepared


def record_together(
    s: RowSession, plan: Plan, said: Sequence[tuple[Act, Draft]], prepared: Preparation
) -> list[Recorded]:
    """Build and sign what each act says, and plan to store it, in their order, in the batch's transaction.

    Raises EntryTooLarge; what is on record breaks the plan.
    """
    recorded, openings, statements, mentions = [], [], [], []
    for number, (act, draft) in zip(prepared.numbers[: len(said)], said, strict=True):
        statement_id = act.new_id("sta")
        built = build(draft, act.saying(), act.nonce())
        stored = storable(prepared.pen.signs(built))
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


def own_statements(s: RowSession) -> Sequence[tuple[int, bytes]]:
    """What was recorded together in this transaction: each row's number, and the envelope."""
    return tuple(s.info.get(_OWN, ()))
