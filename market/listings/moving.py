"""Who delivers what is offered is told when the ground under it moves, and looks again (`market.trade`)."""

from typing import Final

from sqlmodel import select

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from market.listings.tables import Listing

MOVED_JOB: Final = "listing.moved"


async def tell_moved(s: WriteSession, act: Act, listing: Listing) -> None:
    """A listing was suspended or resumed: have the deliveries of its product looked at."""
    await enqueue(
        s,
        kind=MOVED_JOB,
        key=f"{listing.product_id}:{act.new_id('job')}",
        run_at=act.now,
        payload={"product_id": listing.product_id},
    )


async def tell_graded(s: WriteSession, act: Act, listing: Listing) -> None:
    """A product was graded anew: that moves what its other listings rest on, where there are any."""
    others = select(Listing.listing_id).where(
        Listing.product_id == listing.product_id, Listing.listing_id != listing.listing_id
    )
    if (await s.exec(others.limit(1))).first() is not None:
        await tell_moved(s, act, listing)
