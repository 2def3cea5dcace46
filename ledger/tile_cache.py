"""Tiles in memory, hashed once: the nodes of a log's tree for whoever proves one entry after another. Pure.

What a tile holds never changes, a partial one only grows; so what was read once stays right for every
tree of the same log, of whatever size.
"""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, TypeAlias

from ledger.errors import TileInvalid
from ledger.tiles import WIDTH
from ledger.tree import HASH_BYTES

HEIGHT: Final = 8
_KEPT: Final = 512  # tiles of a log, some 35 KiB each
Place: TypeAlias = tuple[int, int]  # level, number
Rows: TypeAlias = list[list[bytes]]


def rows_of(hashes: bytes) -> Rows:
    """A tile's hashes and above them every complete node, row by row."""
    row = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    rows = [row]
    while len(row) > 1 and len(rows) < HEIGHT:
        pairs = zip(row[::2], row[1::2], strict=False)
        row = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        rows.append(row)
    return rows


class TileCache:
    """The tiles of one log that were read last."""

    def __init__(self) -> None:
        self._tiles: OrderedDict[Place, Rows] = OrderedDict()

    def missing(self, seq: int, size: int) -> list[Place]:
        """The tiles that a proof of an entry in a tree of `size` still lacks."""
        lacking = []
        for level, number in needed(seq, size):
            known = self._tiles.get((level, number))
            if known is None or len(known[0]) < width_of(level, number, size):
                lacking.append((level, number))
            else:
                self._tiles.move_to_end((level, number))
        return lacking

    def add(self, tiles: Iterable[tuple[int, int, bytes]]) -> None:
        """Keep tiles as they were read: level, number, hashes."""
        for level, number, hashes in tiles:
            self._tiles[level, number] = rows_of(hashes)
            self._tiles.move_to_end((level, number))

    def node(self, level: int, index: int) -> bytes:
        """The root of the complete subtree at (level, index), as a `NodeReader`. Raises TileInvalid."""
        tile_level, within = divmod(level, HEIGHT)
        number, at = divmod(index, WIDTH >> within)
        try:
            return self._tiles[tile_level, number][within][at]
        except LookupError:
            raise TileInvalid("no such node here", level=level, index=index) from None

    def shrink(self) -> None:
        """Let the tiles go that were asked for least lately."""
        while len(self._tiles) > _KEPT:
            self._tiles.popitem(last=False)


def width_of(level: int, number: int, size: int) -> int:
    """How many hashes a tile has in a tree of `size` leaves."""
    return min(WIDTH, (size >> HEIGHT * level) - number * WIDTH)


def needed(seq: int, size: int) -> list[Place]:
    """The tiles an inclusion path can touch: on the way up from the leaf, and along the right edge."""
    found = []
    level, at, count = 0, seq, size
    while count:
        number, edge = at // WIDTH, (count - 1) // WIDTH
        found.append((level, number))
        if edge != number:
            found.append((level, edge))
        level, at, count = level + 1, number, count // WIDTH
        at = min(at, max(count - 1, 0))
    return found
