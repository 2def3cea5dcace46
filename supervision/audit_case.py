"""What an audit has before it: the evidence, the keys it may trust, the tree head, and what it remembers."""

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Protocol

from base.errors import Malformed
from ledger.bundle import KEYS, MANIFEST, MANIFEST_NOTE, Bundle, Edition, Keys, KeyWindow, ManifestNote
from ledger.checkpoint import Checkpoint, Note, VerifierKey
from ledger.errors import BundleFileBad
from ledger.statement import NO_PREVIOUS
from ledger.suites import can_verify
from ledger.tiles import ENTRIES, WIDTH, Growth, Tile, unpack_entries
from ledger.witness_policy import Policy
from supervision.audit_entry import Sealed, read_entry
from supervision.audit_keys import SIGN, Keyring
from supervision.audit_log_keys import follow
from supervision.audit_report import Code, Problem, Report
from supervision.audit_shelf import Absences, Shelf
from supervision.audit_tile import Batch

Row = Mapping[str, Any]
Progress = Callable[[int, int], None]
_OF_KEYS: Final = ("KEY.", "LOG.")
_UNPINNED: Final = (
    "no key is pinned: whoever made this bundle may have made its keys too; pin the log's vkey with --vkey"
)


class Before(Protocol):
    """An earlier audit of this log, up to `size` entries (`audit_state.Earlier`)."""

    @property
    def size(self) -> int: ...

    def marks(self) -> Iterator["array[int]"]: ...

    def files(self) -> dict[str, tuple[str, bytes | None]]: ...


@dataclass(slots=True)
class Memory:
    """What the entries read so far leave behind for those that follow.

    `previous` is the hex leaf hash before the next entry, `before` the time it was sealed at. `known` are
    the parties' public keys in the order they came, `keys` the same by keyid. `marks` are 8 bytes of the
    SHA-256 of each statement, `key_said` the statements about keys (`audit_state.told`). The log `goes_on`
    from another one that was not audited, in which trades may have begun. `trades` and `absences` that
    are `lent` go on from an earlier log's audit, and are not this one's to close. `voices` are keys that
    speak for whom, in which role, as they were found to since the last statement about keys.
    """

    previous: bytes = NO_PREVIOUS.encode()
    before: bytes = b""
    growth: Growth = field(default_factory=Growth)
    keyring: Keyring = field(default_factory=Keyring)
    known: list[tuple[str, bytes]] = field(default_factory=list)
    keys: dict[str, bytes] = field(default_factory=dict)
    marks: "array[int]" = field(default_factory=lambda: array("Q"))
    key_said: list[tuple[int, bytes]] = field(default_factory=list)
    goes_on: bool = False
    lent: bool = False
    voices: set[tuple[str, str, str]] = field(default_factory=set)
    trades: Shelf = field(default_factory=Shelf)
    absences: Absences = field(default_factory=Absences)

    def close(self) -> None:
        """Let go of what lies on disk."""
        if not self.lent:
            self.trades.close()
            self.absences.close()

    def heard(self, said: Sealed) -> bool:
        """Whether this key was found to speak for this organisation, in this role, since keys changed."""
        return len(said.signatures) == 1 and self._voice(said) in self.voices

    def hear(self, said: Sealed) -> None:
        """Remember a key that could say this, until a statement about keys comes."""
        voice = self._voice(said)
        if voice is not None and len(said.signatures) == 1 and said.event != SIGN:
            self.voices.add(voice)

    def _voice(self, said: Sealed) -> tuple[str, str, str] | None:
        predicate = said.predicate
        actor, role = predicate.get("actor"), predicate.get("role")
        if type(actor) is not str or type(role) is not str or said.event.startswith(_OF_KEYS):
            return None
        return said.signatures[0].keyid, actor, role

    def learn(self, keyid: str, public: bytes) -> None:
        """A key is registered: from the next tile on its signatures are verified with the tile.

        Not one of a suite that cannot be verified here: its signatures stay apart, and are reported.
        """
        if keyid not in self.keys and can_verify(public):
            self.keys[keyid] = public
            self.known.append((keyid, public))


