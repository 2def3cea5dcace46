"""Lists of persons as hashes: taken in, keyed again, kept sorted on disk, counted without doubles.

An exporter gives one hash a line: SHA-256 of an identifier with a secret salt of its group, so that within a
group the same person has the same hash, and nobody else can compare or guess. A wrong salt can only make a
group's count larger. The exchange keys each hash again under its own key (BLAKE2b, 128 bits) before it
touches a disk, so a stolen list fits nothing outside. Neither hashes nor lists come near the ledger: only
how many there are, and a digest under the same key.

Memory is bounded: lines are dealt into 256 parts by their first byte, each part is sorted and its doubles
dropped alone, and a union is counted part by part over all lists. Ten million persons are 160 MB on disk and
a part of each in memory.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from base.signing import marking_part
from market.customs.errors import PersonsFileRefused

WIDTH: Final = 16
PARTS: Final = 256
MAX_LINES: Final = 20_000_000
_LINE: Final = 64
_HEAD: Final = 1024
_ORIGIN: Final = re.compile(r"# salt=(?P<salt>[0-9A-Za-z]{16,64}) column=(?P<column>.{1,200})")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_PIECE: Final = 2**20
_PAIR: Final = (("high", ">u8"), ("low", ">u8"))
_TOGETHER: Final = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Origin:
    """What the hashes were made of: SHA-256 of the salt and a cell of a column, without blanks around it."""

    salt: str
    column: str


@dataclass(frozen=True, slots=True)
class PersonList:
    """Distinct persons in order, and where each of the 256 parts begins, in persons; the end beside them.

    `origin` where the first line of what was handed in said it.
    """

    path: Path
    starts: tuple[int, ...]
    digest: str
    origin: Origin | None = None

    @property
    def persons(self) -> int:
        return self.starts[-1]


def key_of(master: bytes) -> bytes:
    """The key under which persons are kept; it leaves no node."""
    key = marking_part(master)
    return hashlib.blake2b(b"databourse/customs-persons/1", key=key, digest_size=32).digest()


class Intake:
    """A list on its way in: `feed` its bytes, then `sorted_into` a file. The folder is the caller's."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder, self._key = folder, key
        self._stack = ExitStack()
        self._parts = [self._stack.enter_context((folder / f"{n:02x}").open("wb")) for n in range(PARTS)]
        self._rest = b""
        self._lines = 0
        self._origin: Origin | None = None

    def feed(self, piece: bytes) -> None:
        """More of the file. Raises PersonsFileRefused."""
        whole = self._rest + piece
        lines = whole.split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > (_HEAD if self._rest.startswith(b"#") else 2 * _LINE):
            raise PersonsFileRefused("a line is no hash", line=self._lines + 1)
        self._deal(lines)

    def _deal(self, lines: Sequence[bytes]) -> None:
        dealt: list[list[bytes]] = [[] for _ in range(PARTS)]
        for line in lines:
            said = line.strip()
            if not said:
                continue
            if said.startswith(b"#") and not self._lines and self._origin is None:
                self._origin = origin_of(said)
                continue
            self._lines += 1
            if len(said) != _LINE or not _HEX.issuperset(said):
                raise PersonsFileRefused("one SHA-256 a line, in 64 hex digits", line=self._lines)
            keyed = hashlib.blake2b(bytes.fromhex(said.decode()), key=self._key, digest_size=WIDTH).digest()
            dealt[keyed[0]].append(keyed)
        if self._lines > MAX_LINES:
            raise PersonsFileRefused("too many lines", limit=MAX_LINES)
        for n, keyed_lines in enumerate(dealt):
            if keyed_lines:
                self._parts[n].write(b"".join(keyed_lines))

    def sorted_into(self, path: Path) -> PersonList:
        """The distinct persons of all that was fed. Raises PersonsFileRefused of a list of nobody."""
        self._deal([self._rest])
        self.close()
        starts, digest = [0], hashlib.blake2b(key=self._key, digest_size=32)
        with path.open("wb") as out:
            for n in range(PARTS):
                part = self._folder / f"{n:02x}"
                distinct = _distinct(part.read_bytes())
                part.unlink()
                raw = distinct.tobytes()
                digest.update(raw)
                out.write(raw)
                starts.append(starts[-1] + len(distinct))
        if not starts[-1]:
            raise PersonsFileRefused("the list is empty")
        return PersonList(path, tuple(starts), digest.hexdigest(), self._origin)

    def close(self) -> None:
        self._stack.close()


def origin_of(line: bytes) -> Origin:
    """What the first line of a list says: `# salt=TEXT column=NAME`. Raises PersonsFileRefused."""
    found = _ORIGIN.fullmatch(line.decode("utf-8", "replace")) if len(line) <= _HEAD else None
    if found is None:
        raise PersonsFileRefused("the first line is a hash, or: # salt=… column=…", line=1)
    return Origin(found["salt"], found["column"])


def take_in(pieces: Iterable[bytes], folder: Path, key: bytes, *, into: Path) -> PersonList:
    """A whole list from its bytes."""
    intake = Intake(folder, key)
    try:
        for piece in pieces:
            intake.feed(piece)
        return intake.sorted_into(into)
    finally:
        intake.close()


async def take_in_stream(
    pieces: AsyncIterator[bytes], folder: Path, key: bytes, *, into: Path, run: Any
) -> PersonList:
    """`take_in` of an asynchronous stream; `run` carries the work to a thread."""
    intake = Intake(folder, key)
    try:
        async for piece in pieces:
            await run(intake.feed, piece)
        found: PersonList = await run(intake.sorted_into, into)
        return found
    finally:
        intake.close()


def count_union(lists: Sequence[PersonList]) -> int:
    """How many different persons are in all the lists together."""
    total = 0
    for first, last in _strides(lists):
        total += len(_distinct(b"".join(_part(one, first, last) for one in lists)))
    return total


def _part(one: PersonList, first: int, last: int) -> bytes:
    """Some parts of a list, open no longer than that: a group may have more lists than a process files."""
    with one.path.open("rb") as file:
        file.seek(one.starts[first] * WIDTH)
        return file.read((one.starts[last] - one.starts[first]) * WIDTH)


def _strides(lists: Sequence[PersonList]) -> Iterator[tuple[int, int]]:
    """Runs of parts whose persons fit into memory together; a part alone where it does not."""
    first, held = 0, 0
    for n in range(PARTS):
        size = sum(one.starts[n + 1] - one.starts[n] for one in lists) * WIDTH
        if n > first and held + size > _TOGETHER:
            yield first, n
            first, held = n, 0
        held += size
    yield first, PARTS


def _distinct(raw: bytes) -> Any:
    """The different records of these, sorted as bytes are: an array of them."""
    import numpy as np  # noqa: PLC0415 - a node that counts nobody never loads it

    found = np.frombuffer(raw, dtype=list(_PAIR))
    if len(found) < 2:  # noqa: PLR2004
        return found
    high, low = found["high"].astype(np.uint64), found["low"].astype(np.uint64)
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return found[order[fresh]]
