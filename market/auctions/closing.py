"""The end of an auction, by the clock: the close of the commitments, then the award.

The award is a quote: anyone who has its facts makes the same bytes with `databourse price`. It makes a
trade of each winner at the price it says; the checks and the contract follow as in any trade
(`market.trade.awarding`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from base.canonical import canonical, sha256_hex
from base.db import WriteSession
from base.jobs import cancel
from ledger.recording import Act, record
from ledger.statement import Draft
from market.auctions import repository
from market.auctions.rules import (
    AuctionEvent,
    AuctionState,
    Award,
    FailReason,
    Mechanism,
    SealedBid,
    award,
)
from market.auctions.service import AWARD_JOB, root_at_close, step
from market.auctions.tables import Auction, AuctionBid
from market.auctions.terms import prospective, terms_at, terms_document
from market.listings.repository import lock_listing
from market.listings.states import ListingState
from market.listings.tables import Listing
from market.orders.acting import commission_of, mandates_in
from market.orders.offering import taken_apart
from market.orders.rules import Side, TradeEvent
from market.orders.rules import may_move as may_move_trade
from market.orders.statements import OfferTerms, named, offer_of, parts_of
from market.orders.tables import Trade


async def close_auction(s: WriteSession, act: Act, *, auction_id: str) -> bool:
    """The clock's end of the commitments (AUC.CLOSE; AUC.FAIL where there are none); False where too early.

    The statement names how many there are and the digest of all of them in their order.
    """
    auction = await repository.claim_auction(s, auction_id=auction_id)
    if auction.status is not AuctionState.OPEN or act.now <= auction.closes_at:
        return False
    if not auction.bids:
        await _fail(s, act, auction, FailReason.NO_BIDS)
        await cancel(s, kind=AWARD_JOB, key=auction_id, now=act.now)
        return True
    bids = await repository.bids_of(s, auction_id=auction_id)
    before = auction.status
    await repository.move(s, auction=auction, event=AuctionEvent.CLOSE, role=act.role)
    said = {"bids": len(bids), "commitments_sha256": digest_of(bids)}
    recorded = await record(s, act, step(auction, AuctionEvent.CLOSE, before, said))
    auction.closed_by = recorded.statement_id
    s.add(auction)
    await s.flush()
    return True


def digest_of(bids: Sequence[AuctionBid]) -> str:
    """The SHA-256 of all commitments in their order, a line each."""
    return sha256_hex("\n".join(bid.commitment for bid in bids).encode())


@dataclass(frozen=True, slots=True)
class Awarded:
    """An auction after its award, and the trades that it made."""

    auction: Auction
    trades: Sequence[Trade]


async def award_auction(s: WriteSession, act: Act, *, auction_id: str) -> Awarded | None:
    """The clock's award after revealing (AUC.AWARD with TRD.AWARD of each winner, else AUC.FAIL).

    None where it is too early, or over already.
    """
    auction = await repository.claim_auction(s, auction_id=auction_id)
    if act.now <= auction.reveal_by:
        return None
    if auction.status is AuctionState.OPEN:  # a node that was away: of two runners this one came first
        await close_auction(s, act, auction_id=auction_id)
    if auction.status is not AuctionState.CLOSED:
        return None
    listing = await lock_listing(s, listing_id=auction.listing_id)
    bids = await repository.bids_of(s, auction_id=auction_id)
    drawn = await root_at_close(s, auction) if auction.mechanism is Mechanism.RSOP else None
    found = _decided(auction, bids, root=drawn[1] if drawn else None)
    if listing.status is not ListingState.LISTED:
        await _fail(s, act, auction, FailReason.LISTING_NOT_ON_OFFER, bids)
        return Awarded(auction, ())
    if found.failed is not None or found.quote is None:
        await _fail(s, act, auction, found.failed or FailReason.NOTHING_REVEALED, bids)
        return Awarded(auction, ())
    document = found.quote.canonical()
    ended = {
        "ended_at": act.occurred_at,
        "document": document.decode(),
        "facts": canonical(found.facts).decode(),
    }
    before = auction.status
    await repository.move(s, auction=auction, event=AuctionEvent.AWARD, role=act.role, values=ended)
    by_org = {bid.bidder_id: bid for bid in bids}
    won = [by_org[org_id] for org_id in found.payments]
    trade_ids = {bid.bid_id: act.new_id("trd") for bid in won}
    size, root = drawn or (None, None)
    await record(
        s,
        act,
        step(
            auction,
            AuctionEvent.AWARD,
            before,
            {
                "mechanism": found.quote.mechanism,
                "version": found.quote.version,
                "inputs_sha256": found.quote.inputs_sha256,
                "seed": found.quote.seed,
                "seed_size": size,
                "seed_root": root,
                "winners": [bid.bid_id for bid in won],
                "withdrawn": _withdrawn(bids),
                "trades": [trade_ids[bid.bid_id] for bid in won],
            },
            subjects={"quote": sha256_hex(document)},
            opening={
                "payments_minor": {bid.bid_id: str(found.payments[bid.bidder_id]) for bid in won},
                "reasons": [reason.document() for reason in found.quote.reasons],
            },
        ),
    )
    trades = []
    for bid in won:
        paid = found.payments[bid.bidder_id]
        trade_id = trade_ids[bid.bid_id]
        trade = await _trade(s, act, auction, listing, bid=bid, trade_id=trade_id, price_minor=paid)
        trades.append(trade)
    return Awarded(auction, trades)


def _decided(auction: Auction, bids: Sequence[AuctionBid], *, root: str | None) -> Award:
    said = terms_document(auction)
    return award(
        auction.mechanism,
        [SealedBid(bid.bidder_id, bid.commitment, bid.price_minor, bid.nonce) for bid in bids],
        auction_id=auction.auction_id,
        units=auction.units,
        reserve_minor=auction.reserve_minor,
        sealed_reserve=auction.reserve_sha256 is not None,
        root=root,
        about={
            "listing_id": auction.listing_id,
            "product_id": auction.product_id,
            "licence_class": said["licence_class"],
            "unit": said["unit"],
            "quantity": said["quantity"],
        },
    )


async def _trade(
    s: WriteSession,
    act: Act,
    auction: Auction,
    listing: Listing,
    *,
    bid: AuctionBid,
    trade_id: str,
    price_minor: int,
) -> Trade:
    """The trade of a winner, accepted at the award's price, with the offer its contract is drawn from."""
    trade = prospective(
        auction,
        listing,
        bid,
        trade_id=trade_id,
        status=may_move_trade(None, TradeEvent.AWARD, act.role),
        price_minor=price_minor,
        offer_no=1,
        inquired_at=bid.committed_at,
        agreed_at=act.occurred_at,
    )
    s.add(trade)
    await s.flush()
    commission_bp = commission_of(trade, await mandates_in(s, act, trade))
    terms = terms_at(auction, price_minor=price_minor, purpose=bid.purpose, expires_at=act.now)
    recorded = await record(s, act, _awarded(trade, bid, terms, commission_bp))
    offer = offer_of(
        trade,
        terms,
        by_org=trade.seller_id,
        side=Side.PROVIDER,
        made_at=act.occurred_at,
        commission_bp=commission_bp,
        statement_id=recorded.statement_id,
    )
    s.add(offer)
    bid.trade_id = trade_id
    s.add(bid)
    await s.flush()
    return trade


