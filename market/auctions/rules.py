"""What decides about a sealed auction: its times and numbers, its commitments, its seed, its award. Pure.

The prices are made by `pricing.second_price` and `pricing.rsop`; no fact of theirs says more of a bidder than
its name, which orders nothing but the coin of RSOP.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from market.auctions.errors import (
    AuctionFull,
    AuctionHasBids,
    AuctionMalformed,
    AuctionPhaseOver,
    BidBefore,
    BidRelated,
    CommitmentNotOpened,
    RevealedBefore,
)
from market.auctions.states import AuctionEvent, AuctionState, FailReason, may_move
from pricing.bids import commitment_of
from pricing.errors import AuctionOneSided
from pricing.methods import quote as priced
from pricing.quote import MAX_PRICE_MINOR, Quote, check_price

__all__ = ["AuctionEvent", "AuctionState", "FailReason", "may_move"]

MOST_BIDS: Final = 200
MOST_UNITS: Final = 100
SHORTEST: Final = timedelta(hours=1)  # to commit, and to reveal
LONGEST: Final = timedelta(days=60)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RESERVE: Final = b"databourse sealed reserve v1\n"
_SEED: Final = "databourse auction seed v1"


class Mechanism(StrEnum):
    """How an auction is decided, by the method of `databourse price`."""

    SECOND_PRICE = "second-price"  # an exclusive licence, or so many like ones
    RSOP = "rsop"  # a good of which any number can be sold


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an auction is to go. A second-price auction has `units` and a reserve, told or committed to."""

    mechanism: Mechanism
    closes_at: datetime
    reveal_by: datetime
    units: int | None = None
    reserve_minor: int | None = None
    reserve_sha256: str | None = None


def check_plan(plan: Plan, *, now: datetime) -> None:
    """The form of every member, and times in their order. Raises AuctionMalformed."""
    for name, begins, ends in (
        ("closes_at", now, plan.closes_at),
        ("reveal_by", plan.closes_at, plan.reveal_by),
    ):
        if not begins + SHORTEST <= ends <= begins + LONGEST:
            raise AuctionMalformed(
                "there is an hour at least, and 60 days at most, to commit and to reveal",
                member=name,
                moment=rfc3339(ends),
            )
    if plan.mechanism is Mechanism.RSOP:
        if (plan.units, plan.reserve_minor, plan.reserve_sha256) != (None, None, None):
            raise AuctionMalformed("what any number can have has neither units nor a reserve", member="units")
        return
    if plan.units is None or not 1 <= plan.units <= MOST_UNITS:
        raise AuctionMalformed(f"units are 1 to {MOST_UNITS}", member="units")
    if (plan.reserve_minor is None) is (plan.reserve_sha256 is None):
        raise AuctionMalformed("a reserve is told, or committed to", member="reserve_minor")
    if plan.reserve_sha256 is not None:
        check_digest(plan.reserve_sha256, "reserve_sha256")
    elif plan.reserve_minor is not None and not 0 < plan.reserve_minor <= MAX_PRICE_MINOR:
        raise AuctionMalformed("a reserve is a price", member="reserve_minor")


def check_digest(value: str, member: str) -> None:
    """Raises AuctionMalformed for anything but 64 lower-case hex digits."""
    if not _DIGEST.fullmatch(value):
        raise AuctionMalformed(f"{member} is 64 hex digits", member=member)


def check_cancel(bids: int) -> None:
    """Raises AuctionHasBids once somebody has committed."""
    if bids:
        raise AuctionHasBids("somebody has committed to a bid", bids=bids)


def check_in_phase(until: datetime, now: datetime) -> None:
    """Refuse what comes after its time, with AuctionPhaseOver; the last moment itself is in time."""
    if now > until:
        raise AuctionPhaseOver("the time for this has passed", until=rfc3339(until), now=rfc3339(now))


@dataclass(frozen=True, slots=True)
class Committed:
    """A bid that stands, with the undertaking of its bidder."""

    bidder_id: str
    group: str


def check_bidder(*, bidder: Committed, seller_group: str, standing: Sequence[Committed]) -> None:
    """Who may bid beside whom. Raises BidRelated, BidBefore, AuctionFull."""
    if bidder.group == seller_group:
        raise BidRelated("the bidder is the seller, or one of its group", bidder_id=bidder.bidder_id)
    if any(bidder.group == other.group for other in standing):
        raise BidBefore("each undertaking bids once", bidder_id=bidder.bidder_id)
    if len(standing) >= MOST_BIDS:
        raise AuctionFull("the auction takes no more bids", limit=MOST_BIDS)


