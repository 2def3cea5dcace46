"""What the parties of a trade have agreed on, as its accepted offer has it."""

from base.db import ReadSession
from market.listings.repository import get_listing
from market.orders.acceptance import AcceptanceTerms, agreed_acceptance
from market.orders.statements import terms_of
from market.orders.tables import Offer, Trade


async def agreed_on(s: ReadSession, trade: Trade) -> AcceptanceTerms:
    """By what a trade's goods are accepted, and in how many working days; else what is usual."""
    listing = await get_listing(s, listing_id=trade.listing_id)
    offer = await s.get(Offer, (trade.trade_id, trade.offer_no))
    told = None if offer is None else terms_of(offer).acceptance
    return agreed_acceptance(told, listing.product_type, trade.quantity)
