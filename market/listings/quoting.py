"""What a listing costs before anybody asks for it: one answer for everyone."""

from typing import Any

from base.db import ReadSession
from market.listings import repository
from market.listings.tables import Listing
from pricing.methods import quote as priced
from pricing.quote import Quote, check_price
from pricing.whole import PLATFORM_FEE_BP


async def quote_facts(
    s: ReadSession, listing: Listing, *, quantity: int
) -> tuple[str, dict[str, Any]] | None:
    """The method and the facts that price a quantity; None without a price."""
    planned = await repository.plan_of(s, listing_id=listing.listing_id)
    facts = {"listing_id": listing.listing_id, "unit": listing.unit, "platform_bp": PLATFORM_FEE_BP}
    if planned is not None:
        return planned.method.value, {**planned.facts(quantity), **facts}
    if listing.list_price_minor is None:
        return None
    return "fixed", {**facts, "price_minor": listing.list_price_minor, "quantity": quantity}


async def whole_quote(s: ReadSession, listing: Listing, *, quantity: int) -> Quote | None:
    """The quote of a quantity before any inquiry: no fact of it says who asks. None without a price.

    Raises what the method raises, and PriceOutOfBounds where a plan comes to nothing to pay.
    """
    found = await quote_facts(s, listing, quantity=quantity)
    if found is None:
        return None
    quote = priced(*found)
    if found[0] != "fixed":
        check_price(quote.total_minor)
    return quote
