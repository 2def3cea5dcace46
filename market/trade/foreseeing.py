"""What customs would decide of a trade that is being negotiated, so that nobody agrees what cannot leave."""

from datetime import datetime

from base.db import ReadSession
from market.customs.foreseeing import Foreseen, Sale, foresee
from market.delivery.kinds import kind_of
from market.listings.repository import get_listing
from market.orders.handover import DeliveryMode
from market.orders.repository import latest_offer
from market.orders.tables import Trade


async def foresee_trade(s: ReadSession, trade: Trade, *, now: datetime) -> Foreseen:
    """What customs would decide now, with the delivery that the latest offer names."""
    offered = await latest_offer(s, trade_id=trade.trade_id)
    mode = None if offered is None else offered.delivery_mode
    sale = Sale(
        seller_id=trade.seller_id,
        buyer_id=trade.buyer_id,
        product_id=trade.product_id,
        listing_id=trade.listing_id,
        trade_id=trade.trade_id,
    )
    return await foresee(
        s,
        sale=sale,
        listing=await get_listing(s, listing_id=trade.listing_id),
        now=now,
        kind=None if mode is None else kind_of(DeliveryMode(mode)).value,
    )
