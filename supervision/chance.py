"""How likely chance alone is, of many things looked at: Benjamini and Hochberg's procedure, and two tails."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import erfc, exp, lgamma, log, log1p, sqrt
from typing import Final, TypeVar

Told = TypeVar("Told")
_TINY: Final = 1e-300
_NEAR: Final = 1e-15
_TERMS: Final = 10_000


def adjusted(chances: Sequence[Fraction], rest: int = 0) -> list[Fraction]:
    """The false discovery rate at which each of these p-values would be told, in their order.

    `rest` are so many others that were looked at, of which chance alone would say as much.
    """
    order = sorted(range(len(chances)), key=lambda i: chances[i], reverse=True)
    rates = [Fraction(1)] * len(chances)
    least = Fraction(1)
    for place, i in enumerate(order):
        least = min(least, chances[i] * (len(chances) + rest) / (len(chances) - place))
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


def spread_above(squares: float, freedom: int) -> float:
    """The chance that a chi-square of so many degrees of freedom is at least `squares`."""
    a, x = freedom / 2, squares / 2
    if x < a + 1:
        return 1 - spread_below(squares, freedom)
    # the continued fraction of the upper incomplete gamma function (Lentz)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    product = d
    for n in range(1, _TERMS):
        across = -n * (n - a)
        b += 2
        d = 1 / (across * d + b or _TINY)
        c = b + across / c or _TINY
        product *= d * c
        if abs(d * c - 1) < _NEAR:
            break
    return min(exp(a * log(x) - x - lgamma(a)) * product, 1.0)


def at_least(successes: int, trials: int, each: float) -> float:
    """The chance of so many successes or more in independent trials."""
    if successes <= 0 or each >= 1:
        return 1.0
    if each <= 0 or successes > trials:
        return 0.0
    return min(sum(_exactly(k, trials, each) for k in range(successes, trials + 1)), 1.0)


def at_most(successes: int, trials: int, each: float) -> float:
    """The chance of so many successes or fewer."""
    return at_least(trials - successes, trials, 1 - each)


def _exactly(k: int, trials: int, each: float) -> float:
    ways = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
    return exp(ways + k * log(each) + (trials - k) * log1p(-each))


def beyond(deviations: float) -> float:
    """The chance that a normal value lies so many standard deviations above its mean, or more."""
    return erfc(deviations / sqrt(2)) / 2


def unlikely(
    looked_at: Sequence[tuple[Told | None, float]], below: Fraction, rest: int = 0
) -> Iterator[tuple[Told, Fraction, Fraction]]:
    """Of all that was looked at, what is told: with its chance and its false discovery rate, which is kept.

    What does not meet a screen's other limits stands in the list as None: it was looked at all the same,
    or is one of the `rest`.
    """
    chances = [Fraction(chance if one is not None else 1) for one, chance in looked_at]
    for (one, _), chance, rate in zip(looked_at, chances, adjusted(chances, rest), strict=True):
        if one is not None and rate < below:
            yield one, chance, rate
