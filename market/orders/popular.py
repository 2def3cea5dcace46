"""Which listings are bought most: counted over the newest contracts alone, so that it costs the same ever."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from sqlmodel import col, select

from base.db import ReadSession
from market.listings.states import ListingState
from market.listings.tables import Listing
from market.orders.tables import Trade

LOOKED_AT: Final = 1000  # the newest trades; more would say less of now


async def bought_most(s: ReadSession, *, limit: int = 6) -> Sequence[tuple[Listing, int]]:
    """Listings on offer that came to a contract most often among the newest trades, and how often."""
    newest = (
        select(Trade.listing_id, Trade.contracted_at).order_by(col(Trade.trade_id).desc()).limit(LOOKED_AT)
    )
    counted = Counter(
        listing_id for listing_id, contracted_at in (await s.exec(newest)).all() if contracted_at is not None
    )
    likely = [listing_id for listing_id, _ in counted.most_common(limit * 3)]
    if not likely:
        return []
    offered = select(Listing).where(
        col(Listing.listing_id).in_(likely), Listing.status == ListingState.LISTED
    )
    found = (await s.exec(offered)).all()
    ranked = sorted(found, key=lambda one: (-counted[one.listing_id], one.listing_id))
    return [(one, counted[one.listing_id]) for one in ranked[:limit]]
