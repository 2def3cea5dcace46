"""Signed tree heads: C2SP signed-note, tlog-checkpoint, tlog-cosignature (Ed25519) and tlog-proof.

A note is text and signature lines; a checkpoint is a note whose text is origin, size and root; a
receipt is an index, an audit path and a checkpoint. Keys are arguments, never fetched by what
verifies. Base64 is accepted only as it would be written, so that no other byte string is the same note.

A line of type 0xff, which signed-note leaves to others, carries an SM2 signature beside the Ed25519 one;
who does not know it passes it over (`docs/ledger.md`, "SM2 on checkpoints").
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from base.errors import Malformed
from base.signing import SigningKey
from ledger.errors import NoteInvalid
from ledger.suites import ED25519_SHA256, SM2_SM3, PrivateKey, can_verify, signature_holds
from ledger.tree import HASH_BYTES, leaf_hash, verify_inclusion

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
UNLISTED: Final = 0xFF
# signed-note: 0xff is to be followed by a longer identifier of the kind of signature.
SM2_TYPE: Final = b"urn:databourse:note:sm2-sm3:v1"
MAX_NOTE_BYTES: Final = 262_144
MAX_SIGNATURES: Final = 100
MAX_SIZE: Final = 2**63 - 1
_KEY_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_DASH: Final = "\N{EM DASH} "
_HEAD_LINES: Final = 3
_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
_MAX_PATH: Final = 63
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A vkey: who signs, with which kind of signature, and the raw public key.

    The key has 32 bytes (Ed25519), or 65 where the kind is 0xff (SM2).
    """

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """Four bytes of SHA-256 over name, newline, kind and key (signed-note, "Signatures")."""
        return sha256(self.name.encode() + b"\n" + self._material).digest()[:_KEY_ID_BYTES]

    @property
    def _material(self) -> bytes:
        return bytes([self.kind]) + (SM2_TYPE if self.kind == UNLISTED else b"") + self.public

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64(self._material)}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read `name+hex+base64`. Raises NoteInvalid on any deviation, an unknown kind or a weak key."""
        parts = text.split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - the three parts of the format
            raise NoteInvalid("a verifier key is name+hash+key")
        name, key_id, encoded = parts
        material = _unbase64(encoded)
        kind, public = material[:1], material[1:]
        suite = ED25519_SHA256
        if kind == bytes([UNLISTED]) and public.startswith(SM2_TYPE):
            suite, public = SM2_SM3, public.removeprefix(SM2_TYPE)
        elif kind not in {bytes([ED25519]), bytes([COSIGNATURE])}:
            raise NoteInvalid("not a verifier key of a known kind", name=name)
        try:
            suite.check(public)
        except Malformed as error:
            raise NoteInvalid(error.detail, name=name) from None
        key = cls(_key_name(name), public, kind[0])
        if key.key_id.hex() != key_id:
            raise NoteInvalid("the hash of a verifier key does not fit its name and key", name=name)
        return key


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A key and the name it signs notes under."""

    name: str
    key: PrivateKey

    @property
    def vkey(self) -> VerifierKey:
        kind = ED25519 if self.key.suite == ED25519_SHA256.name else UNLISTED
        return VerifierKey(_key_name(self.name), self.key.public, kind)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the key's name and id, and what follows the id."""

    name: str
    key_id: bytes
    sig: bytes

    @property
    def place(self) -> tuple[str, bytes]:
        return self.name, self.key_id

    def line(self) -> str:
        return f"{_DASH}{self.name} {b64(self.key_id + self.sig)}\n"


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's key and name. What it signs does not say the name: one key, one name (tlog-cosignature)."""

    name: str
    key: SigningKey

    @property
    def vkey(self) -> VerifierKey:
        return VerifierKey(_key_name(self.name), self.key.public, COSIGNATURE)

    def cosign(self, text: str, at_s: int) -> NoteSignature:
        """The cosignature/v1 of a checkpoint's text at a POSIX time; its `line()` goes under the note."""
        sig = self.key.sign(_cosigned(text.encode(), at_s))
        return NoteSignature(self.name, self.vkey.key_id, at_s.to_bytes(_TIME_BYTES) + sig)


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds: whose, and for a cosignature the witness's time in POSIX seconds."""

    key: VerifierKey
    at_s: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note, read but not yet verified: believe nothing of it before `verify`."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Read a note of at most 256 KiB and 100 signatures. Raises NoteInvalid."""
        if len(data) > MAX_NOTE_BYTES:
            raise NoteInvalid("the note is too long", bytes=len(data), limit=MAX_NOTE_BYTES)
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            raise NoteInvalid("a note is UTF-8") from None
        if any(char < " " and char != "\n" for char in whole):
            raise NoteInvalid("a note has no control characters but newlines")
        text, blank, tail = whole.rpartition("\n\n")
        lines = tail.split("\n")
        if not blank or lines.pop() or not lines or len(lines) > MAX_SIGNATURES:
            raise NoteInvalid("a note is text, an empty line and signature lines")
        return cls(text + "\n", tuple(_parse_line(line) for line in lines))

    def only(self, keys: Iterable[VerifierKey]) -> "Note":
        """The note with the first signature line of each of these keys alone, whether it holds or not."""
        known = {(key.name, key.key_id) for key in keys}
        return Note(self.text, tuple(one for one in self.sound(()).signatures if one.place in known))

    def sound(self, keys: Iterable[VerifierKey]) -> "Note":
        """The note with one signature line of each name and key id, and of these keys only such as hold."""
        known = {(key.name, key.key_id): key for key in keys}
        kept: dict[tuple[str, bytes], NoteSignature] = {}
        for one in self.signatures:
            if one.place not in kept:
                with suppress(NoteInvalid):
                    if one.place in known:
                        self._verified(known[one.place], one.sig)
                    kept[one.place] = one
        return Note(self.text, tuple(kept.values()))

    def __bytes__(self) -> bytes:
        return (self.text + "\n" + "".join(one.line() for one in self.signatures)).encode()

    def verify(self, keys: Iterable[VerifierKey]) -> list[Verified]:
        """The signatures of known keys, all of which hold; unknown keys are passed over.

        So are SM2 signatures on a machine that cannot check them.

        Raises NoteInvalid when a known key's signature does not hold, or when there is none.
        """
        known = {(key.name, key.key_id): key for key in keys}
        found = []
        for signature in self.signatures:
            key = known.get(signature.place)
            if key is not None and can_verify(key.public):
                found.append(self._verified(key, signature.sig))
        if not found:
            raise NoteInvalid("the note is not signed by a known key")
        return found

    def _verified(self, key: VerifierKey, sig: bytes) -> Verified:
        message, at_s = self.text.encode(), None
        if key.kind == COSIGNATURE:
            at_s = int.from_bytes(sig[:_TIME_BYTES])
            message, sig = _cosigned(message, at_s), sig[_TIME_BYTES:]
        if not signature_holds(key.public, message, sig) or (at_s or 0) > MAX_SIZE:
            raise NoteInvalid("a signature of a known key does not hold", name=key.name)
        return Verified(key, at_s)