def _awarded(trade: Trade, bid: AuctionBid, terms: OfferTerms, commission_bp: int) -> Draft:
    whole = taken_apart(terms.price_minor, commission_bp)
    return Draft(
        "TRD.AWARD",
        trade.trade_id,
        public=named(trade)
        | {
            "product_id": trade.product_id,
            "mandate_id": trade.mandate_id,
            "auction_id": bid.auction_id,
            "bid_id": bid.bid_id,
            "offer_no": trade.offer_no,
        },
        opening=terms.document() | {"scenario": trade.scenario, "whole_price": parts_of(whole)},
        after=trade.status.value,
    )


async def _fail(
    s: WriteSession, act: Act, auction: Auction, reason: FailReason, bids: Sequence[AuctionBid] = ()
) -> None:
    before = auction.status
    ended = {"ended_at": act.occurred_at, "failed_for": reason.value}
    await repository.move(s, auction=auction, event=AuctionEvent.FAIL, role=act.role, values=ended)
    said = {"reason_code": reason.value, "withdrawn": _withdrawn(bids)}
    await record(s, act, step(auction, AuctionEvent.FAIL, before, said))


def _withdrawn(bids: Sequence[AuctionBid]) -> list[str]:
    """The bids that were committed to and never revealed."""
    return [bid.bid_id for bid in bids if bid.nonce is None]
