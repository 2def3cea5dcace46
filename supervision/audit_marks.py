"""Was anything sealed twice? Eight bytes an entry answer that for logs of any length."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import orjson

from ledger.tiles import WIDTH, unpack_entries

Signed = tuple[str, set[str]]  # the payload and the signatures of an envelope, as base64
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


def signed_in(tile: bytes, seq: int) -> Signed:
    """What was signed in an entry and the signatures, read again from its tile. Raises Malformed."""
    entry = next(islice(unpack_entries(tile), seq % WIDTH, None))
    envelope = orjson.loads(entry)["envelope"]
    return envelope["payload"], {signature["sig"] for signature in envelope["signatures"]}


def same_statement(one: Signed, other: Signed) -> bool:
    """Whether both are one payload under one signature, whatever stands beside it."""
    return one[0] == other[0] and not one[1].isdisjoint(other[1])
