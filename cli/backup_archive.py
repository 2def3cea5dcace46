"""The form of a backup: one age v1 file with a tar inside, whose last two members say what the others are.

    keys/NAME              the node's keys
    files/XX/ID            sealed files, as they rest
    database.sqlite        the database (SQLite), or
    tables/NAME            each of its tables, as COPY writes it (PostgreSQL)
    manifest.json          form, origin, log, schema, and the SHA-256 and length of every member above
    manifest.note          a signed note of the log's key over the manifest

It is written and read as a stream: `age -d -i IDENTITY BACKUP | tar x` opens it as well. age proves each
chunk and the end; the note proves who made it. What a stranger may have written is read here, so names are
taken from a short list of forms and nothing else, links and folders are refused, and no member is longer than
it says.
"""

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, ClassVar, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from base.age import (
    CHUNK_BYTES,
    FILE_KEY_BYTES,
    MAX_HEADER_BYTES,
    NONCE_BYTES,
    SEALED_BYTES,
    Identity,
    Payload,
    file_key_of,
    header_for,
)
from base.canonical import canonical
from base.errors import DomainError
from base.homes import create_private
from ledger.checkpoint import Note, NoteSigner, VerifierKey, sign_note
from ledger.errors import NoteInvalid

FORM: Final = "databourse-backup/1"
MANIFEST: Final = "manifest.json"
NOTE: Final = "manifest.note"
SQLITE: Final = "database.sqlite"
TABLES: Final = "tables/"
KEYS: Final = "keys/"
FILES: Final = "files/"
MAX_MANIFEST_BYTES: Final = 64 * 2**20
_MAX_NOTE_BYTES: Final = 16 * 1024
_PIECE: Final = 2**20
_MAC_END: Final = re.compile(rb"\n--- [A-Za-z0-9+/]{43}\n")
_NAME: Final = re.compile(
    r"database\.sqlite|tables/[a-z_][a-z0-9_]{0,62}|keys/[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
    r"|files/[0-9A-Za-z]{2}/fil_[0-9A-Za-z]{26}|manifest\.json|manifest\.note",
    re.ASCII,
)
_SHA256: Final = r"^[0-9a-f]{64}$"


class BackupBad(DomainError):
    """A backup that was changed or cut, or is none; nothing of it is used."""

    code: ClassVar[str] = "backup-bad"
    title = "This is no whole backup"