def check_reveal(
    *, auction_id: str, bidder_id: str, commitment: str, revealed: bool, price_minor: int, nonce: str
) -> None:
    """Whether a price and a nonce open a commitment.

    Raises RevealedBefore, AuctionMalformed, PriceOutOfBounds, CommitmentNotOpened.
    """
    if revealed:
        raise RevealedBefore("this bid was revealed", bidder_id=bidder_id)
    check_digest(nonce, "nonce")
    check_price(price_minor)
    if commitment_of(bidder_id, price_minor, nonce, auction=auction_id) != commitment:
        raise CommitmentNotOpened("price and nonce are not those of the commitment", bidder_id=bidder_id)


def reserve_commitment(listing_id: str, reserve_minor: int, nonce: str) -> str:
    """The hex SHA-256 by which a seller is bound to a reserve; `nonce` is 64 random hex digits."""
    said = {"listing": listing_id, "nonce": nonce, "reserve_minor": reserve_minor}
    return sha256_hex(_RESERVE + canonical(said))


def check_reserve(
    *, listing_id: str, commitment: str | None, told: int | None, given: int, nonce: str
) -> None:
    """Whether a reserve and a nonce open the seller's commitment.

    Raises RevealedBefore, AuctionMalformed, CommitmentNotOpened.
    """
    if commitment is None or told is not None:
        raise RevealedBefore("the reserve is known", listing_id=listing_id)
    check_digest(nonce, "nonce")
    if not 0 < given <= MAX_PRICE_MINOR:
        raise AuctionMalformed("a reserve is a price", member="reserve_minor")
    if reserve_commitment(listing_id, given, nonce) != commitment:
        raise CommitmentNotOpened("reserve and nonce are not those of the commitment", listing_id=listing_id)


@dataclass(frozen=True, slots=True)
class SealedBid:
    """A bid as the award takes it; price and nonce where it was revealed."""

    bidder_id: str
    commitment: str
    price_minor: int | None = None
    nonce: str | None = None

    def fact(self) -> dict[str, Any]:
        """As `pricing.bids` takes it."""
        said = {"bidder": self.bidder_id, "commitment": self.commitment}
        if self.price_minor is None:
            return said
        return said | {"price_minor": self.price_minor, "nonce": self.nonce}


def seed_of(auction_id: str, root: str, bids: Sequence[SealedBid]) -> str:
    """The seed of a split: of the log's root at the close, and of every nonce that was revealed.

    Bidders fixed the nonces before there was the root, the exchange the root before it knew the nonces.
    """
    opened = sorted(f"{bid.commitment} {bid.nonce}" for bid in bids if bid.nonce is not None)
    return sha256_hex("\n".join([_SEED, auction_id, root, *opened]).encode())


@dataclass(frozen=True, slots=True)
class Award:
    """What the mechanism said: the quote with its facts, and what each winner pays; or why nobody won."""

    facts: dict[str, Any]
    quote: Quote | None
    payments: dict[str, int]
    failed: FailReason | None = None


def award(
    mechanism: Mechanism,
    bids: Sequence[SealedBid],
    *,
    auction_id: str,
    units: int | None,
    reserve_minor: int | None,
    sealed_reserve: bool,
    root: str | None,
    about: dict[str, Any],
) -> Award:
    """Decide an auction after its end. `about` are describing facts; `root` that of the log at the close."""
    facts = {"auction": auction_id, "bids": [bid.fact() for bid in bids], **about}
    if not bids:
        return Award(facts, None, {}, FailReason.NO_BIDS)
    if mechanism is Mechanism.RSOP and root is None:
        return Award(facts, None, {}, FailReason.SEED_NOT_PUBLISHED)
    if all(bid.nonce is None for bid in bids):
        return Award(facts, None, {}, FailReason.NOTHING_REVEALED)
    if sealed_reserve and reserve_minor is None:
        return Award(facts, None, {}, FailReason.RESERVE_NOT_REVEALED)
    if mechanism is Mechanism.SECOND_PRICE:
        facts |= {"units": units, "reserve_minor": reserve_minor}
        none = FailReason.RESERVE_NOT_MET
    else:
        facts |= {"seed": seed_of(auction_id, root or "", bids)}
        none = FailReason.NOBODY_REACHES
    try:
        quote = priced(mechanism.value, facts)
    except AuctionOneSided:
        return Award(facts, None, {}, FailReason.ONE_SIDED)
    payments: dict[str, int] = dict(quote.results["payments_minor"])
    return Award(facts, quote, payments, None if payments else none)
