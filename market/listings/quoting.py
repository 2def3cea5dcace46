"""What a listing costs before anybody asks for it: one answer for everyone."""

from base.db import ReadSession
from market.listings import repository
from market.listings.tables import Listing
from pricing.fixed import fixed_quote
from pricing.quote import Quote
from pricing.whole import PLATFORM_FEE_BP


async def whole_quote(s: ReadSession, listing: Listing, *, quantity: int) -> Quote | None:
    """The quote of a quantity before any inquiry: no fact of it says who asks. None without a price."""
    planned = await repository.plan_of(s, listing_id=listing.listing_id)
    facts = {"listing_id": listing.listing_id, "unit": listing.unit, "platform_bp": PLATFORM_FEE_BP}
    if planned is not None:
        return planned.priced(quantity, **facts)
    if listing.list_price_minor is None:
        return None
    return fixed_quote({**facts, "price_minor": listing.list_price_minor, "quantity": quantity})
