"""Tiles of a tree: C2SP tlog-tiles paths, hash tiles and entry bundles, and how they grow.

A hash tile at level `L` is up to 256 consecutive roots of complete subtrees of `256 ** L` leaves; an
entry tile is up to 256 consecutive entries, each behind a big-endian 16-bit length. A tile of 256 is
full and never changes; the rightmost one of a level may be partial and carries its width in its path.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Final

from ledger.errors import EntryTooLarge, TileInvalid
from ledger.statement import MAX_ENTRY_BYTES
from ledger.tree import HASH_BYTES, Frontier

WIDTH: Final = 256
ENTRIES: Final = -1  # the "level" of entry tiles
MAX_ENTRY_TILE_BYTES: Final = WIDTH * (2 + MAX_ENTRY_BYTES)
_HEIGHT: Final = 8
_MAX_LEVEL: Final = 63
_CACHED_TILES: Final = 256
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile's place: its level (`ENTRIES` for entry tiles), its number in the level, its width."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path of C2SP tlog-tiles, e.g. `tile/0/x001/x234/067` or `tile/entries/000.p/12`."""
        return _path(self.level, self.index, self.width)


@lru_cache(maxsize=1024)
def _path(level: int, index: int, width: int) -> str:
    kind = "entries" if level == ENTRIES else str(level)
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{kind}/{number_path(index)}{partial}"


TileReader = Callable[[Tile], bytes]


def number_path(number: int) -> str:
    """A number in three-digit path elements, all but the last behind an x: `x001/x234/067`."""
    digits = str(number)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])


