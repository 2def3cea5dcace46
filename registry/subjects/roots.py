"""Who is among a record's persons, and who is not: a sparse Merkle tree over salted pseudonyms; pure.

An entry is SHA-256 of a tag, the holder's pseudonym of the person and the salt that stands in the person's
own consent, so both can make it and nobody else. It lies where its bits lead, in the shallowest place that is
its alone: hence a root that has it cannot be shown to lack it. Every node counts its entries, and the whole
count is the record's. A leaf is H(0, entry), a node H(1, left, count, right, count), an empty place zeros.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from registry.subjects.errors import ProofWrong

_TAG: Final = b"databourse/subject-entry/v1\x00"
_BITS: Final = 256
_EMPTY: Final = bytes(32)
MAX_DEPTH: Final = _BITS


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the tree: its hash, and how many entries lie under it."""

    hash: bytes
    count: int


NOWHERE: Final = Node(_EMPTY, 0)


@dataclass(frozen=True, slots=True)
class Path:
    """From the root down to where an entry lies, or would: `found` is what lies there, None for nothing."""

    siblings: tuple[Node, ...]
    found: str | None

    def document(self) -> dict[str, Any]:
        """As it is handed over: hashes in hex."""
        siblings = [{"hash": one.hash.hex(), "count": one.count} for one in self.siblings]
        return {"siblings": siblings, "found": self.found}


def entry_of(pseudonym: str, salt: str) -> str:
    """The entry of a person: both are 64 hex digits."""
    return sha256(_TAG + bytes.fromhex(pseudonym) + bytes.fromhex(salt)).hexdigest()


def root_of(entries: Iterable[str]) -> str:
    """The root over entries (hex), in whatever order they come."""
    ordered = sorted({int(one, 16) for one in entries})
    return _node(ordered, 0, len(ordered), 0).hash.hex()


def path_of(entries: Iterable[str], entry: str) -> Path:
    """What shows that an entry lies under the root of the entries, or that it does not."""
    ordered = sorted({int(one, 16) for one in entries})
    at, low, high = int(entry, 16), 0, len(ordered)
    siblings: list[Node] = []
    while high - low > 1:
        middle, depth = _split(ordered, low, high, len(siblings)), len(siblings) + 1
        if _bit(at, len(siblings)):
            siblings.append(_node(ordered, low, middle, depth))
            low = middle
        else:
            siblings.append(_node(ordered, middle, high, depth))
            high = middle
    found = f"{ordered[low]:064x}" if high > low else None
    return Path(tuple(siblings), found)


def shows(root: str, subjects: int, entry: str, path: Path) -> bool:
    """Whether the entry is under a record's root (True), or is not (False).

    Raises ProofWrong for a path that leads to another root or another count, or past the entry.
    """
    depth, at = len(path.siblings), int(entry, 16)
    if depth > MAX_DEPTH:
        raise ProofWrong("no path is as long", depth=depth)
    if path.found is None:
        here = NOWHERE
    else:
        if depth and (int(path.found, 16) ^ at) >> (_BITS - depth):
            raise ProofWrong("what was found does not lie on the way of this entry")
        here = _leaf(int(path.found, 16))
    for level in range(depth - 1, -1, -1):
        sibling = path.siblings[level]
        here = _joined(sibling, here) if _bit(at, level) else _joined(here, sibling)
    if here.hash.hex() != root or here.count != subjects:
        raise ProofWrong("the path leads elsewhere", count=here.count, subjects=subjects)
    return path.found == entry


def _bit(value: int, depth: int) -> int:
    return value >> (_BITS - 1 - depth) & 1


def _split(ordered: Sequence[int], low: int, high: int, depth: int) -> int:
    """Where the entries with this bit set begin, among those that agree in all bits before it."""
    bit = 1 << (_BITS - 1 - depth)
    return bisect_left(ordered, ordered[low] // (bit << 1) * (bit << 1) + bit, low, high)


def _leaf(entry: int) -> Node:
    return Node(sha256(b"\x00" + entry.to_bytes(32)).digest(), 1)


def _joined(left: Node, right: Node) -> Node:
    said = b"\x01" + left.hash + left.count.to_bytes(8) + right.hash + right.count.to_bytes(8)
    return Node(sha256(said).digest(), left.count + right.count)


def _node(ordered: Sequence[int], low: int, high: int, depth: int) -> Node:
    if low == high:
        return NOWHERE
    if high - low == 1:
        return _leaf(ordered[low])
    middle = _split(ordered, low, high, depth)
    return _joined(_node(ordered, low, middle, depth + 1), _node(ordered, middle, high, depth + 1))
