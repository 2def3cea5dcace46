"""A product's list price beside those of comparable offers: only what the catalogue tells everybody."""

from fractions import Fraction
from statistics import median
from typing import Final

from base.db import ReadSession
from market.listings import catalogue
from market.listings.tables import Listing
from pricing.guide import rounded
from web.charts.chart import Chart
from web.charts.offers import Offer, offers
from web.pages.visiting import Visitor

_MOST: Final = 14
_LOOKED_AT: Final = 100
_LEAST: Final = 2


async def beside(s: ReadSession, visitor: Visitor, listing: Listing) -> Chart | None:
    """Offers of the same category, type, level and unit by the price of one unit; None of too few.

    The newest are looked at; of these the ones shown are nearest in price.
    """
    if listing.list_price_minor is None:
        return None
    asked = catalogue.Query(category=listing.category, product_type=listing.product_type)
    page = await catalogue.search(s, asked, limit=_LOOKED_AT)
    own = Fraction(listing.list_price_minor, listing.quantity)
    others = [
        (Fraction(one.list_price_minor, one.quantity), one)
        for one in page.listings
        if one.listing_id != listing.listing_id
        and one.list_price_minor is not None
        and (one.level, one.unit) == (listing.level, listing.unit)
    ]
    if len(others) < _LEAST:
        return None
    middle = median(price for price, _ in others)
    others.sort(key=lambda pair: (abs(pair[0] - own), pair[1].listing_id))
    shown = [
        Offer(one.title, rounded(price), own=False, address=_page(visitor, one.listing_id))
        for price, one in others
    ]
    return offers(
        [
            Offer(listing.title, rounded(own), own=True, address=_page(visitor, listing.listing_id)),
            *shown[:_MOST],
        ],
        median_minor=rounded(middle),
        title=visitor.say("Price of one unit beside comparable offers"),
        says=visitor.say(
            "List prices of %(n)s other offers of the same category, type, level and unit. The diamond is "
            "this product; the dashed line is the others' median.",
            n=len(others),
        ),
        say=visitor.say,
    )


def _page(visitor: Visitor, listing_id: str) -> str:
    return visitor.url(f"/products/{listing_id}")
