"""Bids of the auctions (M6, M7): one a bidder, sealed or open. What both mechanisms read.

A sealed bid is committed to as the SHA-256 of what `commitment_of` hashes; the bidder stands in it, so that
nobody can open a copy of another's commitment, and the auction where it has a name, so that none is opened
in another one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from base.canonical import canonical, sha256_hex
from base.errors import Malformed
from pricing.errors import BidsMalformed
from pricing.facts import Facts
from pricing.ladder import check_total

MOST_BIDS: Final = 10_000
_DOMAIN: Final = b"databourse sealed bid v1\n"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bid:
    """A bid in fen. `tie_key` orders equal bids: the commitment, or the hash of an open bid."""

    bidder: str
    price_minor: int
    tie_key: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A commitment that was not opened, or that the revealed price and nonce do not open."""

    bidder: str
    commitment: str
    mismatch: bool


def commitment_of(bidder: str, price_minor: int, nonce: str, *, auction: str | None = None) -> str:
    """The hex SHA-256 by which a bidder is bound to a price; `nonce` is 64 random hex digits."""
    opened: dict[str, str | int] = {"bidder": bidder, "nonce": nonce, "price_minor": price_minor}
    if auction is not None:
        opened["auction"] = auction
    return sha256_hex(_DOMAIN + canonical(opened))


def read_bids(read: Facts) -> tuple[list[Bid], list[Withdrawn]]:
    """The fact `bids`: `[{"bidder": "a", "price_minor": 5}, …]`, and which of them are withdrawn.

    With `commitment` (64 hex digits) a bid counts if `price_minor` and `nonce` (64 hex digits) open it, in
    the auction that the fact `auction` names. Either every bid was committed to or none. Raises
    BidsMalformed, PriceOutOfBounds, Malformed.
    """
    bids: list[Bid] = []
    withdrawn: list[Withdrawn] = []
    seen: set[str] = set()
    auction = read.text("auction") if read.has("auction") else None
    items = read.objects("bids", most=MOST_BIDS, least=0)
    if not items:
        raise BidsMalformed("there are no bids")
    sealed = items[0].has("commitment")
    for item in items:
        bidder = item.text("bidder")
        if not bidder.isascii():  # bidders are keys of the result
            raise BidsMalformed("bidders are named in ASCII", bidder=bidder)
        if bidder in seen:
            raise BidsMalformed("each bidder bids once", bidder=bidder)
        seen.add(bidder)
        if item.has("commitment") is not sealed:
            raise BidsMalformed("either every bid was committed to or none", bidder=bidder)
        found = _read_sealed(item, bidder, auction) if sealed else _read_open(item, bidder)
        item.close()
        if isinstance(found, Bid):
            bids.append(found)
        else:
            withdrawn.append(found)
    return bids, withdrawn


def descending(bids: Sequence[Bid]) -> list[Bid]:
    """The highest first; equal bids by their committed hash, whatever order they were told in."""
    return sorted(bids, key=lambda bid: (-bid.price_minor, bid.tie_key, bid.bidder))


def _read_open(item: Facts, bidder: str) -> Bid:
    price = check_total(item.amount("price_minor"))
    return Bid(bidder, price, sha256_hex(canonical({"bidder": bidder, "price_minor": price})))


def _read_sealed(item: Facts, bidder: str, auction: str | None) -> Bid | Withdrawn:
    commitment = _digest(item, "commitment")
    if not all([item.has("price_minor"), item.has("nonce")]):  # both are asked: either alone opens nothing
        return Withdrawn(bidder, commitment, mismatch=False)
    price, nonce = check_total(item.amount("price_minor")), _digest(item, "nonce")
    if commitment_of(bidder, price, nonce, auction=auction) != commitment:
        return Withdrawn(bidder, commitment, mismatch=True)
    return Bid(bidder, price, commitment)


def _digest(item: Facts, name: str) -> str:
    value = item.text(name)
    if not _DIGEST.fullmatch(value):
        raise Malformed(f"{name} is 64 hex digits", key=name)
    return value
