"""A reserve price for a sealed-bid auction: Myerson's r = (1 − F(r)) / f(r), as advice to the seller.

F says what bidders in general are worth it, from a published distribution or from past public bids; never
the bids of the auction itself, and never one bidder (Myerson 1981, "Optimal Auction Design").
"""

from collections.abc import Mapping
from typing import Any, Final

from pricing.facts import Facts
from pricing.ladder import check_total
from pricing.quote import Quote, Reason, inputs_sha256
from pricing.rsop import best_price

MECHANISM: Final = "M6"
VERSION: Final = "1"
MOST_PAST: Final = 10_000


def reserve_advice(facts: Mapping[str, Any]) -> Quote:
    """The reserve that earns most of a single bidder whose value is drawn from F.

    Facts, one of: `uniform` (`low_minor`, `high_minor`), `exponential` (`mean_minor`), `past_bids` (of
    ended auctions: `price_minor` each); describing keys. Result: `reserve_minor` (half a fen is rounded up;
    of two past bids that earn the same the higher). Raises PriceOutOfBounds, Malformed.
    """
    read = Facts(facts)
    reserve, reason = _read_reserve(read)
    read.description()
    read.close()
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={"reserve_minor": check_total(reserve)},
        reasons=(reason,),
    )


def _read_reserve(read: Facts) -> tuple[int, Reason]:
    if read.has("uniform"):
        uniform = read.object("uniform")
        low, high = uniform.amount("low_minor"), uniform.amount("high_minor")
        uniform.close()
        if low > high:
            raise uniform.bad("high_minor", "not below low_minor")
        return max(low, (high + 1) // 2), Reason("reserve-of-uniform")
    if read.has("exponential"):
        exponential = read.object("exponential")
        mean = exponential.amount("mean_minor")
        exponential.close()
        return mean, Reason("reserve-of-exponential")
    past = read.objects("past_bids", most=MOST_PAST)
    prices = []
    for item in past:
        prices.append(item.amount("price_minor"))
        item.close()
    return best_price(prices) or 0, Reason("reserve-of-past-bids", {"bids": len(past)})
