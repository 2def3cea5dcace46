"""Whether a file carries a copy's mark: an exact test, and nothing is named without it. Pure.

Whoever is innocent of a file has keys that the file knows nothing of: at each place that the file shows, the
copy would have had the rarer sign with probability `RARE`/256, by itself. So how many places agree by chance
is a sum of two binomials, and its upper tail is the p-value, whatever the file is and however it was made.
Among many copies the p-value is multiplied by their number (Bonferroni).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from market.delivery.marking.code import RARE, SIGNS, is_rare

ALPHA_LOG10: Final = -6.0  # the chance that anybody at all is named wrongly, as a power of ten
_LN10: Final = math.log(10)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a file shows at a place: whether its sign is the rarer one."""

    token: bytes
    rare: bool


class Tally:
    """Counts what the rows of a file say of each place; the many decide, an even split says nothing."""

    def __init__(self, most: int) -> None:
        self._counts: dict[bytes, list[int]] = {}
        self._most = most

    def add(self, token: bytes, *, rare: bool) -> None:
        """Count one cell; a file that shows more places than `most` is judged by the first of them."""
        counts = self._counts.get(token)
        if counts is None:
            if len(self._counts) >= self._most:
                return
            counts = self._counts[token] = [0, 0]
        counts[rare] += 1

    def shown(self) -> list[Shown]:
        """The places with a majority."""
        return [
            Shown(token, rare > likely) for token, (likely, rare) in self._counts.items() if likely != rare
        ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a file stands to one copy: places that agree, of how many, and the chance of that, adjusted."""

    places: int
    agree: int
    expected: float
    log10_p: float

    @property
    def named(self) -> bool:
        """Whether the file is held to have come from this copy."""
        return self.log10_p < ALPHA_LOG10


def judge(key: bytes, shown: Iterable[Shown], *, candidates: int) -> Verdict:
    """How a file stands to the copy of this key, one of so many that are asked about."""
    rare = likely = agree = 0
    for one in shown:
        rare += one.rare
        likely += not one.rare
        agree += is_rare(key, one.token) == one.rare
    expected = (rare * RARE + likely * (SIGNS - RARE)) / SIGNS
    by_chance = tail_log10(rare, likely, agree) if agree > expected else 0.0
    return Verdict(rare + likely, agree, expected, min(0.0, by_chance + math.log10(max(candidates, 1))))


def tail_log10(rare: int, likely: int, agree: int) -> float:
    """log10 of the chance that at least so many of the places agree with a copy that has no part in them."""
    one, two = _log_binomial(rare, RARE / SIGNS), _log_binomial(likely, 1 - RARE / SIGNS)
    above = [-math.inf] * (likely + 2)  # of two or more than so many
    for k in range(likely, -1, -1):
        above[k] = _log_add(above[k + 1], two[k])
    total = -math.inf
    for k, chance in enumerate(one):
        need = max(agree - k, 0)
        if need <= likely:
            total = _log_add(total, chance + above[need])
    return min(total, 0.0) / _LN10


def _log_binomial(n: int, p: float) -> list[float]:
    log_p, log_q, of_n = math.log(p), math.log1p(-p), math.lgamma(n + 1)
    return [
        of_n - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * log_p + (n - k) * log_q for k in range(n + 1)
    ]


def _log_add(a: float, b: float) -> float:
    high, low = (a, b) if a > b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def named(verdicts: Mapping[str, Verdict]) -> list[str]:
    """Whose copies a file came from, the surest first; empty where nothing is sure enough."""
    return sorted((who for who, one in verdicts.items() if one.named), key=lambda who: verdicts[who].log10_p)
