"""What is asked about held quotes, and the one door through which one is used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession, exclusive_lock
from market.orders.repository import get_trade
from market.quotes.errors import HeldQuoteUnknown, QuoteUsed
from market.quotes.tables import HeldQuote

MAX_PAGE: Final = 100


async def get_quote(s: ReadSession, *, quote_id: str) -> HeldQuote:
    """A held quote. Raises HeldQuoteUnknown."""
    return _known(await s.get(HeldQuote, quote_id, populate_existing=True), quote_id)


async def quote_for(s: ReadSession, *, quote_id: str, org_id: str) -> HeldQuote:
    """It, for its buyer, and once it is used for its trade's parties. To anyone else it does not exist."""
    quote = await get_quote(s, quote_id=quote_id)
    if org_id == quote.buyer_id:
        return quote
    if quote.trade_id is not None:
        trade = await get_trade(s, trade_id=quote.trade_id)
        if org_id in {trade.seller_id, trade.broker_id}:
            return quote
    raise HeldQuoteUnknown("no such held quote", quote_id=quote_id)


async def claim_quote_of(s: WriteSession, *, quote_id: str, buyer_id: str) -> HeldQuote:
    """It, for its buyer, locked against every other use. Raises HeldQuoteUnknown."""
    query = exclusive_lock(
        select(HeldQuote).where(HeldQuote.quote_id == quote_id, HeldQuote.buyer_id == buyer_id)
    )
    return _known((await s.exec(query, execution_options={"populate_existing": True})).first(), quote_id)


async def quotes_of(
    s: ReadSession, *, buyer_id: str, after: str | None = None, limit: int = 50
) -> Sequence[HeldQuote]:
    """A buyer's, newest first, by keyset."""
    query = select(HeldQuote).where(HeldQuote.buyer_id == buyer_id)
    if after is not None:
        query = query.where(HeldQuote.quote_id < after)
    return (await s.exec(query.order_by(col(HeldQuote.quote_id).desc()).limit(min(limit, MAX_PAGE)))).all()


async def quote_that_began(s: ReadSession, *, trade_id: str) -> HeldQuote | None:
    """The quote that a trade began with."""
    return (await s.exec(select(HeldQuote).where(HeldQuote.trade_id == trade_id))).first()


async def live_now(s: ReadSession, *, buyer_id: str, at: datetime) -> int:
    """How many a buyer holds at a moment."""
    query = select(func.count()).where(
        HeldQuote.buyer_id == buyer_id, col(HeldQuote.trade_id).is_(None), col(HeldQuote.until) >= at
    )
    return (await s.exec(query)).one()


async def use(s: WriteSession, quote: HeldQuote, *, trade_id: str, at: datetime) -> None:
    """Let a quote have begun its one trade: claimed in the UPDATE. Raises QuoteUsed."""
    claim = (
        update(HeldQuote)
        .where(col(HeldQuote.quote_id) == quote.quote_id, col(HeldQuote.trade_id).is_(None))
        .values(trade_id=trade_id, used_at=at)
    )
    if (await s.exec(claim)).rowcount == 0:
        raise QuoteUsed("one quote begins one trade", quote_id=quote.quote_id)
    await s.refresh(quote)


async def forget_held(s: WriteSession, *, quote_id: str) -> None:
    """The document of a quote whose opening was erased; its digest and its amounts stay."""
    await s.exec(update(HeldQuote).where(col(HeldQuote.quote_id) == quote_id).values(document=""))


def _known(quote: HeldQuote | None, quote_id: str) -> HeldQuote:
    if quote is None:
        raise HeldQuoteUnknown("no such held quote", quote_id=quote_id)
    return quote