def parse_path(text: str) -> Tile:
    """The tile of a path. Raises TileInvalid for any other spelling than the one `Tile.path` writes."""
    match = _PATH.fullmatch(text)
    if match is None:
        raise TileInvalid("not a tile path", path=text)
    level, number, width = match.groups()
    tile = Tile(
        ENTRIES if level == "entries" else int(level),
        int(number.replace("x", "").replace("/", "")),
        WIDTH if width is None else int(width),
    )
    if tile.path != text or tile.level > _MAX_LEVEL:
        raise TileInvalid("not a tile path", path=text)
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` leaves, partial ones at the right edge: entries, then by level."""
    yield from touched(0, size)


def tiles_in(size: int) -> int:
    """How many tiles a tree of `size` leaves has."""
    levels = [size, *(size >> _HEIGHT * level for level in range(_MAX_LEVEL + 1))]
    return sum((rows + WIDTH - 1) // WIDTH for rows in levels)


def in_tree(tile: Tile, size: int) -> bool:
    """Whether a tree of `size` leaves has exactly this tile."""
    rows = size >> _HEIGHT * max(tile.level, 0)
    return tile.width == min(WIDTH, rows - tile.index * WIDTH)


def touched(old: int, size: int) -> Iterator[Tile]:
    """The tiles that a tree of `size` has and one of `old` leaves has not: entries, then by level.

    A partial tile that grew is another tile, because its width is in its path.
    """
    for level in (ENTRIES, *range(_MAX_LEVEL + 1)):
        shift = _HEIGHT * max(level, 0)
        before, after = old >> shift, size >> shift
        if after == 0:
            return
        for index in range(before // WIDTH, (after + WIDTH - 1) // WIDTH):
            width = min(WIDTH, after - index * WIDTH)
            if index * WIDTH + width > before:
                yield Tile(level, index, width)


def grow(read: TileReader, old: int, leaves: Sequence[bytes]) -> dict[Tile, bytes]:
    """The hash tiles that change when leaf hashes are added to a tree of `old` leaves.

    `read` is asked for the partial tiles at the old tree's right edge, one a level at most. Keys are
    the tiles at the new size; the caller drops the partial tiles they replace.
    """
    made: dict[Tile, bytes] = {}
    level, start, hashes = 0, old, list(leaves)
    while hashes:
        index, kept = divmod(start, WIDTH)
        if kept:
            edge = read(Tile(level, index, kept))
            hashes = [*hashes_in(edge, kept), *hashes]
        full = []
        for at in range(0, len(hashes), WIDTH):
            part = hashes[at : at + WIDTH]
            made[Tile(level, index + at // WIDTH, len(part))] = b"".join(part)
            if len(part) == WIDTH:
                full.append(subtree_root(part))
        level, start, hashes = level + 1, index, full
    return made


class Growth:
    """A tree built from its first leaf on, a tile at a time. Keeps its right edge only."""

    def __init__(self, size: int = 0, edges: Sequence[Sequence[bytes]] = ((),)) -> None:
        """Go on from a tree of full tiles: `edges` as another growth of that size gave them."""
        kept = [size >> _HEIGHT * level & WIDTH - 1 for level in range(len(edges))]
        if [len(edge) for edge in edges] != kept or size >> _HEIGHT * len(edges) or size % WIDTH:
            raise TileInvalid("not the right edge of a tree of this size", size=size)
        self._edge: list[list[bytes]] = [list(edge) for edge in edges]
        peaks = [
            subtree_root(edge[at : at + width])
            for edge in reversed(self._edge)
            for at, width in _aligned(len(edge))
        ]
        self.frontier = Frontier(size, peaks)

    @property
    def edges(self) -> list[list[bytes]]:
        """The hashes of each level's partial tile: with the size, all there is to go on from."""
        return [list(edge) for edge in self._edge]

    def add(self, leaves: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """Add the next 256 leaf hashes, or fewer at the very end; returns the hash tiles this fills."""
        if len(leaves) == WIDTH:
            return self.add_full(b"".join(leaves), subtree_root(leaves))
        if self._edge[0] or len(leaves) > WIDTH:
            raise TileInvalid("leaves come a tile at a time", size=self.frontier.size, leaves=len(leaves))
        self._edge[0] = list(leaves)
        self.frontier.extend(leaves)
        return []

    def add_full(self, data: bytes, node: bytes) -> list[tuple[Tile, bytes]]:
        """Add a full tile of leaf hashes, over which the root is `node`; returns the tiles this fills."""
        if self._edge[0]:
            raise TileInvalid("leaves come a tile at a time", size=self.frontier.size, leaves=WIDTH)
        number = self.frontier.size // WIDTH
        full = [(Tile(0, number), data)]
        self.frontier.append(node, _HEIGHT)
        for level in range(1, _MAX_LEVEL + 1):
            if level == len(self._edge):
                self._edge.append([])
            self._edge[level].append(node)
            if len(self._edge[level]) < WIDTH:
                break
            hashes, self._edge[level] = self._edge[level], []
            node = subtree_root(hashes)
            number //= WIDTH
            full.append((Tile(level, number), b"".join(hashes)))
        return full

    def partial(self) -> list[tuple[Tile, bytes]]:
        """The partial tiles at the right edge as it is now."""
        size = self.frontier.size
        return [
            (Tile(level, (size >> _HEIGHT * level) // WIDTH, len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._edge)
            if hashes
        ]


def _aligned(count: int) -> Iterator[tuple[int, int]]:
    """Offset and width of the complete subtrees that `count` siblings make up, widest first."""
    at = 0
    for shift in range(count.bit_length() - 1, -1, -1):
        if count >> shift & 1:
            yield at, 1 << shift
            at += 1 << shift


def hashes_in(tile: bytes, width: int) -> list[bytes]:
    """The hashes of a tile. Raises TileInvalid unless there are exactly `width` of them."""
    if len(tile) != width * HASH_BYTES:
        raise TileInvalid("a hash tile is its width in hashes", bytes=len(tile), width=width)
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of sibling hashes."""
    row = list(hashes)
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=True)
        row = [
            sha256(b"\x01" + left + right).digest() for left, right in pairs
        ]  # node_hash, without the call
    return row[0]


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """An entry tile's bytes. Raises EntryTooLarge above 8 KiB an entry."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise EntryTooLarge("an entry is at most 8 KiB", bytes=len(entry), limit=MAX_ENTRY_BYTES)
        parts.append(len(entry).to_bytes(2))
        parts.append(entry)
    return b"".join(parts)


def unpack_entries(tile: bytes) -> Iterator[bytes]:
    """The entries of an entry tile, in order, as they are stored.

    Raises TileInvalid at a length above 8 KiB or beyond the tile's end, after what came before it.
    """
    at, end = 0, len(tile)
    while at < end:
        begin = at + 2
        length = tile[at] << 8 | tile[at + 1] if begin <= end else end
        at = begin + length
        if at > end or length > MAX_ENTRY_BYTES:
            raise TileInvalid("an entry runs over its bounds", length=length)
        yield tile[begin:at]


def partial_of(whole: bytes, tile: Tile) -> bytes:
    """The bytes of a partial tile, cut from the full one that took its place. Raises TileInvalid."""
    if tile.level != ENTRIES:
        return whole[: tile.width * HASH_BYTES]
    return pack_entries(islice(unpack_entries(whole), tile.width))


class TileNodes:
    """Reads any node of a tree of `size` leaves out of its tiles (`ledger.tree.NodeReader`)."""

    def __init__(self, read: TileReader, size: int) -> None:
        self._read = read
        self._size = size
        self._cache: OrderedDict[Tile, list[bytes]] = OrderedDict()

    def __call__(self, level: int, index: int) -> bytes:
        """The root of the complete subtree at (level, index). Raises TileInvalid outside the tree."""
        if index < 0 or index + 1 > self._size >> level:
            raise TileInvalid("no complete subtree there", level=level, index=index, size=self._size)
        tile_level, within = divmod(level, _HEIGHT)
        number, begin = divmod(index << within, WIDTH)
        return subtree_root(self._hashes(tile_level, number)[begin : begin + (1 << within)])

    def _hashes(self, level: int, number: int) -> list[bytes]:
        width = min(WIDTH, (self._size >> _HEIGHT * level) - number * WIDTH)
        tile = Tile(level, number, width)
        known = self._cache.get(tile)
        if known is None:
            known = self._cache[tile] = hashes_in(self._read(tile), width)
            if len(self._cache) > _CACHED_TILES:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(tile)
        return known
