"""A guide price for a seller's listing, with the comparables it rests on."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from market.listings.repository import get_listing_of
from market.listings.rules import MAX_QUANTITY
from market.trade.comparables import comparables_of, guide_price
from web.acts import Id
from web.deps import CallerDep, ReadDep

router = APIRouter(tags=["listings"])


@router.get("/listings/{listing_id}/guide-price")
async def guide(
    listing_id: Id,
    s: ReadDep,
    caller: CallerDep,
    quantity: Annotated[int | None, Query(ge=1, le=MAX_QUANTITY)] = None,
    quality: Annotated[str, Query(pattern=r"^[0-9]{1,2}(\.[0-9]{1,4})?$")] = "1",
) -> dict[str, Any]:
    """The guide price of a quantity of one's own listing (of what it offers, where none is told).

    `quality` is a factor, 1 that of the comparables. These are told without their parties, in calendar
    months, at two significant digits. Fewer than five, of fewer than three sellers, or more than half of them
    of one, are too few (409).
    """
    listing = await get_listing_of(s, listing_id=listing_id, org_id=caller.actor.org_id)
    found = await comparables_of(s, listing, at=caller.node.clock.now())
    quote = guide_price(listing, found, quantity=quantity or listing.quantity, quality=quality)
    return {
        "quote": quote.document(),
        "comparables": [
            {
                "month": f"{one.agreed_at:%Y-%m}",
                "price_minor": str(one.told_minor),
                "quantity": one.quantity,
            }
            for one in found
            if one.counts
        ],
    }
