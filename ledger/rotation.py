"""The log's own keys through time, as its entries tell them: pure, for the node and for its auditors.

Entry 0 names the first checkpoint key. `LOG.ROTATE` brings a further one, and carries a note that the
old and the new key have both signed: whoever trusts the old one follows it to the new. From then on both
sign, until `LOG.RETIRE` ends the old one. `LOG.CLOSE` is the last entry of a log; the log that goes on
after it names its last checkpoint in its own entry 0 (`docs/ledger.md`, "The log's own keys").

A key's window counts tree sizes: it signs the checkpoints of the trees that hold its rotation, up to the
last tree that does not hold its retirement.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from ledger.bundle import KeyWindow
from ledger.checkpoint import (
    ED25519,
    MAX_SIZE,
    UNLISTED,
    Checkpoint,
    Note,
    NoteSigner,
    VerifierKey,
    sign_note,
)
from ledger.errors import NoteInvalid
from ledger.suites import can_verify

GENESIS: Final = "LOG.GENESIS"
ROTATE: Final = "LOG.ROTATE"
RETIRE: Final = "LOG.RETIRE"
CLOSE: Final = "LOG.CLOSE"
EVENTS: Final = frozenset({GENESIS, ROTATE, RETIRE, CLOSE})
_SIGNATURES: Final = 2
_KINDS: Final = frozenset({ED25519, UNLISTED})


def rotation_text(old: VerifierKey, new: VerifierKey) -> str:
    """What both keys sign: `<origin>/rotate` (or `/successor`, into another log), the old vkey, the new.

    Its second line is no number, so it can never be read as a checkpoint of a log of that name.
    """
    kind = "rotate" if old.name == new.name else "successor"
    return f"{old.name}/{kind}\n{old}\n{new}\n"


def sign_rotation(old: NoteSigner, new: NoteSigner) -> str:
    """The signed note by which an old key vouches for a new one, which proves that it is held."""
    return sign_note(rotation_text(old.vkey, new.vkey), old, new).decode()


def open_rotation(note: str, old: VerifierKey) -> VerifierKey:
    """The new key that a trusted old one vouches for.

    Raises NoteInvalid unless the note is signed by both, by nobody else, and names both.
    """
    read = Note.parse(note.encode())
    lines = read.text.split("\n")
    if len(lines) != 4 or lines[1] != str(old):  # noqa: PLR2004 - three lines, each with its end
        raise NoteInvalid("not a rotation of this key", vkey=str(old))
    new = VerifierKey.parse(lines[2])
    if old.kind != ED25519 or new.public == old.public or read.text != rotation_text(old, new):
        raise NoteInvalid("not the text of a rotation")
    if not can_verify(new.public):
        raise NoteInvalid("a rotation to an SM2 key, and gmssl-pyx is not installed here")
    signed = {found.key for found in read.verify([old, new])}
    if signed != {old, new} or len(read.signatures) != _SIGNATURES:
        raise NoteInvalid("a rotation is signed by the old key and by the new one, and by no other")
    return new


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The last checkpoint of the log before this one: origin, size, root in hex, SHA-256 of its text.

    The text is what the log signed, without the signature lines: they may grow, as witnesses cosign.
    """

    origin: str
    size: int
    root: str
    note_sha256: str

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Predecessor":
        """What entry 0 of the next log says of this last checkpoint."""
        text = checkpoint.text().encode()
        return cls(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), sha256(text).hexdigest())

    def document(self) -> dict[str, Any]:
        return {
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "note_sha256": self.note_sha256,
        }

    @classmethod
    def read(cls, document: object) -> "Predecessor | None":
        """The member `previous` of a genesis; None where it is not of its form."""
        if type(document) is not dict:
            return None
        try:
            found = cls(**document)
            checkpoint = Checkpoint(found.origin, found.size, bytes.fromhex(found.root))
            fits = type(found.size) is int and 0 < found.size <= MAX_SIZE and cls.of(checkpoint) == found
        except (TypeError, ValueError, AttributeError, NoteInvalid):
            return None
        return found if fits else None


