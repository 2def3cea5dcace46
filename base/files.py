"""The object store: files encrypted at rest in segments, so that a range can be read; and its two homes.

Form of a stored file: segments of 64 KiB of plaintext, each sealed with AES-256-GCM under nonce = 11-byte
counter, 1-byte final flag; then 64 bytes: the magic `DBF2` and the file's own 256-bit key wrapped by the
master key (12-byte nonce, AES-256-GCM, bound to the file's id, length and SHA-256). This is the STREAM
construction (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015) with the numbers of age v1: a segment that
is changed, moved, repeated or missing does not open, and a file cut short has no final segment. Files from
before (`DBF1`) have those 64 bytes in front, and are read as they are.

What is last is written last, so a stream of any length goes to a folder or into a bucket as it comes
(`base.homes`, `base.bucket`). Memory is bounded by a few pieces whatever the size of the file. Work that may
wait runs on threads, and while a piece is sent the next one is opened there. A piece that the system holds in
memory is opened on the spot: that takes no longer than the way to a thread and back, and while a cipher works
no other thread runs Python anyhow.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from base.canonical import canonical
from base.clock import Clock
from base.errors import DomainError, Malformed, TooLarge
from base.homes import Folder, Home, ObjectMissing, create_private, replace_part
from base.ids import Seed, is_id
from base.signing import unwrap, wrap

SEGMENT_BYTES: Final = 64 * 1024
SEGMENTS_AT_ONCE: Final = 8
TAG_BYTES: Final = 16
_MAGIC: Final = b"DBF2"
_MAGIC_BEFORE: Final = b"DBF1"
_WRAPPED_BYTES: Final = 12 + 32 + TAG_BYTES
KEY_BYTES: Final = len(_MAGIC) + _WRAPPED_BYTES
_SEALED_BYTES: Final = SEGMENT_BYTES + TAG_BYTES
_PREFIX: Final = "fil"
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


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stored file whose key is known, and where its segments begin."""

    file: StoredFile
    name: str
    cipher: AESGCM
    first: int


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The segments that hold [start, end), as they rest."""

    start: int
    end: int
    raw: bytes | bytearray


class FileStore:
    """Files in one home, sealed with one master key. A path is the home that is a local folder."""

    def __init__(self, home: Home | Path, master_key: bytes, clock: Clock) -> None:
        self.home: Home = Folder(home) if isinstance(home, Path) else home
        self._master_key = master_key
        self._clock = clock

    def new_id(self) -> str:
        """An id for a file that is noted somewhere before it is put."""
        return Seed().new_id(_PREFIX, self._clock.now())

    async def put(
        self, stream: AsyncIterator[bytes], *, limit_bytes: int, file_id: str | None = None
    ) -> StoredFile:
        """Store a stream; when this returns, the file stands in its home under its name.

        Raises FileEmpty, FileTooLarge, StoreUnavailable, and what the stream raises; then nothing of it is
        left.
        """
        file_id = file_id or self.new_id()
        sealer = _Sealer(self._master_key, file_id)
        writing = self.home.create(name_of(file_id), most_bytes=sealed_length(limit_bytes))
        try:
            await _on_thread(writing.open)
            async for chunk in stream:
                if sealer.bytes + len(chunk) > limit_bytes:
                    raise FileTooLarge("the file is above the limit", limit_bytes=limit_bytes)
                await _on_thread(lambda raw: writing.write(sealer.seal(raw)), chunk)
            if sealer.bytes == 0:
                raise FileEmpty("the file is empty")
            file, last = await _on_thread(sealer.finish)
            await _on_thread(writing.write, last)
            await _on_thread(writing.finish)
            return file
        finally:
            await _on_thread(writing.discard)

    async def read(self, file: StoredFile, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The plaintext bytes from `start` up to, not including, `end`, a few segments at a time.

        Raises RangeOutside, StoreUnavailable, and FileDamaged before any byte of a damaged segment is handed
        out.
        """
        end = file.bytes if end is None else end
        if not 0 <= start <= end <= file.bytes:
            raise RangeOutside("the range is outside the file", start=start, end=end, bytes=file.bytes)
        opened = await _on_thread(self._open, file)
        pieces = _pieces(start, end)
        ahead = self._ahead(opened, pieces)
        try:
            while ahead is not None:
                if isinstance(ahead, asyncio.Future):
                    plain = await _finished(ahead)
                else:
                    await asyncio.sleep(0)  # others have their turn between two pieces
                    plain = _unsealed(opened, ahead)
                ahead = self._ahead(opened, pieces)  # while this piece is sent
                yield plain
        finally:
            if isinstance(ahead, asyncio.Future):
                await asyncio.wait([ahead])
                ahead.exception()

    def _ahead(
        self, opened: _Opened, pieces: Iterator[tuple[int, int]]
    ) -> "_Sealed | asyncio.Future[bytes] | None":
        """The next piece: at hand, or being opened on a thread; None behind the last one."""
        piece = next(pieces, None)
        if piece is None:
            return None
        raw = self.home.at_hand(opened.name, *_place(opened, *piece))
        if raw is not None:
            return _Sealed(*piece, raw)
        return asyncio.ensure_future(asyncio.to_thread(self._decrypt, opened, *piece))

    async def check(self, file: StoredFile) -> None:
        """Raise FileDamaged when the file is missing, of another length, or not the one recorded.

        Reads its key alone: call it before an answer begins. `read` proves each segment.
        """
        await _on_thread(self._open, file)

    async def check_home(self) -> None:
        """Raise StoreUnavailable where nothing can be kept: at start-up, and before the first upload."""
        await _on_thread(self.home.check)

    async def copy_to(self, file: StoredFile, path: Path) -> None:
        """Write the plaintext to a new private file, whole and with its digest proved.

        Raises FileDamaged (and leaves nothing), StoreUnavailable, FileExistsError when `path` exists.
        """
        await _on_thread(self._copy, file, path)

    async def delete(self, file_id: str) -> None:
        """Remove a file; one that is gone already is no error."""
        await _on_thread(self.home.delete, name_of(file_id))

    async def remove_abandoned(self, *, older_than_s: int = _A_DAY_S) -> int:
        """Remove what uploads cut off by a crash have left; returns how many files."""
        return await _on_thread(self.home.remove_abandoned, older_than_s)

    async def rewrap(self, file: StoredFile, master_key: bytes) -> bool:
        """Put a file's key under another master key; False where it is there already.

        The segments stay as they are. The object is written anew and takes its own place in one step, so it
        opens under one of the two keys whenever we are killed. Raises FileDamaged, StoreUnavailable.
        """
        return await _on_thread(self._rewrap, file, master_key)

    def path(self, file_id: str) -> Path:
        """Where a file rests in a local folder."""
        assert isinstance(self.home, Folder)
        return self.home.path(name_of(file_id))

    def _open(self, file: StoredFile) -> _Opened:
        name = name_of(file.file_id)
        try:
            tail = self.home.tail(name, KEY_BYTES)
            if tail.size != sealed_length(file.bytes):
                raise _damaged(file, "length")
            cipher = self._cipher(file, tail.raw, _MAGIC)
            if cipher is not None:
                return _Opened(file, name, cipher, 0)
            cipher = self._cipher(file, self.home.read(name, 0, KEY_BYTES), _MAGIC_BEFORE)
        except ObjectMissing:
            raise _damaged(file, "missing") from None
        if cipher is None:
            raise _damaged(file, "form or key")
        return _Opened(file, name, cipher, KEY_BYTES)

    def _cipher(self, file: StoredFile, key: bytes, magic: bytes) -> AESGCM | None:
        """What opens the segments; None where these bytes are no key of this file in this form."""
        raw = _unwrapped(self._master_key, file, key, magic)
        return None if raw is None else AESGCM(raw)

    def _rewrap(self, file: StoredFile, master_key: bytes) -> bool:
        name, size = name_of(file.file_id), sealed_length(file.bytes)
        try:
            tail = self.home.tail(name, KEY_BYTES)
            if tail.size != size:
                raise _damaged(file, "length")
            before = self.home.read(name, 0, KEY_BYTES)
            for held, magic in ((tail.raw, _MAGIC), (before, _MAGIC_BEFORE)):
                if _unwrapped(master_key, file, held, magic) is not None:
                    return False
                raw = _unwrapped(self._master_key, file, held, magic)
                if raw is not None:
                    wrapped = magic + wrap(master_key, raw, _purpose(file, magic))
                    at = 0 if magic == _MAGIC_BEFORE else size - KEY_BYTES
                    replace_part(self.home, name, size=size, at=at, raw=wrapped)
                    return True
        except ObjectMissing:
            raise _damaged(file, "missing") from None
        raise _damaged(file, "form or key")

    def _decrypt(self, opened: _Opened, start: int, end: int) -> bytes:
        """The plaintext of [start, end), whose segments are read and opened whole."""
        try:
            raw = self.home.read(opened.name, *_place(opened, start, end))
        except ObjectMissing:
            raise _damaged(opened.file, "missing") from None
        return _unsealed(opened, _Sealed(start, end, raw))

    def _copy(self, file: StoredFile, path: Path) -> None:
        digest = hashlib.sha256()
        with create_private(path) as out:
            try:
                opened = self._open(file)
                for start, end in _pieces(0, file.bytes):
                    plain = self._decrypt(opened, start, end)
                    digest.update(plain)
                    out.write(plain)
                if digest.hexdigest() != file.sha256:
                    raise _damaged(file, "digest")
            except BaseException:
                path.unlink()
                raise


