"""What was said about a trade."""

from base.db import ReadSession
from ledger.reader import Statement, statements_of
from market.orders import repository


async def timeline(s: ReadSession, *, trade_id: str) -> list[Statement]:
    """What was said about a trade, in order: its statements, its quote's and its customs decision's."""
    said = list(await statements_of(s, object_id=trade_id))
    trade = await repository.get_trade(s, trade_id=trade_id)
    for object_id in (trade.declaration_id, trade.quote_id):
        if object_id is not None:
            said += await statements_of(s, object_id=object_id)
    return sorted(said, key=lambda statement: (statement.occurred_at, statement.statement_id))
