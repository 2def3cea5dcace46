"""Which expressions can have no row, because tables that they ask have none: these need not be asked,
nor what of a union has none.

It follows from the form of an expression alone. Where the form does not tell, there may be rows.
"""

from collections.abc import Callable
from typing import Any, Final

from ibis.expr import operations as ops

_NEEDS_BOTH: Final = frozenset({"inner", "semi", "cross"})
_NEEDS_LEFT: Final = frozenset({"left", "anti"})
_OF_ITS_PARENT: Final = (
    *(ops.Filter, ops.Project, ops.Sort, ops.Distinct, ops.DropColumns),
    *(ops.JoinReference, ops.SelfReference),
)


def has_no_row(relation: Any, is_empty: Callable[[str], bool]) -> bool:
    """Whether a relation has no row wherever the tables of which `is_empty` says so have none."""
    return _Looking(is_empty).nothing(relation)


def without_empty(relation: Any, is_empty: Callable[[str], bool]) -> Any:
    """The relation, with one side alone of each union of which the other has no row."""
    looking = _Looking(is_empty)

    def sparing(node: Any, changed: Any) -> Any:
        made = node.__recreate__(changed) if changed else node
        if not isinstance(node, ops.Union):
            return made
        sides = [
            side
            for was, side in ((node.left, made.left), (node.right, made.right))
            if not looking.nothing(was)
        ]
        if len(sides) != 1:
            return made
        return ops.Distinct(sides[0]) if node.distinct else sides[0]

    return relation.replace(sparing)


class _Looking:
    """What an expression asks twice is looked at once."""

    def __init__(self, is_empty: Callable[[str], bool]) -> None:
        self._is_empty = is_empty
        self._told: dict[Any, bool] = {}

    def nothing(self, of: Any) -> bool:
        if of not in self._told:
            self._told[of] = self._look(of)
        return self._told[of]

    def _look(self, of: Any) -> bool:
        match of:
            case ops.UnboundTable():
                return self._is_empty(of.name)
            case ops.JoinChain():
                return self._of_a_chain(of)
            case ops.Union():
                return self.nothing(of.left) and self.nothing(of.right)
            case ops.Aggregate():  # without groups there is one row, of nothing too
                return bool(of.groups) and self.nothing(of.parent)
            case _:
                return isinstance(of, _OF_ITS_PARENT) and self.nothing(of.parent)

    def _of_a_chain(self, chain: Any) -> bool:
        so_far = self.nothing(chain.first)
        for link in chain.rest:
            if link.how in _NEEDS_BOTH:
                so_far = so_far or self.nothing(link.table)
            elif link.how not in _NEEDS_LEFT:
                so_far = so_far and self.nothing(link.table)
        return so_far