class _Sealer:
    """Plaintext in, sealed bytes out, a segment at a time; the file's key comes behind them."""

    def __init__(self, master_key: bytes, file_id: str) -> None:
        self.bytes = 0
        self._master_key = master_key
        self._file_id = file_id
        self._key = AESGCM.generate_key(256)
        self._cipher = AESGCM(self._key)
        self._digest = hashlib.sha256()
        self._held = bytearray()  # the last segment is known to be final only at the end
        self._segments = 0

    def seal(self, chunk: bytes) -> bytes:
        """What can be written once these bytes are known too."""
        self.bytes += len(chunk)
        self._digest.update(chunk)
        self._held += chunk
        whole = (len(self._held) - 1) // SEGMENT_BYTES * SEGMENT_BYTES
        if whole <= 0:
            return b""
        sealed = [self._segment(start, final=False) for start in range(0, whole, SEGMENT_BYTES)]
        del self._held[:whole]
        return b"".join(sealed)

    def finish(self) -> tuple[StoredFile, bytes]:
        """The file, and its last bytes: the final segment and the wrapped key."""
        last = self._segment(0, final=True)
        file = StoredFile(self._file_id, self.bytes, self._digest.hexdigest())
        return file, last + _MAGIC + wrap(self._master_key, self._key, _purpose(file, _MAGIC))

    def _segment(self, start: int, *, final: bool) -> bytes:
        plain = bytes(self._held[start : start + SEGMENT_BYTES])
        sealed = self._cipher.encrypt(_nonce(self._segments, final=final), plain, None)
        self._segments += 1
        return sealed


