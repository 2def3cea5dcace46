"""Was anything sealed twice? Eight bytes an entry answer that for logs of any length."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

_BUCKETS: Final = 256
_SHIFT: Final = 56
_AT_ONCE: Final = 1_000_000


def same_marks(marks: "array[int]") -> Iterator[tuple[int, int]]:
    """Pairs of places that bear the same mark (not 0): the first one, and each later one."""
    repeated = repeated_marks(marks)
    if not repeated:
        return
    first: dict[int, int] = {}
    for place, mark in enumerate(marks):
        if mark in repeated:
            earlier = first.setdefault(mark, place)
            if earlier != place:
                yield earlier, place


def repeated_marks(marks: "array[int]", earlier: "Iterable[array[int]]" = ()) -> set[int]:
    """The marks that come more than once, or were among the earlier ones; 0 is no mark.

    A set of all of them would take ten times their room.
    """
    buckets = [array("Q") for _ in range(_BUCKETS)]
    for mark in marks:
        buckets[mark >> _SHIFT].append(mark)
    repeated: set[int] = set()
    for bucket in buckets:
        if len(set(bucket)) < len(bucket):
            repeated.update(mark for mark, times in Counter(bucket).items() if times > 1)
    for before in earlier:
        for at in range(0, len(marks), _AT_ONCE):
            repeated |= set(marks[at : at + _AT_ONCE]).intersection(before)
    return repeated - {0}
