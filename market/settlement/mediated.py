"""What settlement publishes of the trades that brokers mediated: those settled, and which were undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from base.db import ReadSession
from ledger import reader
from market.orders.tables import Trade

FLAGGED: Final = "FLG.SET"
CLEARED: Final = "FLG.CLEAR"
_AT_ONCE: Final = 400
_MOST: Final = 100_000
# Void, given back, or flagged as suspected of washing: no trade of any statistics (`rules.md` §2.1.5).
UNDOES: Final = ("TRD.VOID", "TRD.POST_REFUND", FLAGGED, CLEARED)


async def mediated(
    s: ReadSession, *, since: datetime, until: datetime, broker_id: str | None = None
) -> Sequence[Trade]:
    """The trades of a broker (of all) that were settled in a time, whatever became of them after."""
    whose = col(Trade.broker_id).is_not(None) if broker_id is None else col(Trade.broker_id) == broker_id
    query = select(Trade).where(whose, col(Trade.settled_at) >= since, col(Trade.settled_at) < until)
    return (await s.exec(query.order_by(col(Trade.settled_at), Trade.trade_id))).all()


async def undone_among(
    s: ReadSession, *, trade_ids: Sequence[str]
) -> tuple[frozenset[str], dict[str, datetime]]:
    """Which of these trades are void, given back or flagged, and when that last changed for each."""
    undone: set[str] = set()
    changed: dict[str, datetime] = {}
    flags: dict[str, int] = {}
    for begin in range(0, len(trade_ids), _AT_ONCE):
        some = trade_ids[begin : begin + _AT_ONCE]
        for said in await reader.statements_about(s, object_ids=some, events=UNDOES, limit=_MOST):
            trade_id = said.object_id
            changed[trade_id] = said.occurred_at
            if said.event in {FLAGGED, CLEARED}:
                flags[trade_id] = flags.get(trade_id, 0) + (1 if said.event == FLAGGED else -1)
            else:
                undone.add(trade_id)
    return frozenset(undone | {trade_id for trade_id, count in flags.items() if count > 0}), changed
