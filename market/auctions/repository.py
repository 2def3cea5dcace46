"""What is asked about auctions, and the one door through which an auction's status moves."""

from collections.abc import Sequence
from typing import Any, Final

from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession, exclusive_lock
from market.auctions.errors import AuctionMovedOn, AuctionUnknown, BidUnknown
from market.auctions.states import RUNNING, AuctionEvent, AuctionState, may_move
from market.auctions.tables import Auction, AuctionBid
from market.orders.rules import Side

MAX_PAGE: Final = 100


async def get_auction(s: ReadSession, *, auction_id: str) -> Auction:
    """The auction as it is now. Raises AuctionUnknown."""
    return _known(await s.get(Auction, auction_id, populate_existing=True), auction_id)


async def claim_auction(s: WriteSession, *, auction_id: str) -> Auction:
    """The auction, locked against everyone else who would bid in it or move it. Raises AuctionUnknown."""
    query = exclusive_lock(select(Auction).where(Auction.auction_id == auction_id))
    found = (await s.exec(query, execution_options={"populate_existing": True})).first()
    return _known(found, auction_id)


async def claim_auction_of(s: WriteSession, *, auction_id: str, seller_id: str) -> Auction:
    """`claim_auction` for its seller; to anyone else it is not theirs to move. Raises AuctionUnknown."""
    auction = await claim_auction(s, auction_id=auction_id)
    if auction.seller_id != seller_id:
        raise AuctionUnknown("no such auction of yours", auction_id=auction_id)
    return auction


def _known(auction: Auction | None, auction_id: str) -> Auction:
    if auction is None:
        raise AuctionUnknown("no such auction", auction_id=auction_id)
    return auction


async def move(
    s: WriteSession,
    *,
    auction: Auction,
    event: AuctionEvent,
    role: str,
    values: dict[str, Any] | None = None,
) -> Auction:
    """Move an auction's status by an event of a role, and write `values` in the same UPDATE.

    Raises AuctionWrongState or AuctionWrongRole by the table of states, AuctionMovedOn for the loser of two.
    """
    target = may_move(auction.status, event, role)
    claimed = await s.exec(
        update(Auction)
        .where(
            col(Auction.auction_id) == auction.auction_id,
            col(Auction.status) == auction.status,
            col(Auction.bids) == auction.bids,
        )
        .values(status=target, **(values or {}))
    )
    if claimed.rowcount != 1:
        raise AuctionMovedOn("the auction has moved on", auction_id=auction.auction_id)
    await s.refresh(auction)
    return auction


async def running_on(s: ReadSession, *, listing_id: str) -> Auction | None:
    """The auction that a listing is in, where it is in one."""
    query = select(Auction).where(Auction.listing_id == listing_id, col(Auction.status).in_(RUNNING))
    return (await s.exec(query)).first()


async def auctions_page(
    s: ReadSession,
    *,
    status: AuctionState | None = None,
    listing_id: str | None = None,
    seller_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[Auction]:
    """Auctions, newest first, by keyset: `after` is the last auction id seen."""
    query = select(Auction).order_by(col(Auction.auction_id).desc()).limit(min(limit, MAX_PAGE))
    if status is not None:
        query = query.where(Auction.status == status)
    if listing_id is not None:
        query = query.where(Auction.listing_id == listing_id)
    if seller_id is not None:
        query = query.where(Auction.seller_id == seller_id)
    if after is not None:
        query = query.where(col(Auction.auction_id) < after)
    return (await s.exec(query)).all()


async def bids_of(s: ReadSession, *, auction_id: str) -> Sequence[AuctionBid]:
    """The bids of an auction, first to last; there are few (`rules.MOST_BIDS`)."""
    query = select(AuctionBid).where(AuctionBid.auction_id == auction_id)
    return (await s.exec(query.order_by(col(AuctionBid.number)))).all()


async def bid_of(s: ReadSession, *, auction_id: str, bidder_id: str) -> AuctionBid | None:
    """What an organisation bids in an auction, where it does."""
    query = select(AuctionBid).where(AuctionBid.auction_id == auction_id, AuctionBid.bidder_id == bidder_id)
    return (await s.exec(query.execution_options(populate_existing=True))).first()


def own_side(bid: AuctionBid) -> frozenset[str]:
    """Who knows what is bid: the bidder, and the broker that it mandated; the seller's broker does not."""
    theirs = bid.broker_id is not None and bid.broker_side == Side.BUYER
    return frozenset({bid.bidder_id, bid.broker_id or ""} if theirs else {bid.bidder_id})


async def own_bid(s: ReadSession, *, auction_id: str, bidder_id: str, org_id: str) -> AuctionBid:
    """A bid, for its bidder or the broker that bids for it; to anyone else there is none.

    Raises BidUnknown.
    """
    bid = await bid_of(s, auction_id=auction_id, bidder_id=bidder_id)
    if bid is None or org_id not in own_side(bid):
        raise BidUnknown("no such bid of yours", auction_id=auction_id, bidder_id=bidder_id)
    return bid


async def won_by(s: ReadSession, *, trade_id: str) -> tuple[Auction, AuctionBid] | None:
    """The auction and the bid that a trade came from; None for a trade that was negotiated."""
    bid = (await s.exec(select(AuctionBid).where(AuctionBid.trade_id == trade_id))).first()
    return None if bid is None else (await get_auction(s, auction_id=bid.auction_id), bid)
