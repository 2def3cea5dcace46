"""Auctions as their parties act in them: opened by the seller, bid for, cancelled, revealed.

Every verb first locks the auction's row: who commits and the clock that closes are decided one after the
other. What ends an auction is in `market.auctions.closing`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.jobs import cancel, enqueue
from brokers.errors import SelfDealing
from brokers.repository import in_force, mandates_in_use
from identity.control import controllers_of
from identity.repository import get_person
from identity.service import insert, require_member
from ledger import reader
from ledger.recording import Act, record
from ledger.statement import Draft
from market.auctions import repository
from market.auctions.errors import (
    AuctionNotYours,
    AuctionOfPublicData,
    AuctionRunning,
    BidBefore,
    CommitmentTaken,
    SeedNotPublished,
)
from market.auctions.rules import (
    AuctionEvent,
    AuctionState,
    Committed,
    Mechanism,
    Plan,
    check_bidder,
    check_cancel,
    check_digest,
    check_in_phase,
    check_plan,
    check_reserve,
    check_reveal,
    may_move,
)
from market.auctions.tables import Auction, AuctionBid
from market.auctions.terms import Goods, prospective, scope_of, terms_document, whole
from market.listings.repository import get_listing
from market.listings.service import require_listed
from market.listings.tables import Listing
from market.orders.acting import entering_mandate, require_fitting, require_limits
from market.orders.bounding import require_within
from market.orders.errors import TradeWrongRole
from market.orders.scope import territory_of
from market.orders.waiting import after
from pricing.whole import PLATFORM_FEE_BP

CLOSE_JOB: Final = "auction.close"
AWARD_JOB: Final = "auction.award"
_TRACE: Final = "databourse/bid-trace/v1"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
MECHANISM_IDS: Final = {Mechanism.SECOND_PRICE: "M6", Mechanism.RSOP: "M7"}


async def open_auction(s: WriteSession, act: Act, *, listing_id: str, plan: Plan, goods: Goods) -> Auction:
    """Put a listing up for auction, as its seller (AUC.OPEN).

    Raises AuctionWrongRole, AuctionMalformed, AuctionNotYours, AuctionOfPublicData, AuctionRunning,
    `listing-not-on-offer`, `member-not-active`, OfferMalformed, DeliveryModeNotAllowed,
    and what `market.orders.scope.check_within` raises.
    """
    status = may_move(None, AuctionEvent.OPEN, act.role)
    check_plan(plan, now=act.now)
    listing = await require_listed(s, listing_id=listing_id, now=act.now)
    if listing.seller_id != act.actor.org_id:
        raise AuctionNotYours("the listing is another seller's", seller_id=listing.seller_id)
    await require_member(s, org_id=listing.seller_id)
    if listing.public_data:
        raise AuctionOfPublicData("public data has one price under its cap", listing_id=listing_id)
    terms = await whole(s, listing, goods)
    auction = Auction(
        auction_id=act.new_id("auc"),
        status=status,
        mechanism=plan.mechanism,
        listing_id=listing_id,
        product_id=listing.product_id,
        seller_id=listing.seller_id,
        units=plan.units,
        reserve_minor=plan.reserve_minor,
        reserve_sha256=plan.reserve_sha256,
        terms=canonical(terms).decode(),
        opened_at=act.occurred_at,
        closes_at=plan.closes_at,
        reveal_by=plan.reveal_by,
    )
    running = AuctionRunning("the listing is in an auction", listing_id=listing_id)
    if await repository.running_on(s, listing_id=listing_id) is not None:
        raise running
    await insert(s, auction, running)
    reserve = {} if plan.reserve_minor is None else {"reserve_minor": str(plan.reserve_minor)}
    await record(
        s,
        act,
        Draft(
            "AUC.OPEN",
            auction.auction_id,
            public=named(auction)
            | {
                "product_id": auction.product_id,
                "mechanism": MECHANISM_IDS[auction.mechanism],
                "units": auction.units,
                "reserve_sha256": auction.reserve_sha256,
                "closes_at": rfc3339(auction.closes_at),
                "reveal_by": rfc3339(auction.reveal_by),
                "platform_bp": PLATFORM_FEE_BP,
            },
            opening=terms | reserve,
            after=auction.status.value,
        ),
    )
    for kind, due in ((CLOSE_JOB, auction.closes_at), (AWARD_JOB, auction.reveal_by)):
        await enqueue(
            s,
            kind=kind,
            key=auction.auction_id,
            run_at=after(due),
            payload={"auction_id": auction.auction_id},
        )
    return auction


async def cancel_auction(s: WriteSession, act: Act, *, auction_id: str) -> Auction:
    """Call an auction off before anybody has committed, as its seller (AUC.CANCEL).

    Raises AuctionUnknown, AuctionWrongState, AuctionHasBids, AuctionPhaseOver.
    """
    auction = await repository.claim_auction_of(s, auction_id=auction_id, seller_id=act.actor.org_id)
    may_move(auction.status, AuctionEvent.CANCEL, act.role)
    check_cancel(auction.bids)
    check_in_phase(auction.closes_at, act.now)
    await require_member(s, org_id=auction.seller_id)
    before = auction.status
    ended = {"ended_at": act.occurred_at}
    await repository.move(s, auction=auction, event=AuctionEvent.CANCEL, role=act.role, values=ended)
    await record(s, act, step(auction, AuctionEvent.CANCEL, before))
    for kind in (CLOSE_JOB, AWARD_JOB):
        await cancel(s, kind=kind, key=auction_id, now=act.now)
    return auction


async def commit_bid(
    s: WriteSession,
    act: Act,
    *,
    auction_id: str,
    commitment: str,
    purpose: str,
    scenario: str,
    broker_id: str | None = None,
    buyer_id: str | None = None,
) -> AuctionBid:
    """Commit to a bid, as the buyer or as the buyer's broker (AUC.COMMIT).

    `commitment` is `pricing.bids.commitment_of` the auction, the bidder, its price and a nonce; a broker
    names its client in `buyer_id`, a buyer may name its broker. Raises AuctionUnknown, AuctionWrongState,
    AuctionPhaseOver, AuctionMalformed, BidRelated, BidBefore, CommitmentTaken, AuctionFull,
    `listing-not-on-offer`, `buyer-conditions-unmet`, `member-not-active`, SelfDealing, what
    `market.orders.scope.check_within` raises, and for a broker what BR1 and BR2 raise.
    """
    auction = await repository.claim_auction(s, auction_id=auction_id)
    may_move(auction.status, AuctionEvent.COMMIT, act.role)
    check_in_phase(auction.closes_at, act.now)
    check_digest(commitment, "commitment")
    bidder_id = buyer_id if act.role == "BROKER" else act.actor.org_id
    broker = act.actor.org_id if act.role == "BROKER" else broker_id
    if bidder_id is None:
        raise TradeWrongRole("a broker names the buyer it acts for", role=act.role)
    listing = await require_listed(s, listing_id=auction.listing_id, now=act.now)
    bidder = await require_member(s, org_id=bidder_id)
    await require_member(s, org_id=auction.seller_id)
    standing = await repository.bids_of(s, auction_id=auction_id)
    await _check_bidder(s, act, auction, (bidder_id, broker), standing)
    await require_fitting(s, act, listing, bidder)
    mandate = await entering_mandate(s, act, listing, buyer=bidder_id, broker=broker) if broker else None
    bid = AuctionBid(
        bid_id=act.new_id("bid"),
        auction_id=auction_id,
        number=auction.bids + 1,
        bidder_id=bidder_id,
        broker_id=broker,
        broker_side=mandate.side if mandate else None,
        mandate_id=mandate.mandate_id if mandate else None,
        purpose=purpose,
        scenario=scenario,
        commitment=commitment,
        committed_at=act.occurred_at,
    )
    await _require_terms(s, auction, listing, bid)
    if any(commitment == other.commitment for other in standing):
        raise CommitmentTaken("this commitment is another's", auction_id=auction_id)
    before = auction.status
    counted = {"bids": bid.number}
    await repository.move(s, auction=auction, event=AuctionEvent.COMMIT, role=act.role, values=counted)
    await insert(s, bid, BidBefore("each undertaking bids once", bidder_id=bidder_id))
    said = _bid(bid) | {"number": bid.number, "mandate_id": bid.mandate_id}
    opening = {"purpose": purpose, "scenario": scenario} | await _made_by(s, act)
    await record(s, act, step(auction, AuctionEvent.COMMIT, before, said, opening=opening))
    return bid


async def _made_by(s: ReadSession, act: Act) -> dict[str, str]:
    """Which natural person bids, in a digest of the house's own mark: for supervision, in the opening.

    A broker's agent openly acts for several, and one of whom no identity is on record is nobody known.
    """
    if act.role == "BROKER" or act.actor.user_id is None:
        return {}
    person = await get_person(s, user_id=act.actor.user_id)
    mark = None if person is None else person.mark
    return {} if mark is None else {"made_by": sha256_hex(f"{_TRACE}\n{mark}".encode())}


async def reveal_bid(
    s: WriteSession, act: Act, *, auction_id: str, price_minor: int, nonce: str, bidder_id: str | None = None
) -> AuctionBid:
    """Open a commitment after the close, as its bidder or the broker that bids for it (AUC.REVEAL).

    Price and nonce stay between the bidder and the exchange until the award. Raises AuctionUnknown,
    BidUnknown, AuctionWrongState, AuctionPhaseOver, RevealedBefore, CommitmentNotOpened, SeedNotPublished,
    PriceOutOfBounds, AuctionMalformed, `member-not-active`, and for a broker what BR1 and BR2 raise.
    """
    auction = await repository.claim_auction(s, auction_id=auction_id)
    may_move(auction.status, AuctionEvent.REVEAL, act.role)
    check_in_phase(auction.reveal_by, act.now)
    bid = await repository.own_bid(
        s, auction_id=auction_id, bidder_id=bidder_id or act.actor.org_id, org_id=act.actor.org_id
    )
    check_reveal(
        auction_id=auction_id,
        bidder_id=bid.bidder_id,
        commitment=bid.commitment,
        revealed=bid.nonce is not None,
        price_minor=price_minor,
        nonce=nonce,
    )
    await require_member(s, org_id=act.actor.org_id)
    listing = await get_listing(s, listing_id=auction.listing_id)
    trade = prospective(auction, listing, bid, inquired_at=bid.committed_at)
    places = territory_of(terms_document(auction)["territory"])
    await require_limits(s, act, trade, price_minor=price_minor, territories=places)
    if auction.mechanism is Mechanism.RSOP and await root_at_close(s, auction) is None:
        raise SeedNotPublished("the root that draws the sides is not public yet", auction_id=auction_id)
    before = auction.status
    await repository.move(s, auction=auction, event=AuctionEvent.REVEAL, role=act.role)
    bid.price_minor, bid.nonce, bid.revealed_at = price_minor, nonce, act.occurred_at
    s.add(bid)
    await s.flush()
    opening = {"price_minor": str(price_minor), "bid_nonce": nonce}
    await record(s, act, step(auction, AuctionEvent.REVEAL, before, _bid(bid), opening=opening))
    return bid


async def reveal_reserve(
    s: WriteSession, act: Act, *, auction_id: str, reserve_minor: int, nonce: str
) -> Auction:
    """Open the commitment to a reserve after the close, as the seller (AUC.REVEAL_RESERVE).

    Raises AuctionUnknown, AuctionWrongState, AuctionPhaseOver, RevealedBefore, CommitmentNotOpened,
    AuctionMalformed.
    """
    auction = await repository.claim_auction_of(s, auction_id=auction_id, seller_id=act.actor.org_id)
    may_move(auction.status, AuctionEvent.REVEAL_RESERVE, act.role)
    check_in_phase(auction.reveal_by, act.now)
    check_reserve(
        listing_id=auction.listing_id,
        commitment=auction.reserve_sha256,
        told=auction.reserve_minor,
        given=reserve_minor,
        nonce=nonce,
    )
    await require_member(s, org_id=auction.seller_id)
    before = auction.status
    told = {"reserve_minor": reserve_minor}
    await repository.move(s, auction=auction, event=AuctionEvent.REVEAL_RESERVE, role=act.role, values=told)
    opening = {"reserve_minor": str(reserve_minor), "reserve_nonce": nonce}
    said = {"reserve_sha256": auction.reserve_sha256}
    await record(s, act, step(auction, AuctionEvent.REVEAL_RESERVE, before, said, opening=opening))
    return auction


async def root_at_close(s: ReadSession, auction: Auction) -> tuple[int, str] | None:
    """Size and root of the log's tree that ends with AUC.CLOSE, once that is public.

    Public is what a published checkpoint holds, cosigned by the quorum of witnesses where one is asked for.
    """
    seq = None if auction.closed_by is None else await reader.seq_of(s, statement_id=auction.closed_by)
    over = None if seq is None else await reader.checkpoint_over(s, seq=seq)
    if seq is None or over is None or over.witnessed is False:
        return None
    return seq + 1, (await reader.root_after(s, seq=seq)).hex()


def named(auction: Auction) -> dict[str, Any]:
    """The auction as its statements name it."""
    return {
        "auction_id": auction.auction_id,
        "listing_id": auction.listing_id,
        "seller_id": auction.seller_id,
    }


def step(
    auction: Auction,
    event: AuctionEvent,
    before: AuctionState,
    said: Mapping[str, Any] = _NOTHING,
    *,
    opening: Mapping[str, Any] | None = None,
    subjects: Mapping[str, str] = _NOTHING,
) -> Draft:
    """The statement of an event of an auction."""
    return Draft(
        f"AUC.{event.value}",
        auction.auction_id,
        public={**named(auction), **said},
        opening=opening,
        subjects=subjects,
        before=before.value,
        after=auction.status.value,
    )


def _bid(bid: AuctionBid) -> dict[str, Any]:
    return {
        "bid_id": bid.bid_id,
        "bidder_id": bid.bidder_id,
        "broker_id": bid.broker_id,
        "commitment": bid.commitment,
    }


async def _check_bidder(
    s: WriteSession, act: Act, auction: Auction, side: tuple[str, str | None], standing: Sequence[AuctionBid]
) -> None:
    """That the bidder is nobody of the seller's, nor its broker, and bids for the first time.

    Nor does it bid against who trusts its group with a price, as its broker.
    """
    bidder_id, broker = side
    orgs = {bidder_id, broker or bidder_id, auction.seller_id}
    orgs |= {org_id for bid in standing for org_id in (bid.bidder_id, bid.broker_id) if org_id}
    controllers = await controllers_of(s, org_ids=orgs)
    group = {org_id: controllers.get(org_id, org_id) for org_id in orgs}
    check_bidder(
        bidder=Committed(bidder_id, group[bidder_id]),
        seller_group=group[auction.seller_id],
        standing=[Committed(bid.bidder_id, group[bid.bidder_id]) for bid in standing],
    )
    trusted = {group[bid.broker_id] for bid in standing if bid.broker_id}
    bidding = {group[bid.bidder_id] for bid in standing}
    if group[bidder_id] in trusted or (broker is not None and group[broker] in bidding):
        raise SelfDealing("a broker does not bid against its client", broker_id=broker or bidder_id)
    mandates = await mandates_in_use(
        s,
        broker_id=bidder_id,
        client_ids=[auction.seller_id],
        listing_id=auction.listing_id,
        at=act.now,
    )
    if any(in_force(row, act.now) for row in mandates):
        raise SelfDealing("the seller's broker does not bid for itself", broker_id=bidder_id)


async def _require_terms(s: WriteSession, auction: Auction, listing: Listing, bid: AuctionBid) -> None:
    """That what is put up stays inside the listing's conditions, and fits this bidder."""
    trade = prospective(auction, listing, bid, inquired_at=bid.committed_at)
    said = terms_document(auction)
    await require_within(
        s,
        trade,
        scope=scope_of(auction),
        territory=said["territory"],
        term_months=said["term_months"],
        now=bid.committed_at,
    )
