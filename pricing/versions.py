"""M9, a ladder of versions or samples that nobody can buy around.

A version is told by the amount of information in it (rows, fields, freshness, 1/variance of the noise).
Prices are free of arbitrage if they are monotone and subadditive in the amount; the best such prices are
coNP-hard to find (Chen, Koutris, Kumar, SIGMOD'19). "Monotone, and the price of a unit never rises" is
sufficient, keeps at least half of the best revenue, and its best prices come by dynamic programming.

The prices are whole fen and keep both conditions exactly, not up to rounding. They are the best among all
such: the greatest ladder below a set of binding valuations is piecewise flat (up to the next binding one)
or led by the price of a unit (from the one before, a fen at most lost at each step), so that the best ladder
is a chain of binding valuations, and what a link of the chain earns is two prefix sums.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any, Final

from pricing.errors import TooMuchToPrice, VersionsMalformed
from pricing.facts import Facts
from pricing.quote import MAX_PRICE_MINOR, Quote, Reason, inputs_sha256

MECHANISM: Final = "M9"
VERSION: Final = "1"
MAX_VERSIONS: Final = 600
MAX_REVENUE_MINOR: Final = 9 * 10**15  # whole in any reader's JSON
_MAX_AMOUNT: Final = 10**15
_MAX_BUYERS: Final = 10**9
_SEARCH: Final = 200_000  # partial purchases looked at in search of an arbitrage


@dataclass(frozen=True, slots=True)
class Version:
    """What is in it, what a buyer of it would pay at most, and how many such buyers there are."""

    amount: int
    value_minor: int
    buyers: int


def versions_quote(facts: Mapping[str, Any]) -> Quote:
    """The best ladder of prices for these valuations that cannot be bought around.

    Facts: `ladder` (rising `amount`, whole or a decimal string; `value_minor`; optional `buyers`, 1 each).
    Results: `prices_minor[]`, `arbitrageable` (the values as given), `revenue_minor`, `sold[]` (which
    valuations reach their price). Raises VersionsMalformed, TooMuchToPrice, Malformed.
    """
    read = Facts(facts)
    ladder = _read_ladder(read)
    read.description()
    read.close()
    prices, revenue = best_prices(ladder)
    if revenue > MAX_REVENUE_MINOR:
        raise TooMuchToPrice("these buyers pay more than the limit", limit_minor=str(MAX_REVENUE_MINOR))
    found = arbitrage(ladder)
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "prices_minor": prices,
            "arbitrageable": found is not False,
            "revenue_minor": revenue,
            "sold": [price <= step.value_minor for price, step in zip(prices, ladder, strict=True)],
        },
        reasons=(_told(found=found), Reason("best-ladder", {"revenue_minor": str(revenue)})),
    )


def _told(*, found: bool | None) -> Reason:
    if found is None:
        return Reason("arbitrage-not-excluded")
    return Reason("values-arbitrageable" if found else "values-free-of-arbitrage")


def _read_ladder(read: Facts) -> list[Version]:
    steps = read.sequence("ladder", most=MAX_VERSIONS)
    rows: list[tuple[Fraction, int, int]] = []
    for i, item in enumerate(steps):
        step = Facts(item, where=f"ladder[{i}]")
        amount, value = step.fraction("amount", most=_MAX_AMOUNT), step.amount("value_minor")
        buyers = step.count("buyers") if step.has("buyers") else 1
        step.close()
        if value > MAX_PRICE_MINOR or buyers > _MAX_BUYERS:
            raise TooMuchToPrice(f"ladder[{i}]: a value or a number of buyers is above its limit")
        if amount <= (rows[-1][0] if rows else 0):
            raise VersionsMalformed("amounts are positive and rise", step=i, amount=str(item["amount"]))
        rows.append((amount, value, buyers))
    scale = lcm(*(amount.denominator for amount, _, _ in rows))
    return [Version(int(amount * scale), value, buyers) for amount, value, buyers in rows]


def best_prices(ladder: Sequence[Version]) -> tuple[list[int], int]:
    """The prices and their revenue. Of equally good ladders, one that serves more buyers.

    O(n²): `rising[k][j]` is what the versions before j earn at prices led by a binding k, `flat[l][j]` what
    they earn at the price of a binding l; both as sums, so that a link from k to l is a difference of each.
    """
    size = len(ladder)
    led = [_led_by(ladder, k) for k in range(size)]
    rising = [_earned(ladder, prices) for prices in led]
    flat = [_earned(ladder, [step.value_minor] * size) for step in ladder]
    best: list[tuple[int, int]] = []
    before: list[int | None] = []
    for end, step in enumerate(ladder):
        value, own = step.value_minor, (step.buyers * step.value_minor, step.buyers)
        reached: tuple[int, int] = _plus(own, flat[end][end])
        came: int | None = None
        for start in range(end):
            if not ladder[start].value_minor <= value <= led[start][end]:
                continue
            turn = bisect_left(led[start], value, start + 1, end)
            link = _plus(_minus(rising[start][turn], rising[start][start + 1]), flat[end][end])
            total = _plus(_plus(best[start], own), _minus(link, flat[end][turn]))
            if total > reached:
                reached, came = total, start
        best.append(reached)
        before.append(came)
    ends = [_plus(best[k], _minus(rising[k][size], rising[k][k + 1])) for k in range(size)]
    last = max(range(size), key=lambda k: ends[k])
    chain = [last]
    while (came := before[chain[0]]) is not None:
        chain.insert(0, came)
    return _along(ladder, led, chain), ends[last][0]


def _led_by(ladder: Sequence[Version], start: int) -> list[int]:
    """The greatest prices that a binding `start` allows: flat before it, a falling unit price behind."""
    prices = [ladder[start].value_minor] * (start + 1)
    for last, step in pairwise(ladder[start:]):
        prices.append(prices[-1] * step.amount // last.amount)
    return prices


def _earned(ladder: Sequence[Version], prices: Sequence[int]) -> list[tuple[int, int]]:
    """Revenue and buyers of the versions before each, at these prices."""
    sums = [(0, 0)]
    for step, price in zip(ladder, prices, strict=True):
        sold = step.buyers if price <= step.value_minor else 0
        sums.append((sums[-1][0] + sold * price, sums[-1][1] + sold))
    return sums


def _along(ladder: Sequence[Version], led: Sequence[Sequence[int]], chain: Sequence[int]) -> list[int]:
    prices = [ladder[chain[0]].value_minor] * (chain[0] + 1)
    for start, end in pairwise(chain):
        prices.extend(min(price, ladder[end].value_minor) for price in led[start][start + 1 : end + 1])
    return prices + list(led[chain[-1]][chain[-1] + 1 :])


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def _minus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] - b[0], a[1] - b[1]


def arbitrage(ladder: Sequence[Version]) -> bool | None:
    """Whether some versions together hold as much as another and cost less; None: the search gave up.

    At falling unit prices nothing is to be found. Else a search in whole numbers, bounded: every version
    is to be covered by smaller ones (a larger one that costs less is found at once).
    """
    if any(later.value_minor < step.value_minor for step, later in pairwise(ladder)):
        return True
    left = [_SEARCH]
    cheap: list[Version] = []  # by rising price of a unit
    for step in ladder:
        if cheap and Fraction(step.value_minor, step.amount) > Fraction(
            cheap[0].value_minor, cheap[0].amount
        ):
            found = _covered(cheap, step.amount, step.value_minor, left)
            if found is not False:
                return found
        cheap.append(step)
        cheap.sort(key=lambda known: (Fraction(known.value_minor, known.amount), -known.amount))
    return False


def _covered(items: Sequence[Version], amount: int, below: int, left: list[int]) -> bool | None:
    """Whether copies of the items reach the amount at a cost below the given one."""
    stack = [(0, amount, below)]
    while stack:
        at, missing, money = stack.pop()
        if missing <= 0:
            return True
        item = items[at]
        if money <= 0 or item.value_minor * missing >= money * item.amount:
            continue  # even at the best price of a unit that is left it costs too much
        copies = -(-missing // item.amount)
        if copies * item.value_minor < money:
            return True
        left[0] -= copies
        if left[0] < 0:
            return None
        if at + 1 < len(items):
            stack.extend(
                (at + 1, missing - taken * item.amount, money - taken * item.value_minor)
                for taken in range(copies)
            )
    return False
