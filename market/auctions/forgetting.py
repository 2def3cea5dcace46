"""What the tables of auctions repeat of the openings of `AUC.*`, emptied when an opening is erased.

What won is in the books of its trade; what was put up says nothing of anybody.
"""

from sqlmodel import col, update

from base.db import WriteSession
from ledger.erasure import ERASED
from market.auctions.tables import Auction, AuctionBid


async def forget_bid(s: WriteSession, *, bid_id: str) -> None:
    """For what a bidder wanted the data."""
    of_it = col(AuctionBid.bid_id) == bid_id
    await s.exec(update(AuctionBid).where(of_it).values(purpose=ERASED, scenario=ERASED))


async def forget_price(s: WriteSession, *, auction_id: str, bid_id: str) -> None:
    """What was bid, and the award's quote, which repeats every bid."""
    of_it = col(AuctionBid.bid_id) == bid_id
    await s.exec(update(AuctionBid).where(of_it).values(price_minor=None, nonce=None))
    of_auction = col(Auction.auction_id) == auction_id
    await s.exec(update(Auction).where(of_auction).values(document=None, facts=None))
