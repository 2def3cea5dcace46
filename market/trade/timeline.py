"""What was said about a trade."""

from collections.abc import Sequence

from base.db import ReadSession
from ledger.reader import Statement, statements_about
from market.orders import repository


async def timeline(s: ReadSession, *, trade_id: str) -> Sequence[Statement]:
    """What was said about a trade in the order it was recorded, with its quote and customs decision."""
    trade = await repository.get_trade(s, trade_id=trade_id)
    objects = (trade_id, trade.declaration_id, trade.quote_id)
    return await statements_about(s, object_ids=[name for name in objects if name is not None])
