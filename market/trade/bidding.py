"""A bid binds: nobody makes one for what customs has not cleared to it."""

from typing import Any

from base.db import WriteSession
from ledger.recording import Act
from market.auctions import service
from market.auctions.repository import get_auction
from market.auctions.tables import AuctionBid
from market.customs.foreseeing import require_deliverable
from market.listings.repository import get_listing


async def commit_bid(s: WriteSession, act: Act, **said: Any) -> AuctionBid:
    """Commit to a bid (AUC.COMMIT). Raises what `market.auctions.service.commit_bid` raises, and
    CustomsRouteNotOpen for what could not be delivered to the bidder.
    """
    bid = await service.commit_bid(s, act, **said)
    auction = await get_auction(s, auction_id=bid.auction_id)
    listing = await get_listing(s, listing_id=auction.listing_id)
    await require_deliverable(s, listing, seller_id=auction.seller_id, buyer_id=bid.bidder_id, now=act.now)
    return bid
