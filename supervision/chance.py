"""How likely chance alone is, of many things looked at: Benjamini and Hochberg's procedure, and two tails."""

from collections.abc import Sequence
from fractions import Fraction
from math import comb, exp, lgamma, log


def adjusted(chances: Sequence[Fraction]) -> list[Fraction]:
    """The false discovery rate at which each of these p-values would be told, in their order."""
    order = sorted(range(len(chances)), key=lambda i: chances[i], reverse=True)
    rates = [Fraction(1)] * len(chances)
    least = Fraction(1)
    for place, i in enumerate(order):
        least = min(least, chances[i] * len(chances) / (len(chances) - place))
        rates[i] = least
    return rates


def spread_below(squares: float, freedom: int) -> float:
    """The chance that a chi-square of so many degrees of freedom is at most `squares`."""
    if squares <= 0:
        return 0.0
    a, x = freedom / 2, squares / 2
    term = exp(a * log(x) - x - lgamma(a + 1))
    total, n = term, a
    while term > total * 1e-15:
        n += 1
        term *= x / n
        total += term
    return min(total, 1.0)


def at_least(successes: int, trials: int, each: float) -> float:
    """The chance of so many successes or more in independent trials."""
    return min(
        sum(comb(trials, k) * each**k * (1 - each) ** (trials - k) for k in range(successes, trials + 1)), 1.0
    )
