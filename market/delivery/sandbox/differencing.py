"""Which exact numbers lie too near to what the same buyer was told before. Pure.

Two exact answers have a difference, and it is the number of a group that nobody asked for. So a group is kept
back where it, or what is left of it beside the groups of an earlier answer that lie in it, differs from what
was told by so few that they would be no group of their own. Held against each earlier answer alone: what can
be put together of three answers and more is not found.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Key: TypeAlias = tuple[str, ...]
Cell: TypeAlias = tuple[Key | None, Key | None]
Crossed: TypeAlias = Mapping[Cell, int]
"""Of how many the rows are that lie in a group of the new answer and one of the old; None: in no group."""


@dataclass(slots=True)
class _Side:
    """The groups of one answer, each with its cells by the groups of the other."""

    units: bool
    of: dict[Key, dict[Key | None, int]] = field(default_factory=lambda: defaultdict(dict))

    def but(self, key: Key, others: Collection[Key | None]) -> int:
        """Of how many a group is at least, without what it shares with these groups of the other answer.

        Rows add up; a unit may have rows in several cells, and so the largest cell alone is certain.
        """
        left = (many for other, many in self.of[key].items() if other not in others)
        return max(left, default=0) if self.units else sum(left)


def withheld(
    new: Iterable[Key], old: Collection[Key], crossed: Crossed, *, least: int, units: bool
) -> set[Key]:
    """The groups of a new answer that are not told beside an old one, whose groups `old` were.

    `units`: what is counted are units, and not rows.
    """
    mine, theirs = _Side(units), _Side(units)
    for (group, earlier), many in crossed.items():
        if group is not None:
            mine.of[group][earlier] = many
        if earlier is not None:
            theirs.of[earlier][group] = many
    told = {group for group in new if group in mine.of}
    known = {earlier for earlier in old if earlier in theirs.of}
    kept_back = {group for group in told if _near(group, mine, theirs, known, least)}
    for earlier in sorted(known):
        inside = [group for group in theirs.of[earlier] if group is not None and len(mine.of[group]) == 1]
        inside = sorted(
            (group for group in inside if group in told), key=lambda one: (mine.but(one, ()), one)
        )
        while left := [group for group in inside if group not in kept_back]:
            if not 0 < theirs.but(earlier, left) < least:
                break
            kept_back.add(left[0])  # with the smallest one it is a group again
    return kept_back


def _near(group: Key, mine: _Side, theirs: _Side, known: Collection[Key], least: int) -> bool:
    """Whether a group, or what is left of it, differs from what was told by too few."""
    shared = [earlier for earlier in mine.of[group] if earlier is not None and earlier in known]
    for earlier in shared:
        apart = mine.but(group, (earlier,)), theirs.but(earlier, (group,))
        if 0 < max(apart) < least:
            return True
    inside = [earlier for earlier in shared if len(theirs.of[earlier]) == 1]
    return bool(inside) and 0 < mine.but(group, set(inside)) < least
