"""The quote that a contract cites, as it was kept: anyone who has its facts can make it again."""

from base.db import ReadSession
from market.orders.errors import ContractErased, ContractNotDrawnUp
from market.orders.tables import QuoteRow, Trade


async def quote_of(s: ReadSession, trade: Trade) -> QuoteRow:
    """The quote of a trade. Raises ContractNotDrawnUp while there is none, ContractErased without text."""
    row = await s.get(QuoteRow, trade.quote_id) if trade.quote_id else None
    if row is None:
        raise ContractNotDrawnUp("there is no quote yet", trade_id=trade.trade_id)
    if not row.document:
        raise ContractErased("the quote was erased", trade_id=trade.trade_id, quote_id=row.quote_id)
    return row
