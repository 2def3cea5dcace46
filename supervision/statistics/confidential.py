"""Which cells of published tables are withheld, so that no unit's figure can be read or computed back.

统计法 (2024) Art 9, 28: what identifies a single respondent stays secret. A cell is *primary* where fewer
than three units stand behind it or one has more than 85 % of it [D: the (n, k) rule of the handbooks]; then
further cells are withheld until no withheld one follows from the published ones by the sums of the tables,
which are linked: a region is a row of the flow matrix and a line of its own table. Whole numbers modulo a
prime, so nothing is lost to rounding.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MIN_UNITS: Final = 3
MOST_PERCENT: Final = 85
MIN_IN_MIDDLE: Final = 5
"""Of fewer trades a median or a mean is one trade's own figure, or nearly so [D]."""
GUARD_PERCENT: Final = 100 - MOST_PERCENT
"""A cell that hides another is at least this part of it, where there is one: else the sum would tell it."""
_PRIME: Final = 2_147_483_647
Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure that could be published: what it is worth, and who stands behind it on either side.

    `units` and `largest` are of the side that is the smaller or the more dominated one.
    """

    value: int
    units: int
    largest: int

    @property
    def is_primary(self) -> bool:
        """Whether it tells something of a single unit."""
        return self.units < MIN_UNITS or 100 * self.largest > MOST_PERCENT * self.value


@dataclass(frozen=True, slots=True)
class Sum:
    """`total` is the sum of `parts`. Parts that are not there are nothing, and that is known."""

    total: Name
    parts: tuple[Name, ...]

    @property
    def names(self) -> tuple[Name, ...]:
        return (self.total, *self.parts)


def withheld(cells: Mapping[Name, Cell], sums: Iterable[Sum]) -> frozenset[Name]:
    """The cells that are not published: the primary ones, and as many more as hide them.

    None of them follows from what is published. The cheapest are taken: the smallest that still guard.
    """
    equations = [one for one in sums if one.total in cells]
    around: dict[Name, list[Sum]] = {}
    for one in equations:
        for name in one.names:
            around.setdefault(name, []).append(one)
    hidden = {name for name, cell in cells.items() if cell.is_primary}
    while exposed := determined(hidden, equations):
        before = len(hidden)
        for name in sorted(exposed):
            guard = _guard(name, hidden, cells, around, last=len(hidden) == before)
            if guard is not None:
                hidden.add(guard)
        if len(hidden) == before:  # the only figure there is has nothing to hide behind
            break
    return frozenset(hidden)


def _guard(
    exposed: Name,
    hidden: Collection[Name],
    cells: Mapping[Name, Cell],
    around: Mapping[Name, Sequence[Sum]],
    *,
    last: bool,
) -> Name | None:
    """The cell to withhold beside an exposed one: where it stands alone, and best where others do, too.

    One that stands alone nowhere is left for the next look; if it is the `last` resort, anything near does.
    """
    near = around.get(exposed, ())
    alone = [one for one in near if _is_alone(one, hidden)]
    for some in (alone, near if last else ()):
        open_ = {
            n for one in some for n in one.names if n in cells and n not in hidden and cells[n].value > 0
        }
        if open_:
            return min(open_, key=lambda n: _price(n, exposed, hidden, cells, around))
    if not last:
        return None
    left = {n for n in cells if n not in hidden and cells[n].value > 0}
    return min(left, key=lambda n: _price(n, exposed, hidden, cells, around), default=None)


def _is_alone(one: Sum, hidden: Collection[Name]) -> bool:
    return sum(name in hidden for name in one.names) == 1


def _price(
    name: Name,
    exposed: Name,
    hidden: Collection[Name],
    cells: Mapping[Name, Cell],
    around: Mapping[Name, Sequence[Sum]],
) -> tuple[bool, int, int, int, Name]:
    """What withholding a cell costs: a weak guard last, then totals; one that guards several is cheap."""
    value = cells[name].value
    weak = 100 * value < GUARD_PERCENT * cells[exposed].value
    helped = sum(_is_alone(one, hidden) for one in around[name])
    opened = sum(all(other not in hidden for other in one.names) for one in around[name])
    over = sum(one.total == name for one in around[name])
    return (weak, over, opened - helped, value, name)


def determined(hidden: Collection[Name], equations: Iterable[Sum]) -> frozenset[Name]:
    """The hidden cells whose value follows from the others by the sums, whatever the values are.

    Gauss-Jordan elimination of the equations, over the hidden cells alone: a cell is determined where a row
    has it and nothing else.
    """
    rows = _rows(hidden, equations)
    names = sorted({name for row in rows for name in row})
    if not names:
        return frozenset()
    import numpy as np  # noqa: PLC0415 - only whoever publishes tables needs it

    place = {name: n for n, name in enumerate(names)}
    matrix: Any = np.zeros((len(rows), len(names)), dtype=np.int64)
    for n, row in enumerate(rows):
        for name, factor in row.items():
            matrix[n, place[name]] = factor % _PRIME
    pivots = 0
    for column in range(len(names)):
        below = np.flatnonzero(matrix[pivots:, column])
        if below.size == 0:
            continue
        found = pivots + int(below[0])
        matrix[[pivots, found]] = matrix[[found, pivots]]
        matrix[pivots] = matrix[pivots] * pow(int(matrix[pivots, column]), -1, _PRIME) % _PRIME
        others = np.flatnonzero(matrix[:, column])
        others = others[others != pivots]
        factors = matrix[others, column][:, None]
        matrix[others] = (matrix[others] - factors * matrix[pivots] % _PRIME) % _PRIME
        pivots += 1
        if pivots == len(rows):
            break
    lone = matrix[:pivots][(matrix[:pivots] != 0).sum(axis=1) == 1]
    return frozenset(names[int(column)] for column in lone.argmax(axis=1))


def _rows(hidden: Collection[Name], equations: Iterable[Sum]) -> list[dict[Name, int]]:
    """The equations with only the hidden cells in them: what is published is a known number."""
    rows = []
    for one in equations:
        row = {name: 1 for name in one.parts if name in hidden}
        if one.total in hidden:
            row[one.total] = -1
        if row:
            rows.append(row)
    return rows