@dataclass(slots=True)
class Case:
    """One audit: the evidence, what it is held against, and the report that grows.

    `pinned` are keys the caller knows; `led` those and the keys that rotations in the log lead to from
    them; `trusted` the keys checkpoints are verified with: these, and those of `keys.json` once a manifest
    is vouched for by one of them (or none is pinned). The `policy` says who must have cosigned the head.
    """

    bundle: Bundle
    pinned: tuple[VerifierKey, ...]
    last_checkpoint: bytes | None = None
    rows: Iterable[Row] | None = None
    policy: Policy | None = None
    report: Report = field(default_factory=Report)
    memory: Memory = field(default_factory=Memory)
    progress: Progress | None = None
    keys: Keys | None = None
    trusted: tuple[VerifierKey, ...] = ()
    led: tuple[VerifierKey, ...] = ()
    note: ManifestNote | None = None
    manifest: dict[str, str] | None = None
    head: Checkpoint | None = None
    explained: set[str] = field(default_factory=set)
    seen: list[Checkpoint] = field(default_factory=list)
    anchored: dict[int, str] = field(default_factory=dict)
    opened: dict[int, bytes] = field(default_factory=dict)
    reopened: set[str] = field(default_factory=set)
    earlier: "Before | None" = None
    only_new: bool = False

    def problem(self, code: Code, why: str, *, seq: int | None = None, path: str | None = None) -> None:
        """Report a problem. An entry that is blamed explains why its tile's file is another one."""
        self.found(Problem(code, why, seq, path))

    def found(self, problem: Problem) -> None:
        """Report a problem that a tile was found to have; see `problem`."""
        if problem.code is Code.HASH and problem.seq is not None:
            self.explained.add(self.entry_tile(problem.seq // WIDTH).path)
        self.report.add(problem)

    @property
    def torn(self) -> bool:
        """Whether entries are missing or unreadable, so that a step may be among them."""
        return bool(self.report.counts[Code.HASH] or self.report.counts[Code.GAP])

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
        if self.bundle.plain:
            self.head = self._reading(self.bundle.head)
            self.trusted = self.pinned or (self._genesis_keys() if self.head and self.head.size else ())
            if not self.pinned:
                self.report.warnings.append(Problem(Code.UNPINNED, _UNPINNED))
            return
        self.keys = self._reading(self.bundle.keys)
        offered = tuple(window.vkey for window in self.keys.vkeys) if self.keys else ()
        if not self.pinned:
            self.report.warnings.append(Problem(Code.UNPINNED, _UNPINNED))
        if self.pinned and self.keys:
            self.led = follow(self.pinned, self.keys.vkeys, self.entry)
        self.trusted = self.led or self.pinned or offered
        self._open_manifest()
        if self.pinned and self.manifest and self.manifest.get(KEYS) == self.bundle.digests.get(KEYS):
            self.trusted = tuple(dict.fromkeys((*self.trusted, *offered)))
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

    def _genesis_keys(self) -> tuple[VerifierKey, ...]:
        """The key that the log's first entry names: all there is where tiles come without a list of keys."""
        try:
            first = next(unpack_entries(self.bundle.tile(self.entry_tile(0))))
            return (VerifierKey.parse(read_entry(first).text("vkey") or ""),)
        except (BundleFileBad, Malformed, StopIteration):
            return ()

    def entry(self, seq: int) -> bytes:
        """One entry's bytes. Raises Malformed where it cannot be read."""
        head = self.bundle.head()
        if not 0 <= seq < head.size:
            raise Malformed("no entry of this log", seq=seq)
        tile = Tile(ENTRIES, seq // WIDTH, min(WIDTH, head.size - seq // WIDTH * WIDTH))
        for entry in islice(unpack_entries(self.bundle.tile(tile)), seq % WIDTH, None):
            return entry
        raise Malformed("the tile ends before this entry", seq=seq)

    @property
    def windows(self) -> tuple[KeyWindow, ...]:
        """The windows of the log's keys as the bundle gives them; none for a folder of tiles."""
        return self.keys.vkeys if self.keys else ()

    def entry_tile(self, number: int) -> Tile:
        """The entry tile of this number at the size of this log."""
        return Tile(ENTRIES, number, min(WIDTH, self.size - number * WIDTH))


Check = Generator[None, Batch | None, None]


def _all_signed(note: Note, keys: Iterable[VerifierKey]) -> bool:
    """Whether there is a signature and no line that is not one: a changed line would hide as unknown."""
    try:
        return len(note.verify(keys)) == len(note.signatures)
    except Malformed:
        return False
