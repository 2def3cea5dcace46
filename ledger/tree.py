"""The Merkle tree of RFC 6962 and RFC 9162: hashes, roots, proofs, and their verification.

Proofs are made from a *node reader*: `node(level, index)` answers the root of the complete subtree
over leaves `[index << level, (index + 1) << level)`. Level 0 are the leaf hashes. Where the nodes lie
(tiles, a list in memory) is the reader's affair. Verification follows RFC 9162 step by step and
shares no code with generation.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from ledger.errors import ProofInvalid

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 of 0x00 and the entry's bytes (RFC 9162 §2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children (RFC 9162 §2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, widest first.

    Appending costs one hash a leaf on average; the root costs one a level. Nothing else of the tree
    is kept.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ProofInvalid("a frontier has one peak per set bit of its size", size=size)

    @classmethod
    def read(cls, size: int, node: NodeReader) -> "Frontier":
        """The frontier of a tree of `size` leaves whose nodes can be read."""
        return cls(size, (node(level, index) for level, index in peaks(size)))

    def append(self, node: bytes, level: int = 0) -> None:
        """Add one leaf hash, or the root of a complete subtree of `1 << level` leaves.

        Raises ProofInvalid when a subtree does not begin at a multiple of its width.
        """
        rows = self.size >> level
        if rows << level != self.size:
            raise ProofInvalid("a subtree begins at a multiple of its width", size=self.size, level=level)
        while rows & 1:
            node = sha256(b"\x01" + self.peaks.pop() + node).digest()
            rows >>= 1
        self.peaks.append(node)
        self.size += 1 << level

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def copy(self) -> "Frontier":
        """A frontier that grows on its own."""
        return Frontier(self.size, self.peaks)

    def root(self) -> bytes:
        """The tree's root at this size; of an empty tree SHA-256 of nothing."""
        if not self.peaks:
            return EMPTY_ROOT
        right = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            right = node_hash(left, right)
        return right


def peaks(size: int) -> list[tuple[int, int]]:
    """(level, index) of the complete subtrees that make up a tree of `size`, widest first."""
    levels = range(size.bit_length() - 1, -1, -1)
    return [(level, (size >> level) - 1) for level in levels if size >> level & 1]


def root(size: int, node: NodeReader) -> bytes:
    """The root of the first `size` leaves."""
    return Frontier.read(size, node).root()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """The audit path of leaf `index` in a tree of `size`, the leaf's sibling first (RFC 9162 §2.1.3.1).

    Raises ProofInvalid when the leaf does not lie in the tree.
    """
    if not 0 <= index < size:
        raise ProofInvalid("no such leaf in a tree of this size", index=index, size=size)
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(begin, middle, node))
            begin = middle
    path.reverse()
    return path


def consistency_proof(old: int, size: int, node: NodeReader) -> list[bytes]:
    """The proof that the tree of `size` extends the tree of `old` leaves (RFC 9162 §2.1.4.1).

    Empty for equal sizes and for the empty old tree. Raises ProofInvalid for an old tree that is larger.
    """
    if not 0 <= old <= size:
        raise ProofInvalid("an older tree is not larger", old=old, size=size)
    if old in {0, size}:
        return []
    proof: list[bytes] = []
    begin, end = 0, size
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(_range(middle, end, node))
            end = middle
        else:
            proof.append(_range(begin, middle, node))
            begin = middle
    if begin:
        proof.append(_range(begin, end, node))
    proof.reverse()
    return proof


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that a leaf hash and its audit path lead to (RFC 9162 §2.1.3.2).

    Raises ProofInvalid when the path does not have the shape of this leaf in this tree.
    """
    if not 0 <= index < size:
        raise ProofInvalid("no such leaf in a tree of this size", index=index, size=size)
    _hashes(leaf, *path)
    found = leaf
    for sibling, stands_left in zip(path, _sides(index, size - 1, len(path)), strict=True):
        found = node_hash(sibling, found) if stands_left else node_hash(found, sibling)
    return found


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], expected: bytes) -> None:
    """Raise ProofInvalid unless the leaf hash stands at `index` in the tree with this root."""
    if root_from_inclusion(index, size, leaf, path) != expected:
        raise ProofInvalid("the path leads to another root", index=index, size=size)


def verify_consistency(old: int, size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise ProofInvalid unless the tree of `size` extends the tree of `old` (RFC 9162 §2.1.4.2)."""
    _hashes(old_root, new_root, *proof)
    if not 0 <= old <= size:
        raise ProofInvalid("an older tree is not larger", old=old, size=size)
    if old in {0, size}:
        known = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != known:
            raise ProofInvalid("not the same tree", old=old, size=size)
        return
    if not proof:
        raise ProofInvalid("the proof is empty", old=old, size=size)
    complete = old & (old - 1) == 0  # the old root itself is a node of the new tree
    start, rest = (old_root, proof) if complete else (proof[0], proof[1:])
    depth = (old & -old).bit_length() - 1  # levels below the first node that both trees share
    found_old = found_new = start
    sides = _sides((old - 1) >> depth, (size - 1) >> depth, len(rest))
    for sibling, stands_left in zip(rest, sides, strict=True):
        if stands_left:
            found_old = node_hash(sibling, found_old)
            found_new = node_hash(sibling, found_new)
        else:
            found_new = node_hash(found_new, sibling)
    if found_old != old_root or found_new != new_root:
        raise ProofInvalid("the larger tree does not extend the smaller one", old=old, size=size)


def _sides(position: int, last: int, length: int) -> Iterator[bool]:
    """Whether each of `length` siblings stands left, climbing from `position` in a row ending at `last`.

    Raises ProofInvalid when the climb is not at the root after `length` steps; a caller must ask once
    more after the last step to be told (`zip(..., strict=True)` does).
    """
    for _ in range(length):
        if last == 0:
            raise ProofInvalid("the proof is too long")
        stands_left = bool(position & 1) or position == last
        yield stands_left
        while stands_left and position and not position & 1:  # a lone right edge has no sibling here
            position >>= 1
            last >>= 1
        position >>= 1
        last >>= 1
    if last:
        raise ProofInvalid("the proof is too short")


def _split(width: int) -> int:
    """The largest power of two smaller than `width` (RFC 9162 §2.1.1), for a width above 1."""
    return 1 << ((width - 1).bit_length() - 1)


def _range(begin: int, end: int, node: NodeReader) -> bytes:
    """The root over leaves `[begin, end)`, a subtree of some tree: `begin` is aligned to its width."""
    parts = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        parts.append(node(level, begin >> level))
        begin += 1 << level
    right = parts.pop()
    while parts:
        right = node_hash(parts.pop(), right)
    return right


def _hashes(*values: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in values):
        raise ProofInvalid("a hash has 32 bytes")