class Member(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(extra="forbid", strict=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=_SHA256)


class Manifest(BaseModel):
    """What a backup holds. `size` and `root` are the log's tree in its database; `schema` the migration."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    form: str = Field(pattern=f"^{FORM}$")
    backup_id: str = Field(pattern="^bak_[0-9A-Za-z]{26}$")
    origin: str = Field(max_length=200)
    made_at: str = Field(max_length=40)
    database: str = Field(pattern="^(sqlite|postgresql)$")
    schema_step: str = Field(pattern="^[0-9a-z_]{1,40}$")
    size: int = Field(ge=0)
    root: str = Field(pattern=_SHA256)
    files: str = Field(pattern="^(here|elsewhere)$")
    tables: dict[str, list[str]] = Field(default_factory=dict)
    sequences: dict[str, int] = Field(default_factory=dict)
    members: dict[str, Member]

    def text(self) -> bytes:
        return canonical(self.model_dump())


def note_text(origin: str, manifest: bytes) -> str:
    """What the log's key signs: `<origin>/backup` and the manifest's digest."""
    return f"{origin}/backup\n{hashlib.sha256(manifest).hexdigest()}\n"


class BackupWriter:
    """Writes one backup, member by member, to a new private file; `finish` adds the manifest and its note."""

    def __init__(self, path: Path, recipient: str) -> None:
        """Raises Malformed for what is no age recipient, FileExistsError."""
        file_key = os.urandom(FILE_KEY_BYTES)
        header = header_for(file_key, recipient)
        self._file = create_private(path)
        self._file.write(header)
        self._sealing = _Sealing(self._file, file_key)
        self._tar = tarfile.open(fileobj=self._sealing, mode="w|", format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115 - closed by finish
        self.members: dict[str, Member] = {}

    def add(self, name: str, source: BinaryIO, size: int) -> None:
        """A member of a known length. Raises BackupBad where it is shorter by now."""
        assert _NAME.fullmatch(name), name
        digesting = _Digesting(source)
        try:
            self._tar.addfile(_entry(name, size), digesting)
        except OSError as error:
            raise BackupBad("a file became shorter while it was read", name=name) from error
        self.members[name] = Member(bytes=size, sha256=digesting.digest.hexdigest())

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as source:
            self.add(name, source, os.fstat(source.fileno()).st_size)

    def finish(self, manifest: Manifest, signer: NoteSigner) -> str:
        """Write the manifest, and flush all to the disk; answers the manifest's SHA-256."""
        text = manifest.text()
        for name, raw in ((MANIFEST, text), (NOTE, sign_note(note_text(manifest.origin, text), signer))):
            self._tar.addfile(_entry(name, len(raw)), io.BytesIO(raw))
        self._tar.close()
        self._sealing.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return hashlib.sha256(text).hexdigest()

    def discard(self) -> None:
        self._file.close()


class _Digesting:
    """Reads through, and knows the digest of what was read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self.digest = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        raw = self._source.read(size)
        self.digest.update(raw)
        return raw


class _Sealing:
    """Plaintext in, age chunks out. The last chunk is known to be the last at the end alone."""

    def __init__(self, file: BinaryIO, file_key: bytes) -> None:
        nonce = os.urandom(NONCE_BYTES)
        file.write(nonce)
        self._file, self._payload = file, Payload(file_key, nonce)
        self._held, self._number = bytearray(), 0

    def write(self, raw: bytes) -> int:
        self._held += raw
        while len(self._held) > CHUNK_BYTES:
            self._seal(final=False)
        return len(raw)

    def _seal(self, *, final: bool) -> None:
        self._file.write(self._payload.seal(self._number, bytes(self._held[:CHUNK_BYTES]), final=final))
        del self._held[:CHUNK_BYTES]
        self._number += 1

    def close(self) -> None:
        self._seal(final=True)


class _Opening(io.RawIOBase):
    """The plaintext of an age file, as a stream. Raises KeyDoesNotOpen at a chunk that does not hold."""

    def __init__(self, file: BinaryIO, identity: Identity) -> None:
        head = file.read(MAX_HEADER_BYTES)
        end = _MAC_END.search(head)
        if end is None:
            raise BackupBad("not an age file")
        file.seek(end.end())
        key, nonce = file_key_of(head[: end.end()], identity), file.read(NONCE_BYTES)
        self._file, self._payload = file, Payload(key, nonce)
        self._next, self._plain, self._number = file.read(SEALED_BYTES), memoryview(b""), 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        out = bytearray()
        while (size < 0 or len(out) < size) and self._more():
            piece = self._plain if size < 0 else self._plain[: size - len(out)]
            out += piece
            self._plain = self._plain[len(piece) :]
        return bytes(out)

    def _more(self) -> bool:
        if not self._plain and not self._ended:
            sealed, self._next = self._next, self._file.read(SEALED_BYTES)
            self._ended = not self._next
            self._plain = memoryview(self._payload.open(self._number, sealed, final=self._ended))
            self._number += 1
        return bool(self._plain)


def unpack(path: Path, identity: Identity, into: Path) -> tuple[Manifest, Note]:
    """Write every member below an empty folder, each proved by the manifest; answers that and its note.

    Raises BackupBad, KeyDoesNotOpen, OSError. What it has written by then is the caller's to remove.
    """
    found: dict[str, Member] = {}
    told: dict[str, bytes] = {}
    with path.open("rb") as file:
        opened = _Opening(file, identity)
        with _reading(), tarfile.open(fileobj=opened, mode="r|") as tar:
            for entry in tar:
                name = entry.name
                if not entry.isreg() or entry.issparse() or _NAME.fullmatch(name) is None:
                    raise BackupBad("a member is no file of a backup", name=name[:100])
                if name in found or name in told or NOTE in told:
                    raise BackupBad("a member stands there twice, or behind the end", name=name)
                source = tar.extractfile(entry)
                assert source is not None
                if name in {MANIFEST, NOTE}:
                    told[name] = _bounded(source, name)
                else:
                    found[name] = _kept(source, into / name, entry.size)  # type: ignore[arg-type]
            while opened.read(
                _PIECE
            ):  # to the end: a file that was cut behind the tar's own is cut all the same
                pass
    if set(told) != {MANIFEST, NOTE}:
        raise BackupBad("the manifest is missing: the backup was not finished")
    manifest = parse_manifest(told[MANIFEST])
    if found != manifest.members:
        odd = sorted(
            name
            for name in found.keys() | manifest.members.keys()
            if found.get(name) != manifest.members.get(name)
        )
        raise BackupBad("members are not those of the manifest", names=odd[:5])
    try:
        note = Note.parse(told[NOTE])
    except NoteInvalid as error:
        raise BackupBad("the manifest's note cannot be read", reason=error.detail) from None
    if note.text != note_text(manifest.origin, told[MANIFEST]):
        raise BackupBad("the note is of another manifest")
    return manifest, note


def parse_manifest(raw: bytes) -> Manifest:
    """Raises BackupBad."""
    try:
        return Manifest.model_validate(orjson.loads(raw))
    except (ValidationError, orjson.JSONDecodeError):
        raise BackupBad("the manifest cannot be read") from None


def signed_by(note: Note, keys: list[VerifierKey]) -> list[VerifierKey]:
    """Which of these keys signed the manifest. Raises BackupBad for a signature of one that does not hold."""
    try:
        return [found.key for found in note.verify(keys)]
    except NoteInvalid as error:
        raise BackupBad("the manifest's signature does not hold", reason=error.detail) from None


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, UnicodeError, ValueError, OverflowError) as error:
        raise BackupBad("what is inside is not the tar of a backup", reason=type(error).__name__) from None


def _bounded(source: IO[bytes], name: str) -> bytes:
    most = MAX_MANIFEST_BYTES if name == MANIFEST else _MAX_NOTE_BYTES
    raw = source.read(most + 1)
    if len(raw) > most:
        raise BackupBad("a manifest of this length is none", name=name)
    return raw


def _kept(source: BinaryIO, path: Path, size: int) -> Member:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, length = hashlib.sha256(), 0
    with create_private(path) as out:
        while raw := source.read(_PIECE):
            digest.update(raw)
            length += len(raw)
            out.write(raw)
        out.flush()
        os.fsync(out.fileno())
    if length != size:
        raise BackupBad("a member is shorter than it says", name=path.name)
    return Member(bytes=length, sha256=digest.hexdigest())


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry
