"""What bid screens measure of one tender (S10), exact as far as a root is not asked for. For people to read.

CV is the standard deviation over the mean, SPREAD the range over the lowest, DIFFP the gap between the first
two over the first, RD that gap over the losers' deviation, ALTRD over the losers' mean gap (neither divisor
below a fen, where losers tie), SKEW and KURT the third and fourth moment, KS the farthest that the bids lie
from an even spread between the lowest and the highest. Cut-offs do not travel: none is used.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from supervision.tenders import Tender, sqrt_bp, variance

SHOWN: Final = 20
"""A finding shows the measures of so many tenders at most, the earliest."""
_MOST: Final = 10**9
_TWO: Final = 2


def measures_of(tender: Tender) -> dict[str, Any]:
    """The measures in hundredths of a per cent; None where there are too few bids, or all are one."""
    prices = [bid.price for bid in tender.bids]
    told = dict.fromkeys(("diffp_bp", "rd_bp", "altrd_bp", "skew_bp", "kurt_bp", "ks_bp"))
    said: dict[str, Any] = {"tender_id": tender.tender_id, "bids": len(prices)}
    if len(prices) < _TWO:
        return said | {"cv_bp": None, "spread_bp": None, **told}
    low, high = min(prices), max(prices)
    gap, losers = abs(prices[1] - prices[0]), prices[1:]
    told |= {"diffp_bp": _bp(gap / prices[0])}
    if len(losers) > 1:
        gaps = [abs(after - before) for before, after in pairwise(losers)]
        told |= {
            "rd_bp": min(sqrt_bp(gap**2 / max(variance(losers), Fraction(1))), _MOST),
            "altrd_bp": _bp(gap / max(sum(gaps, Fraction(0)) / len(gaps), Fraction(1))),
        }
    if high > low and len(prices) > _TWO:
        told |= _shape(prices) | {"ks_bp": _bp(_from_even(sorted(prices)))}
    return said | {"cv_bp": sqrt_bp(tender.cv_squared), "spread_bp": _bp((high - low) / low), **told}


def _shape(prices: Sequence[Fraction]) -> dict[str, int]:
    """Skewness and kurtosis of the bids as a whole population; a normal spread has 0 and 3."""
    mean = sum(prices, Fraction(0)) / len(prices)
    apart = [price - mean for price in prices]
    second, third, fourth = (sum((d**n for d in apart), Fraction(0)) / len(prices) for n in (2, 3, 4))
    skew = sqrt_bp(third * third / (second * second * second))
    return {"skew_bp": -skew if third < 0 else skew, "kurt_bp": _bp(fourth / (second * second))}


def _from_even(prices: Sequence[Fraction]) -> Fraction:
    """Kolmogorov and Smirnov's distance from the uniform between the ends."""
    low, high, n = prices[0], prices[-1], len(prices)
    places = [(price - low) / (high - low) for price in prices]
    return max(max(Fraction(i + 1, n) - place, place - Fraction(i, n)) for i, place in enumerate(places))


def _bp(value: Fraction) -> int:
    return min(int(10_000 * value), _MOST)