@dataclass(slots=True)
class LogKeys:
    """The log's keys by window, and where it was closed, after the entries told so far, in their order.

    `vouched` are the rotations: an old key and the new one it vouched for.
    """

    origin: str = ""
    windows: list[KeyWindow] = field(default_factory=list)
    vouched: list[tuple[VerifierKey, VerifierKey]] = field(default_factory=list)
    closed_seq: int | None = None
    successor: VerifierKey | None = None
    previous: Predecessor | None = None

    def tell(self, seq: int, event: str, said: Mapping[str, Any]) -> Iterator[str]:
        """Take in a `LOG.*` statement; yields why it cannot be, and then changes nothing."""
        try:
            if event == GENESIS:
                self._begin(seq, said)
            elif event == ROTATE:
                self._rotate(seq, said)
            elif event == RETIRE:
                self._retire(seq, said)
            elif event == CLOSE:
                self._close(seq, said)
        except NoteInvalid as error:
            yield error.detail

    def at(self, size: int) -> list[VerifierKey]:
        """The keys that sign a checkpoint of this size, the newest Ed25519 key first."""
        return keys_at(self.windows, size)

    def led_to(self, known: Iterable[VerifierKey]) -> list[VerifierKey]:
        """The known keys, and those that they lead to, rotation by rotation."""
        found = list(known)
        for old, new in self.vouched:
            if old in found and new not in found:
                found.append(new)
        return found

    @property
    def present(self) -> VerifierKey | None:
        """The key to pin: the newest Ed25519 key that still signs."""
        live = [window.vkey for window in self.windows if window.to_size is None]
        return next((key for key in reversed(live) if key.kind == ED25519), None)

    def _begin(self, seq: int, said: Mapping[str, Any]) -> None:
        key = _vkey(said, "vkey")
        if seq != 0 or self.windows or key.kind != ED25519 or key.name != said.get("origin"):
            raise NoteInvalid("entry 0 names the log's first checkpoint key, an Ed25519 key of its origin")
        if "previous" in said:
            self.previous = Predecessor.read(said["previous"])
            if self.previous is None or self.previous.origin == key.name:
                raise NoteInvalid("entry 0 names no checkpoint of an earlier log")
        self.origin = key.name
        self.windows.append(KeyWindow(key))

    def _rotate(self, seq: int, said: Mapping[str, Any]) -> None:
        old = self._signing(_vkey(said, "old_vkey"))
        new = open_rotation(_text(said, "note"), old.vkey)
        if str(new) != said.get("vkey") or new.name != self.origin or new.kind not in _KINDS:
            raise NoteInvalid("the rotation names another key than its note, or one of another log")
        if any(window.vkey.public == new.public for window in self.windows):
            raise NoteInvalid("a key of the log does not come back")
        self.windows.append(KeyWindow(new, from_size=seq + 1))
        self.vouched.append((old.vkey, new))

    def _retire(self, seq: int, said: Mapping[str, Any]) -> None:
        old = self._signing(_vkey(said, "vkey"))
        rest = [window for window in self.windows if window.to_size is None and window is not old]
        if not any(window.vkey.kind == ED25519 for window in rest):
            raise NoteInvalid("the last Ed25519 key of a log is not retired")
        self.windows[self.windows.index(old)] = replace(old, to_size=seq)

    def _close(self, seq: int, said: Mapping[str, Any]) -> None:
        if "successor" in said:
            old = self._signing(_vkey(said, "vkey"))
            successor = open_rotation(_text(said, "note"), old.vkey)
            if str(successor) != said["successor"] or successor.name == self.origin:
                raise NoteInvalid("the log's end names another successor than its note")
            self.successor = successor
        self.closed_seq = seq

    def _signing(self, vkey: VerifierKey) -> KeyWindow:
        for window in self.windows:
            if window.vkey == vkey and window.to_size is None:
                return window
        raise NoteInvalid("not a key that signs this log's checkpoints now")


def keys_at(windows: Sequence[KeyWindow], size: int) -> list[VerifierKey]:
    """The keys whose windows hold this tree size, the newest Ed25519 key first."""
    held = [w.vkey for w in windows if w.from_size <= size and (w.to_size is None or size <= w.to_size)]
    held.reverse()
    return sorted(held, key=lambda key: key.kind != ED25519)


def _vkey(said: Mapping[str, Any], member: str) -> VerifierKey:
    return VerifierKey.parse(_text(said, member))


def _text(said: Mapping[str, Any], member: str) -> str:
    value = said.get(member)
    if not isinstance(value, str):
        raise NoteInvalid(f"{member} is not there")
    return value