def _unwrapped(master_key: bytes, file: StoredFile, key: bytes, magic: bytes) -> bytes | None:
    """The key of a file; None where these bytes are none of it in this form under this master key."""
    if not key.startswith(magic):
        return None
    try:
        return unwrap(master_key, key[len(magic) :], _purpose(file, magic))
    except Malformed:
        return None


def name_of(file_id: str) -> str:
    """The name of a file in its home. Refuses anything that is not a file id."""
    if not is_id(file_id, _PREFIX):
        raise Malformed("not a file id", file_id=file_id)
    return f"{file_id[-2:]}/{file_id}"


def sealed_length(plain_bytes: int) -> int:
    """How long a stored file is for so many bytes of plaintext (at least one)."""
    return KEY_BYTES + plain_bytes + -(-plain_bytes // SEGMENT_BYTES) * TAG_BYTES


def _place(opened: _Opened, start: int, end: int) -> tuple[int, int]:
    """Where in a stored file the segments of [start, end) begin, and how long they are."""
    first, last = start // SEGMENT_BYTES, (end - 1) // SEGMENT_BYTES
    sealed = min((last + 1) * SEGMENT_BYTES, opened.file.bytes) + (last + 1) * TAG_BYTES
    return opened.first + first * _SEALED_BYTES, sealed - first * _SEALED_BYTES


def _unsealed(opened: _Opened, piece: _Sealed) -> bytes:
    """The plaintext of a piece. Raises FileDamaged."""
    file, sealed = opened.file, memoryview(piece.raw)
    first, last = piece.start // SEGMENT_BYTES, (piece.end - 1) // SEGMENT_BYTES
    final = (file.bytes - 1) // SEGMENT_BYTES
    try:
        plain = b"".join(
            opened.cipher.decrypt(
                _nonce(n, final=n == final),
                sealed[(n - first) * _SEALED_BYTES : (n - first + 1) * _SEALED_BYTES],
                None,
            )
            for n in range(first, last + 1)
        )
    except (InvalidTag, ValueError):
        raise _damaged(file, f"segments {first} to {last}") from None
    skip, upto = piece.start - first * SEGMENT_BYTES, piece.end - first * SEGMENT_BYTES
    return plain if (skip, upto) == (0, len(plain)) else plain[skip:upto]


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """[start, end) cut where so many segments are whole."""
    while start < end:
        upto = min(end, (start // SEGMENT_BYTES + SEGMENTS_AT_ONCE) * SEGMENT_BYTES)
        yield start, upto
        start = upto


async def _on_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Run on a thread. A caller that is cancelled still waits, so no file is closed under the worker."""
    return await _finished(asyncio.ensure_future(asyncio.to_thread(work, *arguments)))


async def _finished(task: asyncio.Future[Result]) -> Result:
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _nonce(segment: int, *, final: bool) -> bytes:
    return segment.to_bytes(11) + (b"\x01" if final else b"\x00")


def _purpose(file: StoredFile, magic: bytes) -> bytes:
    version = "databourse:file:v2" if magic == _MAGIC else "databourse:file:v1"
    return canonical([version, file.file_id, file.bytes, file.sha256])


def _damaged(file: StoredFile, what: str) -> FileDamaged:
    return FileDamaged("the stored file is damaged", file_id=file.file_id, what=what)
