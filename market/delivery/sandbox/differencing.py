"""Which exact numbers lie too near to what the same buyer was told before. Pure.

Two exact answers have differences: any groups of the one added up, less any groups of the other, are a number
of rows that nobody asked for. So groups are kept back until no such difference is of too few rows to be a
group of its own. Held against each earlier answer alone: what can be put together of three answers and more
is not found.

Groups of both answers that share a group's worth of rows cancel only together, so they are one bundle; and
what shares so many rows with what lies outside every group never cancels. A bundle that has other rows in
common with anything else has a small difference, or may have one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Key: TypeAlias = tuple[str, ...]
Cell: TypeAlias = tuple[Key | None, Key | None]
Crossed: TypeAlias = Mapping[Cell, int]
"""Of how many the rows are that lie in a group of the new answer and one of the old; None: in no group."""
_Node: TypeAlias = tuple[int, Key] | None  # of which answer, and which group; None is all that is in no group
_NEW: Final = 0
_OLD: Final = 1
_ONE_BY_ONE: Final = 4
_MOST_ROUNDS: Final = 8
_MOST_PASSES: Final = 8


def withheld(
    new: Iterable[Key], old: Collection[Key], crossed: Crossed, *, least: int, units: bool
) -> set[Key]:
    """The groups of a new answer that are not told beside an old one, whose groups `old` were.

    `units`: what is counted are units, and not rows. Of a bundle the smallest groups go first: with one of
    them what is left may be a group again. After some rounds bundles go whole, and then all that is new.
    """
    size: dict[Key, int] = defaultdict(int)
    for (group, _), many in crossed.items():
        if group is not None:
            size[group] += many
    told, known, kept_back = {group for group in new if group in size}, set(old), set[Key]()
    for turn in range(_MOST_ROUNDS):
        bundles = _Bundles(least, units).leaking(told - kept_back, known, crossed)
        if not bundles:
            return kept_back
        for bundle in bundles:
            smallest = min(bundle, key=lambda group: (size[group], group))
            kept_back |= {smallest} if turn < _ONE_BY_ONE else bundle
    return told


@dataclass(slots=True)
class _Bundles:
    """Groups of both answers, joined where they cancel only together."""

    least: int
    units: bool
    joined: dict[_Node, _Node] = field(default_factory=dict)

    def leaking(self, new: Collection[Key], old: Collection[Key], crossed: Crossed) -> list[set[Key]]:
        """The new groups of each bundle that has a small difference, or may have one."""
        between: dict[tuple[_Node, _Node], int] = {}
        for (group, earlier), many in crossed.items():
            ends = (
                (_NEW, group) if group is not None and group in new else None,
                (_OLD, earlier) if earlier is not None and earlier in old else None,
            )
            between[ends] = self._together(between.get(ends, 0), many)
        for _ in range(_MOST_PASSES):
            heavy = [ends for ends, many in between.items() if many >= self.least]
            for one, other in heavy:
                self._join(one, other)
            between = self._apart(between)
            if not heavy:
                break
        near = {end for ends in between for end in ends} - {self._of(None)}
        found: dict[_Node, set[Key]] = defaultdict(set)
        for group in new:
            bundle = self._of((_NEW, group))
            if bundle in near:
                found[bundle].add(group)
        return list(found.values())

    def _apart(self, between: Mapping[tuple[_Node, _Node], int]) -> dict[tuple[_Node, _Node], int]:
        """What is still between two bundles; rows that only one side has stand against those of the other."""
        left: dict[tuple[_Node, _Node], int] = {}
        for (one, other), many in between.items():
            ends = self._of(one), self._of(other)
            if many and ends[0] != ends[1]:
                left[ends] = self._together(left.get(ends, 0), many)
        return left

    def _together(self, many: int, more: int) -> int:
        """Rows add up; a unit may have rows in several cells, and so the largest cell alone is certain."""
        return max(many, more) if self.units else many + more

    def _of(self, node: _Node) -> _Node:
        root = node
        while (up := self.joined.get(root, root)) != root:
            root = up
        while (up := self.joined.get(node, root)) != root:
            self.joined[node], node = root, up
        return root

    def _join(self, one: _Node, other: _Node) -> None:
        ends = self._of(one), self._of(other)
        if ends[0] != ends[1]:
            self.joined[ends[0]] = ends[1]
