"""The trades of a database as the audit compares them with a bundle.

What was said after the bundle was written cannot be compared with it: such a trade is named by its id
alone, and a trade that began later is left out. Whoever hides behind that is found in the next bundle.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from base.db import Database, ReadSession
from base.errors import DomainError
from base.settings import Settings
from ledger.reader import spoken_of_since
from market.orders.repository import trades_of
from market.orders.tables import Trade
from supervision.audit_case import Row

_PAGE = 100


class DatabaseUnusable(DomainError):
    code: ClassVar[str] = "database-unavailable"
    title = "The database cannot be asked"


async def rows_of(url: str, *, size: int) -> tuple[list[Row], int]:
    """Rows for a bundle of `size` entries, and how many trades have moved on since.

    The password, if any, comes from DATABOURSE_DATABASE_PASSWORD. Raises DatabaseUnusable.
    """
    try:
        return await _rows_of(url, size)
    except (DBAPIError, OSError, ValidationError) as error:
        said = str(error.orig) if isinstance(error, DBAPIError) else str(error).splitlines()[0]
        raise DatabaseUnusable(said) from None


async def _rows_of(url: str, size: int) -> tuple[list[Row], int]:
    database = Database(Settings(database_url=url).database_dsn)
    try:
        async with database.read() as s:
            trades = await _all_trades(s)
            later = await spoken_of_since(s, size=size)  # after the trades: what moves meanwhile is in it
    finally:
        await database.dispose()
    rows = [_row(trade, moved=trade.trade_id in later) for trade in trades if later.get(trade.trade_id, True)]
    return rows, sum(trade.trade_id in later for trade in trades)


async def _all_trades(s: ReadSession) -> list[Trade]:
    found: list[Trade] = []
    page: Sequence[Trade] = await trades_of(s, limit=_PAGE)
    while page:
        found += page
        page = await trades_of(s, after=page[-1].trade_id, limit=_PAGE)
    return found


def _row(trade: Trade, *, moved: bool) -> Row:
    if moved:
        return {"trade_id": trade.trade_id}
    row = {
        "trade_id": trade.trade_id,
        "status": trade.status.value,
        "listing_id": trade.listing_id,
        "seller_id": trade.seller_id,
        "buyer_id": trade.buyer_id,
        "broker_id": trade.broker_id,
    }
    if trade.contracted_at is None:  # until then the statements tell offers, not an amount
        return row
    return row | {
        "amount_minor": trade.price_minor,
        "commission_minor": trade.commission_minor,
        "platform_fee_minor": trade.platform_fee_minor,
    }
