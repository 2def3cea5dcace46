"""Shapley values of a game: exact on the table of all coalitions, or by permutations drawn from a seed.

The value of a player is the mean, over all orders of arrival, of what it adds to those before it. On a table
of 2ⁿ worths that is Σ over coalitions with weights that depend on their size alone; so it is enough to know,
for each player and size, the sum of the worths of the coalitions that hold it. These sums come in about two
passes over the table, in whole numbers: five players at a time are folded into how many of them take part.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from hashlib import sha256
from math import factorial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

MAX_EXACT: Final = 20
MAX_WORTH_MINOR: Final = 10**13  # 184,756 coalitions of one size still sum within 64 bits
_TOGETHER: Final = 5


def exact_values(table: "NDArray[int64]", players: int) -> list[Fraction]:
    """The Shapley value of each player, exact. Bit i of an index of `table` says that player i takes part.

    Worths are whole numbers within ±`MAX_WORTH_MINOR`, at most `MAX_EXACT` players.
    """
    held = _sums_by_size(table, players)
    all_of_size = [0] * (players + 1)
    for size in range(players + 1):
        # A coalition of that size is counted once for each of its players.
        counted = sum(one[size] for one in held)
        all_of_size[size] = counted // size if size else int(table[0])
    orders = factorial(players)
    joins = [factorial(size) * factorial(players - size - 1) for size in range(players)]
    without = sum(joins[size] * all_of_size[size] for size in range(players))
    values = []
    for one in held:
        # What holds the player is gained; what does not is lost: `without` has all, so these come back.
        gained = sum((joins[size - 1] + joins[size]) * one[size] for size in range(1, players))
        gained += joins[players - 1] * one[players]
        values.append(Fraction(gained - without, orders))
    return values


def _sums_by_size(table: "NDArray[int64]", players: int) -> list[list[int]]:
    """For each player and each size the sum of the worths of the coalitions that hold the player."""
    import numpy as np  # noqa: PLC0415 - loaded where a split is asked for

    blocks = [min(_TOGETHER, players - start) for start in range(0, players, _TOGETHER)][::-1]
    left: NDArray[int64] = table  # the blocks before `at` are folded: one row for each of their classes
    classes: NDArray[int64] = np.zeros(1, dtype=np.int64)  # how many players a row stands for
    sums: list[list[int]] = []
    for at, block in enumerate(blocks):
        own, others = left, classes
        for other in blocks[at + 1 :]:
            own = _folded(own.reshape(len(others) << block, 1 << other, -1))
            others = np.add.outer(np.arange(other + 1), others).ravel()
        sums[:0] = _of_block(own.reshape(len(others), 1 << block), others, players)
        if at + 1 < len(blocks):
            left = _folded(left.reshape(len(classes), 1 << block, -1))
            classes = np.add.outer(np.arange(block + 1), classes).ravel()
    return sums


def _folded(parts: "NDArray[int64]") -> "NDArray[int64]":
    """Add up what lies at indices with as many bits: (before, 2ᵇ, behind) to (b+1, before, behind)."""
    import numpy as np  # noqa: PLC0415 - loaded where a split is asked for

    before, indices, behind = parts.shape
    folded = np.empty((indices.bit_length(), before, behind), dtype=np.int64)
    begun: set[int] = set()
    for index in range(indices):
        size = index.bit_count()
        if size in begun:
            folded[size] += parts[:, index]
        else:
            folded[size] = parts[:, index]
            begun.add(size)
    return folded


def _of_block(sums: "NDArray[int64]", others: "NDArray[int64]", players: int) -> list[list[int]]:
    """The sums by size of the players of one block: `sums` has a row for each class of all other players
    (so many of them as `others` says), and a column for each set of players of the block.
    """
    patterns = sums.shape[1]
    by_size = [sums[others == size].sum(axis=0).tolist() for size in range(players + 1)]
    found = []
    for player in range(patterns.bit_length() - 1):
        held = [0] * (players + 1)
        for pattern in range(patterns):
            if pattern >> player & 1:
                inside = pattern.bit_count()
                for size in range(inside, players + 1):
                    held[size] += by_size[size - inside][pattern]
        found.append(held)
    return found


def drawn_values(
    names: Sequence[str], worth: Callable[[Iterator[int]], Iterator[int]], *, seed: bytes, orders: int
) -> list[Fraction]:
    """The mean gain of each player over so many drawn orders.

    `worth` takes players as they arrive and gives the worth after each; before the first is what it gives
    first. In every order the gains telescope: they sum to the worth of all, exactly. Order k is that of
    SHA-256(seed ‖ k in four bytes ‖ name in UTF-8), which anybody can draw again, in whatever order the
    players are told.
    """
    gains = [0] * len(names)
    encoded = [name.encode() for name in names]
    for order in range(orders):
        begun = sha256(seed + order.to_bytes(4, "big"))
        arrival = sorted(range(len(names)), key=lambda i: _key(begun, encoded[i]))
        after = worth(iter(arrival))
        before = next(after)
        for player, now in zip(arrival, after, strict=True):
            gains[player] += now - before
            before = now
    return [Fraction(gain, orders) for gain in gains]


def _key(begun: Any, name: bytes) -> bytes:
    own = begun.copy()
    own.update(name)
    digest: bytes = own.digest()
    return digest
