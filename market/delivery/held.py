"""What a buyer holds: each right with its trade, the title of its product, the name of its file."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlmodel import col, select

from base.db import ReadSession
from market.delivery.errors import EntitlementUnknown
from market.delivery.repository import MAX_PAGE
from market.delivery.tables import Entitlement
from market.listings.tables import Listing, ListingFile
from market.orders.tables import Trade

_HELD: Final = (
    select(Entitlement, Trade, Listing.title, ListingFile.name)
    .join(Trade, col(Trade.trade_id) == col(Entitlement.trade_id))
    .join(Listing, col(Listing.listing_id) == col(Trade.listing_id))
    .join(ListingFile, col(ListingFile.file_id) == col(Listing.file_id))
)


class Held(NamedTuple):
    """A right to receive data and what it is about; `file_name` is that of the file that was listed."""

    entitlement: Entitlement
    trade: Trade
    title: str
    file_name: str


async def held_by(
    s: ReadSession, *, buyer_id: str, after: str | None = None, limit: int = 50
) -> Sequence[Held]:
    """A buyer's rights, newest first, by keyset: `after` is the last entitlement id seen."""
    query: Any = _HELD.where(Entitlement.buyer_id == buyer_id)
    if after is not None:
        query = query.where(col(Entitlement.entitlement_id) < after)
    query = query.order_by(col(Entitlement.entitlement_id).desc()).limit(min(limit, MAX_PAGE))
    return [Held(*row) for row in (await s.exec(query)).all()]


async def get_held(s: ReadSession, *, entitlement_id: str, buyer_id: str) -> Held:
    """One right of a buyer; to anyone else it does not exist. Raises EntitlementUnknown."""
    query: Any = _HELD.where(Entitlement.entitlement_id == entitlement_id, Entitlement.buyer_id == buyer_id)
    row = (await s.exec(query)).first()
    if row is None:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return Held(*row)
