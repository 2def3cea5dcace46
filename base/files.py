"""The object store: files in a local folder, encrypted at rest in segments, so that a range can be read.

Form of a stored file: 4 bytes of magic, the file's own 256-bit key wrapped by the master key (12-byte
nonce, AES-256-GCM, bound to the file's id, length and SHA-256), then segments of 64 KiB of plaintext,
each sealed with AES-256-GCM under nonce = 11-byte counter, 1-byte final flag. This is the STREAM
construction (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015) with the numbers of age v1: a segment that
is changed, moved, repeated or missing does not open, and a file cut short has no final segment.

All work on bytes runs on threads; memory is bounded by a few segments whatever the size of the file.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from base.canonical import canonical
from base.clock import Clock
from base.errors import DomainError, Malformed, TooLarge
from base.ids import Seed, is_id
from base.signing import unwrap, wrap

SEGMENT_BYTES: Final = 64 * 1024
SEGMENTS_AT_ONCE: Final = 8
TAG_BYTES: Final = 16
_MAGIC: Final = b"DBF1"
_WRAPPED_BYTES: Final = 12 + 32 + TAG_BYTES
HEADER_BYTES: Final = len(_MAGIC) + _WRAPPED_BYTES
_SEALED_BYTES: Final = SEGMENT_BYTES + TAG_BYTES
_PREFIX: Final = "fil"
_PART: Final = ".part"
_A_DAY_S: Final = 86_400

Result = TypeVar("Result")


class FileEmpty(Malformed):
    code = "file-empty"
    title = "The file is empty"


class FileTooLarge(TooLarge):
    code = "file-too-large"
    title = "The file is above the limit"


class RangeOutside(Malformed):
    """The range asked for does not lie inside the file."""

    code = "range-not-satisfiable"
    title = "No such range in this file"


class FileDamaged(DomainError):
    """The stored bytes are not the ones that were put: our fault, never the caller's."""

    code = "file-damaged"
    title = "The stored file is damaged"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was put: its id, plaintext length and hex SHA-256. The caller keeps these."""

    file_id: str
    bytes: int
    sha256: str


class FileStore:
    """Files under one folder, sealed with one 32-byte master key."""

    def __init__(self, folder: Path, master_key: bytes, clock: Clock) -> None:
        self._folder = folder
        self._master_key = master_key
        self._clock = clock

    async def put(self, stream: AsyncIterator[bytes], *, limit_bytes: int) -> StoredFile:
        """Store a stream; when this returns, the file is on the disk under its name.

        Raises FileEmpty, FileTooLarge, and what the stream raises; then nothing of it is left.
        """
        file_id = Seed().new_id(_PREFIX, self._clock.now())
        part = _Part(self.path(file_id), self._master_key, file_id)
        try:
            await _on_thread(part.open)
            async for chunk in stream:
                if part.bytes + len(chunk) > limit_bytes:
                    raise FileTooLarge("the file is above the limit", limit_bytes=limit_bytes)
                await _on_thread(part.write, chunk)
            if part.bytes == 0:
                raise FileEmpty("the file is empty")
            return await _on_thread(part.finish)
        finally:
            await _on_thread(part.discard)

    async def read(self, file: StoredFile, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The plaintext bytes from `start` up to, not including, `end`, a few segments at a time.

        Raises RangeOutside, and FileDamaged before any byte of a damaged segment is handed out.
        """
        end = file.bytes if end is None else end
        if not 0 <= start <= end <= file.bytes:
            raise RangeOutside("the range is outside the file", start=start, end=end, bytes=file.bytes)
        cipher = await _on_thread(self._open, file)
        while start < end:
            whole = (start // SEGMENT_BYTES + SEGMENTS_AT_ONCE) * SEGMENT_BYTES
            upto = min(end, whole)
            yield await _on_thread(self._decrypt, cipher, file, start, upto)
            start = upto

    async def check(self, file: StoredFile) -> None:
        """Raise FileDamaged when the file is missing, of another length, or not the one recorded.

        Reads the header alone: call it before an answer begins. `read` proves each segment.
        """
        await _on_thread(self._open, file)

    async def copy_to(self, file: StoredFile, path: Path) -> None:
        """Write the plaintext to a new private file, whole and with its digest proved.

        Raises FileDamaged (and leaves nothing), FileExistsError when `path` exists.
        """
        await _on_thread(self._copy, file, path)

    async def delete(self, file_id: str) -> None:
        """Remove a file; one that is gone already is no error."""
        await _on_thread(self.path(file_id).unlink, True)

    async def remove_abandoned(self, *, older_than_s: int = _A_DAY_S) -> int:
        """Remove what uploads cut off by a crash have left; returns how many files."""
        return await _on_thread(self._remove_abandoned, older_than_s)

    def path(self, file_id: str) -> Path:
        """Where a file rests. Refuses anything that is not a file id."""
        if not is_id(file_id, _PREFIX):
            raise Malformed("not a file id", file_id=file_id)
        return self._folder / file_id[-2:] / file_id

    def _open(self, file: StoredFile) -> AESGCM:
        try:
            with self.path(file.file_id).open("rb") as handle:
                length = os.fstat(handle.fileno()).st_size
                header = handle.read(HEADER_BYTES)
        except FileNotFoundError:
            raise _damaged(file, "missing") from None
        if length != sealed_length(file.bytes) or not header.startswith(_MAGIC):
            raise _damaged(file, "length or form")
        try:
            key = unwrap(self._master_key, header[len(_MAGIC) :], _purpose(file))
        except Malformed:
            raise _damaged(file, "header") from None
        return AESGCM(key)

    def _decrypt(self, cipher: AESGCM, file: StoredFile, start: int, end: int) -> bytes:
        """The plaintext of [start, end), whose segments are read and opened whole."""
        first, last = start // SEGMENT_BYTES, (end - 1) // SEGMENT_BYTES
        final = (file.bytes - 1) // SEGMENT_BYTES
        try:
            with self.path(file.file_id).open("rb") as handle:
                handle.seek(HEADER_BYTES + first * _SEALED_BYTES)
                opened = [
                    cipher.decrypt(_nonce(n, final=n == final), handle.read(_SEALED_BYTES), None)
                    for n in range(first, last + 1)
                ]
        except (InvalidTag, ValueError, FileNotFoundError):
            raise _damaged(file, f"segments {first} to {last}") from None
        skip = first * SEGMENT_BYTES
        return b"".join(opened)[start - skip : end - skip]

    def _plaintext(self, file: StoredFile) -> Iterator[bytes]:
        cipher, step = self._open(file), SEGMENTS_AT_ONCE * SEGMENT_BYTES
        for start in range(0, file.bytes, step):
            yield self._decrypt(cipher, file, start, min(file.bytes, start + step))

    def _copy(self, file: StoredFile, path: Path) -> None:
        digest = hashlib.sha256()
        with _create(path) as out:
            try:
                for plain in self._plaintext(file):
                    digest.update(plain)
                    out.write(plain)
                if digest.hexdigest() != file.sha256:
                    raise _damaged(file, "digest")
            except BaseException:
                path.unlink()
                raise

    def _remove_abandoned(self, older_than_s: int) -> int:
        before = time.time() - older_than_s
        abandoned = [path for path in self._folder.glob(f"*/*{_PART}") if path.stat().st_mtime < before]
        for path in abandoned:
            path.unlink(missing_ok=True)
        return len(abandoned)


class _Part:
    """A file while it is being written: beside its final name, and gone unless it is finished."""

    def __init__(self, path: Path, master_key: bytes, file_id: str) -> None:
        self.bytes = 0
        self._path = path
        self._part = path.with_name(path.name + _PART)
        self._master_key = master_key
        self._file_id = file_id
        self._key = AESGCM.generate_key(256)
        self._cipher = AESGCM(self._key)
        self._digest = hashlib.sha256()
        self._held = bytearray()  # the last segment is known to be final only at the end
        self._segments = 0
        self._handle: BinaryIO | None = None

    def open(self) -> None:
        _make_folder(self._path.parent)
        self._handle = _create(self._part)
        self._handle.write(bytes(HEADER_BYTES))

    def write(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        self._digest.update(chunk)
        self._held += chunk
        whole = (len(self._held) - 1) // SEGMENT_BYTES * SEGMENT_BYTES
        for start in range(0, whole, SEGMENT_BYTES):
            self._seal(self._held[start : start + SEGMENT_BYTES], final=False)
        if whole > 0:
            del self._held[:whole]

    def finish(self) -> StoredFile:
        """Write the final segment and the header, then name the file: only now is there one."""
        assert self._handle is not None
        self._seal(self._held, final=True)
        file = StoredFile(self._file_id, self.bytes, self._digest.hexdigest())
        self._handle.seek(0)
        self._handle.write(_MAGIC + wrap(self._master_key, self._key, _purpose(file)))
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self._handle.close()
        self._part.replace(self._path)
        _sync_folder(self._path.parent)
        return file

    def discard(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._part.unlink(missing_ok=True)

    def _seal(self, plain: bytearray, *, final: bool) -> None:
        assert self._handle is not None
        self._handle.write(self._cipher.encrypt(_nonce(self._segments, final=final), bytes(plain), None))
        self._segments += 1


def sealed_length(plain_bytes: int) -> int:
    """How long a stored file is for so many bytes of plaintext (at least one)."""
    return HEADER_BYTES + plain_bytes + -(-plain_bytes // SEGMENT_BYTES) * TAG_BYTES


async def _on_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Run on a thread. A caller that is cancelled still waits, so no file is closed under the worker."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _nonce(segment: int, *, final: bool) -> bytes:
    return segment.to_bytes(11) + (b"\x01" if final else b"\x00")


def _purpose(file: StoredFile) -> bytes:
    return canonical(["databourse:file:v1", file.file_id, file.bytes, file.sha256])


def _damaged(file: StoredFile, what: str) -> FileDamaged:
    return FileDamaged("the stored file is damaged", file_id=file.file_id, what=what)


def _create(path: Path) -> BinaryIO:
    """A new file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _make_folder(folder: Path) -> None:
    made = [place for place in (folder, *folder.parents) if not place.is_dir()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for place in made:
        _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    """A name survives a power cut only when its folder was flushed too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
