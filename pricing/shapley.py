"""M11, the revenue of a composite product split by what each source adds (Shapley).

It splits money; it does not make anybody tell a cost truthfully (Fan et al., 2504.05563). What a source adds
to a copy of itself is little, but two copies would still get more than one: each value is multiplied by
exp(−λ Σ similarity to the others) with λ = ln 2 (Agarwal, Dahleh, Sarkar, EC'19). Values below zero are
paid nothing and the rest is scaled to the revenue; both numbers are in the quote. Scaling could pay copies
more than the one they are copies of: what exact copies (similarity 1) get together is at most what that one
would get in the game without the others.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any, Final

from base.errors import Malformed
from base.money import allot
from pricing.coalitions import MAX_EXACT, MAX_WORTH_MINOR, drawn_values, exact_values
from pricing.errors import NothingToShare, TooMuchToPrice
from pricing.facts import Facts, exact_number
from pricing.quote import Quote, Reason, inputs_sha256

MECHANISM: Final = "M11"
VERSION: Final = "1"
MAX_PLAYERS: Final = 500
MAX_DRAWN: Final = 1_000_000  # players × orders
ORDERS: Final = 1000
_MAX_AMOUNT: Final = 10**12
_MAX_POINTS: Final = 1000
_PLACES: Final = 12
_EXACTLY: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_LN2: Final = _EXACTLY.ln(Decimal(2))
_WEIGHT_PLACES: Final = 30

Values = Callable[[Sequence[int]], list[Fraction]]


@dataclass(frozen=True, slots=True)
class Game:
    """The Shapley values of any of its players among themselves, and what all of them are worth."""

    values: Values
    nothing_minor: int
    everything_minor: int
    how: Reason
    seed: str | None = None


def shapley_quote(facts: Mapping[str, Any]) -> Quote:
    """The split of a revenue among the sources of a product.

    Facts: `players[]`, and either `worth_minor` (fen of every coalition, players in their order and joined by
    commas; at most 20 players) or `amounts` (of each player) with `curve` (`amount`, `worth_minor`: the
    worth of so much data, straight between its points, flat behind the last). Beyond 20 players a `seed`
    (hex) and `permutations` (1,000). Optional `similarity[][]` and `revenue_minor` (else what all gain).

    Results: `values{}` (decimal strings, after the penalty), `shapley{}` (before it), `payouts_minor{}`.
    Raises NothingToShare, TooMuchToPrice, Malformed.
    """
    read = Facts(facts)
    players = _players(read)
    game = _tabled(read, players) if read.has("worth_minor") else _on_a_curve(read, players)
    similar = _similarity(read, len(players)) if read.has("similarity") else None
    gained = game.everything_minor - game.nothing_minor
    revenue = read.amount("revenue_minor") if read.has("revenue_minor") else gained
    read.description()
    read.close()
    if revenue < 0:
        raise NothingToShare("together the players lose", gained_minor=str(gained))
    everybody = range(len(players))
    plain = game.values(everybody)
    penalised = plain if similar is None else _penalised(plain, similar, everybody)
    payouts = _paid(revenue, penalised)
    groups = [] if similar is None else _copies(similar)
    if any(len(group) > 1 for group in groups):
        first = [group[0] for group in groups]
        alone = _paid(revenue, _penalised(game.values(first), similar or [], first))
        payouts = _capped(revenue, penalised, payouts, groups, alone)
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "values": dict(zip(players, map(_told, penalised), strict=True)),
            "shapley": dict(zip(players, map(_told, plain), strict=True)),
            "payouts_minor": dict(zip(players, payouts, strict=True)),
        },
        reasons=(
            game.how,
            *((Reason("replication-penalised", {"lambda": "ln 2"}),) if similar is not None else ()),
            *((Reason("negative-values-cleared"),) if min(penalised) < 0 else ()),
            Reason("revenue-split", {"revenue_minor": str(revenue)}),
        ),
        seed=game.seed,
    )


def _players(read: Facts) -> list[str]:
    players = read.sequence("players", most=MAX_PLAYERS)
    for name in players:
        if type(name) is not str or not 0 < len(name) <= 200 or "," in name:  # noqa: PLR2004 - as other texts
            raise read.bad("players", "names without a comma")
    if len(set(players)) != len(players):
        raise read.bad("players", "each once")
    return list(players)


def _tabled(read: Facts, players: Sequence[str]) -> Game:
    """The game whose worths are told for every coalition."""
    import numpy as np  # noqa: PLC0415 - loaded where a split is asked for

    if len(players) > MAX_EXACT:
        raise TooMuchToPrice("a table holds at most 20 players", players=len(players), limit=MAX_EXACT)
    told = read.mapping("worth_minor")
    if len(told) != 1 << len(players):
        raise Malformed("worth_minor names every coalition", coalitions=len(told), expected=1 << len(players))
    bit = {name: 1 << i for i, name in enumerate(players)}
    table = np.zeros(1 << len(players), dtype=np.int64)
    for names, worth in told.items():
        bits = [bit.get(name, 0) for name in names.split(",")] if names else []
        if not all(low < high for low, high in pairwise([0, *bits])):
            raise Malformed("a coalition is its players in their order, joined by commas", coalition=names)
        if type(worth) is not int or abs(worth) > MAX_WORTH_MINOR:
            raise Malformed("a worth is whole fen within the limit", coalition=names)
        table[sum(bits)] = worth

    def values(chosen: Sequence[int]) -> list[Fraction]:
        if len(chosen) == len(players):
            return exact_values(table, len(players))
        index = np.zeros(1 << len(chosen), dtype=np.int64)
        for bit_of, player in enumerate(chosen):
            index |= (np.arange(1 << len(chosen)) >> bit_of & 1) << player
        return exact_values(table[index], len(chosen))

    how = Reason("shapley-exact", {"players": len(players)})
    return Game(values, int(table[0]), int(table[-1]), how)


def _on_a_curve(read: Facts, players: Sequence[str]) -> Game:
    """The game in which a coalition is worth what so much data is worth."""
    told = read.mapping("amounts")
    if set(told) != set(players) or not all(type(n) is int and 0 <= n <= _MAX_AMOUNT for n in told.values()):
        raise read.bad("amounts", "a whole number for each player")
    amounts = [told[name] for name in players]
    worth = _curve(read)
    if len(players) <= MAX_EXACT:
        return Game(
            lambda chosen: _exact_on_curve([amounts[i] for i in chosen], worth),
            worth(0),
            worth(sum(amounts)),
            Reason("shapley-exact", {"players": len(players)}),
        )
    seed = read.text("seed")
    orders = read.count("permutations") if read.has("permutations") else ORDERS
    if orders * len(players) > MAX_DRAWN:
        raise TooMuchToPrice("players × permutations is above its limit", limit=MAX_DRAWN)
    try:
        drawn_from = bytes.fromhex(seed)
    except ValueError:
        raise read.bad("seed", "hex digits") from None

    def values(chosen: Sequence[int]) -> list[Fraction]:
        def arriving(order: Iterator[int]) -> Iterator[int]:
            total = 0
            yield worth(total)
            for player in order:
                total += amounts[chosen[player]]
                yield worth(total)

        return drawn_values([players[i] for i in chosen], arriving, seed=drawn_from, orders=orders)

    how = Reason("shapley-drawn", {"players": len(players), "permutations": orders})
    return Game(values, worth(0), worth(sum(amounts)), how, seed)


def _curve(read: Facts) -> Callable[[int], int]:
    """The worth of an amount in whole fen, rounded down between two points."""
    points: list[tuple[int, int]] = []
    for point in read.objects("curve", most=_MAX_POINTS):
        at, worth = point.amount("amount"), point.amount("worth_minor")
        point.close()
        if points and at <= points[-1][0]:
            raise read.bad("curve", "points of rising amount")
        if worth > MAX_WORTH_MINOR:
            raise read.bad("curve", "worths within the limit")
        points.append((at, worth))
    if points[0][0]:
        points.insert(0, (0, 0))
    starts = [at for at, _ in points]

    def worth_of(amount: int) -> int:
        behind = bisect_right(starts, amount)
        at, worth = points[behind - 1]
        if behind == len(points):
            return worth
        until, then = points[behind]
        return worth + (amount - at) * (then - worth) // (until - at)

    return worth_of


def _exact_on_curve(amounts: Sequence[int], worth: Callable[[int], int]) -> list[Fraction]:
    import numpy as np  # noqa: PLC0415 - loaded where a split is asked for

    totals = np.zeros(1, dtype=np.int64)
    for amount in amounts:
        totals = np.concatenate([totals, totals + amount])
    known, place = np.unique(totals, return_inverse=True)
    worths = np.array([worth(total) for total in known.tolist()], dtype=np.int64)
    return exact_values(worths[place], len(amounts))


def _similarity(read: Facts, size: int) -> list[list[Fraction]]:
    """How much each is a copy of each, 0 to 1; what stands on the diagonal does not count."""
    rows = read.sequence("similarity", most=MAX_PLAYERS)
    matrix = [[exact_number(cell) for cell in row] if isinstance(row, list | tuple) else [] for row in rows]
    if [len(row) for row in matrix] != [size] * size:
        raise read.bad("similarity", "a row and a column for each player")
    found: list[list[Fraction]] = []
    for i, row in enumerate(matrix):
        found.append([])
        for j, cell in enumerate(row):
            if cell is None or not 0 <= cell <= 1 or cell != matrix[j][i]:
                raise read.bad("similarity", "decimal strings from 0 to 1, the same both ways")
            found[-1].append(cell)
    return found


def _penalised(
    values: Sequence[Fraction], similar: Sequence[Sequence[Fraction]], players: Sequence[int]
) -> list[Fraction]:
    """Each value times 2 to the minus its similarities: exact where these sum to a whole number."""
    penalised = []
    for value, i in zip(values, players, strict=True):
        alike = sum((similar[i][j] for j in players if j != i), Fraction(0))
        halvings, rest = divmod(alike, 1)
        factor = Fraction(1, 2 ** int(halvings))
        if rest:
            power = _EXACTLY.divide(Decimal(rest.numerator), Decimal(rest.denominator))
            power = _EXACTLY.exp(_EXACTLY.multiply(_LN2, -power))
            factor *= Fraction(_EXACTLY.quantize(power, Decimal(10) ** -_WEIGHT_PLACES))
        penalised.append(value * factor)
    return penalised


def _paid(revenue: int, values: Sequence[Fraction]) -> list[int]:
    """The revenue by the values above zero, with the largest remainder; it sums to the fen."""
    cleared = [max(value, Fraction(0)) for value in values]
    if not revenue:
        return [0] * len(cleared)
    if not any(cleared):
        raise NothingToShare("no player has a value above zero", players=len(cleared))
    scale = lcm(*(value.denominator for value in cleared))
    return allot(revenue, [int(value * scale) for value in cleared])


def _copies(similar: Sequence[Sequence[Fraction]]) -> list[list[int]]:
    """The players in groups of exact copies of one another."""
    group_of: dict[int, list[int]] = {}
    for player, row in enumerate(similar):
        known = next((group_of[other] for other in range(player) if row[other] == 1), None)
        group = [] if known is None else known
        group.append(player)
        group_of[player] = group
    return list({group[0]: group for group in group_of.values()}.values())


def _capped(
    revenue: int,
    values: Sequence[Fraction],
    payouts: list[int],
    groups: Sequence[Sequence[int]],
    alone: Sequence[int],
) -> list[int]:
    """Nobody gets more with copies than without: what is too much goes to the others, by their values."""
    fixed: dict[int, int] = {}
    while True:
        over = [
            i
            for i, group in enumerate(groups)
            if len(group) > 1 and i not in fixed and sum(payouts[player] for player in group) > alone[i]
        ]
        if not over:
            return payouts
        fixed |= {i: alone[i] for i in over}
        free = [player for i, group in enumerate(groups) if i not in fixed for player in group]
        if not any(values[player] > 0 for player in free):
            fixed, free = dict(enumerate(alone)), []
        payouts = [0] * len(values)
        for i, amount in fixed.items():
            for player, part in zip(groups[i], allot(amount, [1] * len(groups[i])), strict=True):
                payouts[player] = part
        if not free:
            return payouts
        left = revenue - sum(fixed.values())
        for player, part in zip(free, _paid(left, [values[player] for player in free]), strict=True):
            payouts[player] = part


def _told(value: Fraction) -> str:
    """A value with twelve decimals, half away from zero."""
    scaled, rest = divmod(abs(value) * 10**_PLACES, 1)
    whole, places = divmod(int(scaled) + (1 if 2 * rest >= 1 else 0), 10**_PLACES)
    digits = f"{places:0{_PLACES}d}".rstrip("0")
    text = f"{whole}.{digits}" if digits else str(whole)
    return f"-{text}" if value < 0 and (whole or places) else text