def kept_note(text: str) -> Note | None:
    """A note of another log as it was kept; None where nobody can read it."""
    try:
        return Note.parse(text.encode())
    except NoteInvalid:
        return None


def sign_note(text: str, *signers: NoteSigner) -> bytes:
    """Sign text that ends in a newline, one line for each signer. Raises NoteInvalid."""
    message = text.encode()
    lines = [NoteSignature(s.name, s.vkey.key_id, s.key.sign(message)).line() for s in signers]
    data = (text + "\n" + "".join(lines)).encode()
    if not text.endswith("\n") or Note.parse(data).text != text:
        raise NoteInvalid("not the text of a note")
    return data


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: whose tree, how many leaves, and their root. Extension lines are not audited."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note text of tlog-checkpoint. Raises NoteInvalid for values that would not read back."""
        lines = [self.origin, str(self.size), b64(self.root), *self.extensions]
        text = "".join(f"{line}\n" for line in lines)
        if Checkpoint.parse(text) != self:
            raise NoteInvalid("not a checkpoint", origin=self.origin, size=self.size)
        return text

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the text of a checkpoint. Raises NoteInvalid on any deviation."""
        lines = text.split("\n")
        if lines.pop() or len(lines) < _HEAD_LINES or not all(lines):
            raise NoteInvalid("a checkpoint is origin, size and root on three lines")
        root = _unbase64(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteInvalid("the root is not a SHA-256 hash")
        return cls(lines[0], _decimal(lines[1]), root, tuple(lines[_HEAD_LINES:]))


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint whose log signature holds, with the cosignatures of known witnesses."""

    checkpoint: Checkpoint
    signed_by: tuple[VerifierKey, ...]
    cosigned: tuple[Verified, ...]


def sign_checkpoint(checkpoint: Checkpoint, *signers: NoteSigner) -> bytes:
    """The signed note of a checkpoint. The signers' names are the origin (tlog-checkpoint: SHOULD)."""
    return sign_note(checkpoint.text(), *signers)


