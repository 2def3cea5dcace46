"""M7, the random sampling optimal price auction (RSOP) for a good of which any number can be sold.

A fair coin puts each bidder on side A or B. The price that would earn most on one side is offered to the
other (Goldberg, Hartline, Wright 2001). So nobody's own bid moves the price one is offered, and to bid
one's value is best in every split. Its expected revenue is at least F⁽²⁾/4.68, F⁽²⁾ being the best single
price that sells to two or more (Alaei, Malekian, Srinivasan, EC 2009).

Where nobody stands on a side the auction is refused: no price could be learnt, and nothing is sold. Where a
side bids nothing there is no price and no sale to the other; of two prices that earn the same the higher is
offered.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from base.canonical import sha256_hex
from base.errors import Malformed
from pricing.beacon import read_beacon
from pricing.bids import Bid, descending, read_bids
from pricing.errors import AuctionOneSided, BidsMalformed
from pricing.facts import Facts
from pricing.ladder import check_total
from pricing.quote import Quote, Reason, inputs_sha256

MECHANISM: Final = "M7"
VERSION: Final = "1"
MOST_IN_EXPECTATION: Final = 16
_SEED: Final = re.compile(r"[0-9a-fA-F]{2,128}", re.ASCII)


def rsop_quote(facts: Mapping[str, Any]) -> Quote:
    """The outcome of an RSOP auction, or its expected revenue.

    Facts: `bids` (see `pricing.bids.read_bids`) and one of `seed` (hex digits), `beacon` (see
    `pricing.beacon.read_beacon`, with `closes_at`), `expectation: true` (at most 16 bids); describing keys.

    Results: `prices_minor` (what side A and side B are offered; null: nothing), `sides` by bidder,
    `winners`, `payments_minor`, `revenue_minor`, `withdrawn`; or `expected_revenue`, exact over all splits
    as a decimal string of fen, and `splits`. Raises AuctionOneSided where the seed leaves a side empty,
    BidsMalformed, BeaconMalformed, BeaconBeforeClose, PriceOutOfBounds, Malformed.
    """
    read = Facts(facts)
    bids, withdrawn = read_bids(read)
    expectation = read.flag("expectation")
    seed = None if expectation else _read_seed(read)
    read.description()
    read.close()
    if expectation and len(bids) > MOST_IN_EXPECTATION:
        raise BidsMalformed("an expectation is over few bids", bids=len(bids), limit=MOST_IN_EXPECTATION)
    results = _expected(bids) if seed is None else _drawn(bids, seed)
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={**results, "withdrawn": [one.bidder for one in withdrawn]},
        reasons=(
            Reason("bids-opened", {"bids": len(bids)}),
            *((Reason("not-opened", {"bids": len(withdrawn)}),) if withdrawn else ()),
            Reason("over-all-splits" if seed is None else "split-by-seed"),
            *((Reason("side-bids-nothing"),) if None in results.get("prices_minor", {}).values() else ()),
        ),
        seed=seed,
    )


def side_of(seed: str, bidder: str) -> str:
    """The side of a bidder: a coin that depends on the seed and the name, never on the bid."""
    digest = sha256_hex(f"databourse rsop v1\n{seed.lower()}\n{bidder}".encode())
    return "AB"[int(digest[-1], 16) & 1]


def best_price(prices: Iterable[int]) -> int | None:
    """The p that maximises p · #{bids ≥ p}, the higher of two such; None where nothing can be earned."""
    best, earned = None, 0
    for count, price in enumerate(sorted(prices, reverse=True), 1):
        if price * count > earned:
            best, earned = price, price * count
    return best


def _drawn(bids: Sequence[Bid], seed: str) -> dict[str, Any]:
    sides = {bid.bidder: side_of(seed, bid.bidder) for bid in bids}
    if len(set(sides.values())) < len("AB"):
        raise AuctionOneSided("every bid that counts is on one side", bids=len(bids))
    offered = {
        side: best_price(bid.price_minor for bid in bids if sides[bid.bidder] != side) for side in "AB"
    }
    payments: dict[str, int] = {}
    for bid in descending(bids):
        price = offered[sides[bid.bidder]]
        if price is not None and bid.price_minor >= price:
            payments[bid.bidder] = price
    return {
        "prices_minor": offered,
        "sides": sides,
        "winners": list(payments),
        "payments_minor": payments,
        "revenue_minor": check_total(sum(payments.values())),
    }


def _expected(bids: Sequence[Bid]) -> dict[str, Any]:
    """The mean over all 2ⁿ splits, exact: bids come in from the highest, and like states are counted once.

    A state is how many of side A came in, and of A's best price so far what it earns in A and would earn
    in B. Both sides are alike, so the revenue from B's bidders at A's price is half of the whole.
    """
    prices = sorted((bid.price_minor for bid in bids), reverse=True)
    at_least = {price: sum(other >= price for other in prices) for price in set(prices)}
    states = Counter({(0, 0, 0): 1})
    for price in prices:
        following: Counter[tuple[int, int, int]] = Counter()
        for (inside, earned, gain), ways in states.items():
            following[inside, earned, gain] += ways
            count = inside + 1
            if price * count > earned:
                following[count, price * count, price * (at_least[price] - count)] += ways
            else:
                following[count, earned, gain] += ways
        states = following
    total = 2 * sum(gain * ways for (_, _, gain), ways in states.items())
    return {"expected_revenue": _halved(total, len(prices)), "splits": str(2 ** len(prices))}


def _halved(total: int, times: int) -> str:
    """A total over 2^times, as an exact decimal string, without trailing zeros."""
    whole, parts = divmod(total * 5**times, 10**times)
    return f"{whole}.{parts:0{times}d}".rstrip("0") if parts else str(whole)


def _read_seed(read: Facts) -> str:
    if read.has("beacon"):
        return read_beacon(read, closes_at=read.moment("closes_at"))
    seed = read.text("seed")
    if not _SEED.fullmatch(seed):
        raise Malformed("a seed is 2 to 128 hex digits", key="seed")
    return seed
