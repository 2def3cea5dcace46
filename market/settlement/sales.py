"""What a provider has sold: its contracts with what each comes to, the months, one trade's pay-out."""

from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import case, func
from sqlmodel import col, select

from base.calendar import at_shanghai, months_after, shanghai_day
from base.db import ReadSession
from market.listings.tables import Listing
from market.orders.errors import TradeUnknown
from market.orders.states import TradeState
from market.orders.tables import Trade
from market.settlement.tables import Split

MAX_PAGE: Final = 100
MONTHS: Final = 12
NET: Final = func.coalesce(
    col(Split.seller_minor),
    col(Trade.price_minor)
    - func.coalesce(col(Trade.commission_minor), 0)
    - func.coalesce(col(Trade.platform_fee_minor), 0),
)
_SOLD: Final = (
    select(Trade, Listing.title, Split, NET)
    .join(Listing, col(Listing.listing_id) == col(Trade.listing_id))
    .outerjoin(Split, col(Split.trade_id) == col(Trade.trade_id))
)


class Sale(NamedTuple):
    """A trade that came to a contract; `net_minor` is the seller's own part of its price, in fen."""

    trade: Trade
    title: str
    split: Split | None
    net_minor: int


class Month(NamedTuple):
    """What was settled in a month of Shanghai's calendar, in fen."""

    first_day: date
    trades: int
    price_minor: int
    net_minor: int


async def sales_of(
    s: ReadSession,
    *,
    seller_id: str,
    status: TradeState | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[Sale]:
    """A seller's contracts, newest first, by keyset: `after` is the last trade id seen."""
    query: Any = _SOLD.where(Trade.seller_id == seller_id, col(Trade.contracted_at).is_not(None))
    if status is not None:
        query = query.where(Trade.status == status)
    if after is not None:
        query = query.where(col(Trade.trade_id) < after)
    query = query.order_by(col(Trade.trade_id).desc()).limit(min(limit, MAX_PAGE))
    return [Sale(*row) for row in (await s.exec(query)).all()]


async def sale_of(s: ReadSession, *, trade_id: str, seller_id: str) -> Sale:
    """One sale of a seller; to anyone else it does not exist. Raises TradeUnknown."""
    query: Any = _SOLD.where(
        Trade.trade_id == trade_id, Trade.seller_id == seller_id, col(Trade.contracted_at).is_not(None)
    )
    row = (await s.exec(query)).first()
    if row is None:
        raise TradeUnknown("no such sale", trade_id=trade_id)
    return Sale(*row)


async def months_of(s: ReadSession, *, seller_id: str, now: datetime) -> Sequence[Month]:
    """The last twelve months of a seller, oldest first, the running one last: in one question."""
    this = shanghai_day(now).replace(day=1)
    firsts = [months_after(this, back) for back in range(1 - MONTHS, 1)]
    starts = [at_shanghai(first, time()) for first in (*firsts, months_after(this, 1))]
    settled = col(Trade.settled_at)
    columns: list[Any] = [
        func.coalesce(func.sum(case(((settled >= start) & (settled < end), value), else_=0)), 0)
        for start, end in pairwise(starts)
        for value in (1, col(Trade.price_minor), NET)
    ]
    query: Any = (
        select(*columns)
        .select_from(Trade)
        .outerjoin(Split, col(Split.trade_id) == col(Trade.trade_id))
        .where(Trade.seller_id == seller_id, settled >= starts[0])
    )
    found = [int(value) for value in (await s.exec(query)).one()]
    return [Month(first, *found[3 * n : 3 * n + 3]) for n, first in enumerate(firsts)]