def open_checkpoint(
    data: bytes, keys: Iterable[VerifierKey], *, origin: str | None = None
) -> OpenedCheckpoint:
    """Read and verify a checkpoint. `keys` are log keys and, optionally, witness keys.

    At least one log key must sign it: an Ed25519 key (0x01) whose name is the checkpoint's origin, and
    `origin` if given. Raises NoteInvalid otherwise, and when any known key's signature does not hold.
    """
    note = Note.parse(data)
    checkpoint = Checkpoint.parse(note.text)
    if origin is not None and checkpoint.origin != origin:
        raise NoteInvalid("a checkpoint of another log", origin=checkpoint.origin, expected=origin)
    fitting = [key for key in keys if key.kind == COSIGNATURE or key.name == checkpoint.origin]
    verified = note.verify(fitting)
    signed_by = tuple(found.key for found in verified if found.key.kind == ED25519)
    if not signed_by:
        raise NoteInvalid("the checkpoint is not signed by a known key of its log", origin=checkpoint.origin)
    return OpenedCheckpoint(
        checkpoint, signed_by, tuple(found for found in verified if found.at_s is not None)
    )


@dataclass(frozen=True, slots=True)
class Receipt:
    """A `.tlog-proof`: where the entry stands, its audit path, and the checkpoint note it leads to."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def text(self) -> bytes:
        """The bytes of C2SP tlog-proof v1. `extra` is not authenticated by anything."""
        lines = [_PROOF_HEADER]
        if self.extra is not None:
            lines.append(f"extra {b64(self.extra)}")
        lines += [f"index {self.index}", *(b64(value) for value in self.path), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "Receipt":
        """Read a receipt of at most 256 KiB. Raises NoteInvalid on any deviation."""
        head, blank, checkpoint = data.partition(b"\n\n")
        if len(data) > MAX_NOTE_BYTES or not blank or not head.isascii():
            raise NoteInvalid("a receipt is a proof, an empty line and a checkpoint")
        lines = head.decode().split("\n")
        if lines.pop(0) != _PROOF_HEADER:
            raise NoteInvalid("not a tlog-proof of version 1")
        extra = _unbase64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index "):
            raise NoteInvalid("a receipt names the index of its entry")
        index = _decimal(lines.pop(0)[6:])
        path = tuple(_unbase64(line) for line in lines)
        if len(path) > _MAX_PATH or any(len(value) != HASH_BYTES for value in path):
            raise NoteInvalid("the path of a receipt is at most 63 SHA-256 hashes")
        return cls(index, path, checkpoint, extra)


def verify_receipt(
    data: bytes, entry: bytes, keys: Iterable[VerifierKey], *, origin: str | None = None
) -> OpenedCheckpoint:
    """Verify offline that these exact entry bytes stand in the log, and return the tree head.

    Raises NoteInvalid for the receipt or its checkpoint, ProofInvalid when the path does not hold.
    """
    receipt = Receipt.parse(data)
    opened = open_checkpoint(receipt.checkpoint, keys, origin=origin)
    head = opened.checkpoint
    verify_inclusion(receipt.index, head.size, leaf_hash(entry), receipt.path, head.root)
    return opened


def _cosigned(message: bytes, at_s: int) -> bytes:
    """What a cosignature signs (tlog-cosignature, "Ed25519 signed message")."""
    return b"cosignature/v1\ntime %d\n" % at_s + message


def origin_hash(origin: str) -> str:
    """A log's place at a witness (tlog-witness, monitor retrieval): SHA-256 of its origin in hex."""
    return sha256(origin.encode()).hexdigest()


def parse_hash(text: str) -> bytes:
    """A SHA-256 hash in base64, as proofs carry them. Raises NoteInvalid."""
    value = _unbase64(text)
    if len(value) != HASH_BYTES:
        raise NoteInvalid("not a SHA-256 hash")
    return value


def _parse_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    blob = _unbase64(encoded)
    if not line.startswith(_DASH) or not space or len(blob) <= _KEY_ID_BYTES:
        raise NoteInvalid("not a signature line")
    return NoteSignature(_key_name(name), blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])


def _key_name(name: str) -> str:
    if not name or any(char.isspace() or char == "+" or char < " " for char in name):
        raise NoteInvalid("a key name is not empty and has no space and no plus")
    if any("\ud800" <= char <= "\udfff" for char in name):  # of an argument that was not UTF-8
        raise NoteInvalid("a key name is UTF-8")
    return name


def _decimal(text: str) -> int:
    if _DECIMAL.fullmatch(text) is None or int(text) > MAX_SIZE:
        raise NoteInvalid("not a decimal number without leading zeroes")
    return int(text)


def b64(data: bytes) -> str:
    """Base64 as these formats write it."""
    return b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (ValueError, Base64Error):
        raise NoteInvalid("not base64") from None
    if b64(data) != text:
        raise NoteInvalid("base64 in another spelling than the standard one")
    return data
