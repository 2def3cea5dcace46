"""Where sealed files rest: what a home can do, and the home that is a local folder.

A home knows names and bytes, nothing of what they mean. But for `at_hand` its calls block: `base.files`
makes them on threads. The other home is an S3-compatible store (`base.bucket`).
"""

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from base.errors import Unavailable

_PART: Final = ".part"
_COPIED_AT_ONCE: Final = 2**20


class StoreUnavailable(Unavailable):
    """The store does not answer, or not as it should. Nothing was kept of what was under way."""

    code = "file-store-unavailable"
    title = "The file store does not answer at the moment"


class ObjectMissing(Exception):
    """There is nothing under that name."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The last bytes of an object, and how long it is."""

    size: int
    raw: bytes


class Writing(Protocol):
    """An object that is being written: there is none until `finish` has returned."""

    def open(self) -> None:
        """Begin; until then nothing was touched."""

    def write(self, raw: bytes) -> None: ...

    def finish(self) -> None:
        """Name it. When this returns it survives whatever happens to us."""

    def discard(self) -> None:
        """Leave nothing of it, unless it was finished."""


class Home(Protocol):
    """A place for objects that are written once. What does not answer raises StoreUnavailable."""

    def create(self, name: str, *, most_bytes: int) -> Writing: ...

    def tail(self, name: str, length: int) -> Tail:
        """The last `length` bytes, or all of a shorter one. Raises ObjectMissing."""

    def read(self, name: str, start: int, length: int) -> bytes:
        """Bytes from `start`; fewer where the object ends. Raises ObjectMissing."""

    def at_hand(self, name: str, start: int, length: int) -> bytes | bytearray | None:
        """Bytes from `start`, all of which are in memory already; None where they are not, or nobody can say.

        It does not wait: the one call that needs no thread.
        """

    def delete(self, name: str) -> None:
        """Remove it; one that is gone already is no error."""

    def remove_abandoned(self, older_than_s: int) -> int:
        """Remove what a crash has left half written; returns how many."""

    def check(self) -> None:
        """Raise StoreUnavailable where nothing can be kept here."""


class Folder:
    """A local folder: a file for each object, flushed before it is named, for its owner's eyes alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tells = hasattr(os, "RWF_NOWAIT")  # Linux, and not every file system there

    def path(self, name: str) -> Path:
        """Where an object rests."""
        return self.folder / name

    def create(self, name: str, *, most_bytes: int) -> Writing:  # noqa: ARG002 - a folder takes any length
        return _Part(self.path(name))

    def tail(self, name: str, length: int) -> Tail:
        with _opened(self.path(name)) as handle:
            size = os.fstat(handle.fileno()).st_size
            handle.seek(max(size - length, 0))
            return Tail(size, handle.read(length))

    def read(self, name: str, start: int, length: int) -> bytes:
        with _opened(self.path(name)) as handle:
            handle.seek(start)
            return handle.read(length)

    def at_hand(self, name: str, start: int, length: int) -> bytearray | None:
        if not self._tells:
            return None
        raw = bytearray(length)
        try:
            handle = os.open(self.path(name), os.O_RDONLY)
            try:
                come = os.preadv(handle, [raw], start, os.RWF_NOWAIT)
            finally:
                os.close(handle)
        except OSError as error:  # as a rule: the disk would be asked
            self._tells = error.errno != errno.EOPNOTSUPP
            return None
        return raw if come == length else None

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def remove_abandoned(self, older_than_s: int) -> int:
        before = time.time() - older_than_s
        abandoned = [path for path in self.folder.glob(f"*/*{_PART}") if path.stat().st_mtime < before]
        for path in abandoned:
            path.unlink(missing_ok=True)
        return len(abandoned)

    def check(self) -> None:
        try:
            make_folder(self.folder)
        except OSError as error:
            raise StoreUnavailable("the folder of files cannot be made", reason=error.strerror) from None
        if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
            raise StoreUnavailable("the folder of files cannot be written")


class _Part:
    """A file beside its final name, and gone unless it is finished."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + _PART)
        self._handle: BinaryIO | None = None

    def open(self) -> None:
        make_folder(self._path.parent)
        self._handle = create_private(self._part)

    def write(self, raw: bytes) -> None:
        assert self._handle is not None
        self._handle.write(raw)

    def finish(self) -> None:
        assert self._handle is not None
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self._handle.close()
        self._part.replace(self._path)
        _sync_folder(self._path.parent)

    def discard(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._part.unlink(missing_ok=True)


def replace_part(home: Home, name: str, *, size: int, at: int, raw: bytes) -> None:
    """Write an object of `size` bytes anew, with other bytes from `at` on; in one step it has its own place.

    Raises ObjectMissing, StoreUnavailable; then the object is what it was.
    """
    writing = home.create(name, most_bytes=size)
    try:
        writing.open()
        for start, end in ((0, at), (at + len(raw), size)):
            if start:
                writing.write(raw)
            for place in range(start, end, _COPIED_AT_ONCE):
                piece = home.read(name, place, min(_COPIED_AT_ONCE, end - place))
                if len(piece) != min(_COPIED_AT_ONCE, end - place):
                    raise StoreUnavailable("an object is shorter than it was a moment ago", name=name)
                writing.write(piece)
        writing.finish()
    finally:
        writing.discard()


def create_private(path: Path) -> BinaryIO:
    """A new file that only its owner may read. Raises FileExistsError."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def make_folder(folder: Path) -> None:
    """A folder of our own, and its parents, so that they survive a power cut."""
    made = [place for place in (folder, *folder.parents) if not place.is_dir()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for place in made:
        _sync_folder(place.parent)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise ObjectMissing from None


def _sync_folder(folder: Path) -> None:
    """A name survives a power cut only when its folder was flushed too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
