"""What an audit has before it: the bundle, the keys it may trust, the tree head, and the entries in tiles."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from base.errors import Malformed
from ledger.bundle import KEYS, MANIFEST, MANIFEST_NOTE, Bundle, Edition, Keys, ManifestNote
from ledger.checkpoint import Checkpoint, Note, VerifierKey
from ledger.errors import BundleFileBad
from ledger.tiles import ENTRIES, WIDTH, Tile, unpack_entries
from ledger.tree import leaf_hash
from supervision.audit_entry import Sealed, read_entry
from supervision.audit_keys import Keyring
from supervision.audit_report import Code, Problem, Report

Row = Mapping[str, Any]
Job = tuple[int, bytes, bytes, bytes]  # seq, raw public key, signed message, signature
_UNPINNED: Final = (
    "no key is pinned: whoever made this bundle may have made its keys too; pin the log's vkey with --vkey"
)


@dataclass(slots=True)
class Batch:
    """The entries of one tile: their bytes and leaf hashes, and what they say where that can be read.

    `jobs` are the party signatures whose keys are known. `said[i]` is None where entry i is not of the
    published form. `openings` are those that fit.
    """

    number: int
    width: int
    entries: list[bytes]
    leaves: list[bytes]
    said: list[Sealed | None] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    openings: dict[int, bytes] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The seq of the first entry."""
        return self.number * WIDTH

    @property
    def path(self) -> str:
        return Tile(ENTRIES, self.number, self.width).path


@dataclass(slots=True)
class Case:
    """One audit: the evidence, what it is held against, and the report that grows.

    `pinned` are keys the caller knows; `trusted` the keys checkpoints are verified with: the pinned
    ones, and those of `keys.json` once a manifest vouched for by a pinned key (or none is pinned).
    """

    bundle: Bundle
    pinned: tuple[VerifierKey, ...]
    last_checkpoint: bytes | None = None
    rows: Iterable[Row] | None = None
    report: Report = field(default_factory=Report)
    keyring: Keyring = field(default_factory=Keyring)
    keys: Keys | None = None
    trusted: tuple[VerifierKey, ...] = ()
    note: ManifestNote | None = None
    manifest: dict[str, str] | None = None
    head: Checkpoint | None = None
    explained: set[str] = field(default_factory=set)

    def problem(self, code: Code, why: str, *, seq: int | None = None, path: str | None = None) -> None:
        """Report a problem. An entry that is blamed explains why its tile's file is another one."""
        if code is Code.HASH and seq is not None:
            self.explained.add(self._tile(seq // WIDTH).path)
        self.report.add(Problem(code, why, seq, path))

    @property
    def origin(self) -> str:
        """The log the bundle claims to be of; a pinned key's name decides."""
        if self.pinned:
            return self.pinned[0].name
        return self.keys.origin if self.keys else self.head.origin if self.head else ""

    @property
    def size(self) -> int:
        """How many entries there should be: what a vouched manifest says, else the checkpoint."""
        return self.note.size if self.note else self.head.size if self.head else 0

    @property
    def edition(self) -> Edition | None:
        return self.note.edition if self.note else None

    def damaged(self, path: str) -> bool:
        """Whether a file that was read is not the one a vouched manifest names."""
        known = (self.manifest or {}).get(path)
        return known is not None and self.bundle.digests.get(path) != known

    def open(self) -> None:
        """Read keys, manifest and tree head as far as they can be read, and report what cannot."""
        self.keys = self._reading(self.bundle.keys)
        offered = tuple(window.vkey for window in self.keys.vkeys) if self.keys else ()
        if not self.pinned:
            self.report.warnings.append(Problem(Code.UNPINNED, _UNPINNED))
        self.trusted = self.pinned or offered
        self._open_manifest()
        if self.pinned and self.manifest and self.manifest.get(KEYS) == self.bundle.digests.get(KEYS):
            self.trusted = tuple(dict.fromkeys((*self.pinned, *offered)))
        self.head = self._reading(self.bundle.head)

    def _open_manifest(self) -> None:
        """Believe the manifest when every line of its note is a signature of a trusted key of this log."""
        read = self._reading(self.bundle.manifest_note)
        if read is None or not self.trusted:
            return
        note, said = read
        if not _all_signed(note, self.trusted) or said.origin != self.origin:
            who = "a pinned key" if self.pinned else "the log's key"
            self.problem(Code.FILE, f"not signed by {who}", path=MANIFEST_NOTE)
            return
        self.note = said
        manifest = self._reading(self.bundle.manifest)
        if self.bundle.digests.get(MANIFEST) != said.manifest_sha256:
            if manifest is not None:
                self.problem(Code.FILE, "not the manifest that was signed", path=MANIFEST)
        else:
            self.manifest = manifest

    def _reading(self, read: Any) -> Any:
        try:
            return read()
        except BundleFileBad as error:
            self.problem(Code.FILE, error.detail, path=error.path)
            return None

    def batches(self, *, deep: bool) -> Iterator[Batch]:
        """The entries, a tile at a time, until the size is reached or nothing more can be read."""
        for number, coming in enumerate(self._entry_tiles()):
            batch = Batch(number, self._tile(number).width, [], [])
            try:
                data = coming.result()
            except BundleFileBad as error:
                why = f"the entries from here on are not there: {error.detail}"
                self.problem(Code.GAP, why, seq=batch.first)
                self.problem(Code.FILE, error.detail, path=error.path)
                return
            whole = self._unpack(batch, data)
            batch.leaves = [leaf_hash(entry) for entry in batch.entries]
            if deep:
                batch.said = [self._read(seq, raw) for seq, raw in enumerate(batch.entries, batch.first)]
            self.report.entries += len(batch.entries)
            yield batch
            if not whole:
                return

    def _entry_tiles(self) -> Iterator[Future[bytes]]:
        """Each entry tile; the next one is read and hashed in a thread while this one is looked at."""
        count = (self.size + WIDTH - 1) // WIDTH
        if count == 0:
            return
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self.bundle.tile, self._tile(0))
            for number in range(1, count + 1):
                present = coming
                if number < count:
                    coming = ahead.submit(self.bundle.tile, self._tile(number))
                yield present

    def _tile(self, number: int) -> Tile:
        """The entry tile of this number at the size of this log."""
        return Tile(ENTRIES, number, min(WIDTH, self.size - number * WIDTH))

    def _unpack(self, batch: Batch, data: bytes) -> bool:
        """Cut a tile into entries; False when it does not hold exactly as many as it is wide."""
        try:
            batch.entries.extend(unpack_entries(data))  # keeps what came before a cut
        except Malformed as error:
            self.problem(Code.HASH, error.detail, seq=batch.first + len(batch.entries))
            return False
        found = len(batch.entries)
        if found < batch.width:
            self.problem(Code.GAP, "the tile ends before this entry", seq=batch.first + found)
        elif found > batch.width:
            del batch.entries[batch.width :]
            self.problem(Code.FILE, "more entries than the tile is wide", path=batch.path)
        return found == batch.width

    def _read(self, seq: int, raw: bytes) -> Sealed | None:
        try:
            return read_entry(raw)
        except Malformed as error:
            self.problem(Code.HASH, error.detail, seq=seq)
            return None


Check = Generator[None, Batch | None, None]


def _all_signed(note: Note, keys: Iterable[VerifierKey]) -> bool:
    """Whether there is a signature and no line that is not one: a changed line would hide as unknown."""
    try:
        return len(note.verify(keys)) == len(note.signatures)
    except Malformed:
        return False
