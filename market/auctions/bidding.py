"""What somebody who may bid is shown before: where every fen of a price would go."""

from datetime import datetime

from base.db import ReadSession
from brokers.repository import in_force, mandates_seen
from market.auctions.tables import Auction
from market.orders.offering import Preview, taken_apart
from pricing.quote import check_price


async def fees_of(
    s: ReadSession,
    auction: Auction,
    *,
    price_minor: int,
    at: datetime,
    buyer_id: str | None = None,
    broker_id: str | None = None,
) -> Preview:
    """A price taken apart, with the commission of a broker by the mandate that it would come in with.

    That of the buyer goes before the provider's. Raises PriceOutOfBounds.
    """
    check_price(price_minor)
    commission_bp = 0
    if broker_id is not None:
        clients = [org_id for org_id in (auction.seller_id, buyer_id) if org_id is not None]
        rows = await mandates_seen(
            s, broker_id=broker_id, client_ids=clients, listing_id=auction.listing_id, at=at
        )
        standing = {row.client_id: row.fee_bp for row in rows if in_force(row, at)}
        commission_bp = standing.get(buyer_id or "", standing.get(auction.seller_id, 0))
    return Preview(taken_apart(price_minor, commission_bp), commission_bp)
