"""A bundle's files, in a folder or in a zip: bounded reading of what strangers sent, and plain writing.

The zip we write is one fixed form (stored, no times, no attributes): every byte of it follows from the
files' names and contents. A zip of that form is read strictly, so that a flipped byte in its frame is
found too; a zip packed by another program is read as zips are.
"""

import os
import re
import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from struct import Struct
from threading import Lock
from types import TracebackType
from typing import BinaryIO, Final, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ledger.errors import BundleFileBad

MAX_FILES: Final = 4_000_000
_PATH: Final = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*", re.ASCII)
_MAX_PATH: Final = 200
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_LOCAL: Final = Struct("<4s5H3I2H")
_CENTRAL: Final = Struct("<4s6H3I5H2I")
_END: Final = Struct("<4s4H2IH")
_VERSION: Final = 20
_ENCRYPTED: Final = 0x1
_DATE: Final = 0x21  # 1980-01-01, the first a zip can tell
_MAX_ZIP_FILES: Final = 0xFFFF
_MAX_ZIP_BYTES: Final = 0xFFFF_FFFF
_DAMAGE: Final = (BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


class Files(ABC):
    """The files of a bundle for reading. `paths` are relative, with slashes; `remote` ones are not listed."""

    paths: frozenset[str]
    remote: bool = False

    @abstractmethod
    def read(self, path: str, limit: int) -> bytes:
        """A file of at most `limit` bytes. Raises BundleFileBad: not there, too large, damaged."""

    def damage(self) -> str | None:
        """What is wrong with the frame around the files: the path it concerns, or None."""
        return None

    def doubtful(self) -> bool:
        """Whether what was read may be older than what can be had: asked where something is wrong."""
        return False

    def settle(self) -> None:  # noqa: B027 - a folder is as it is
        """Take what was read for good."""

    def close(self) -> None:  # noqa: B027 - a folder has nothing open
        """Let go of what is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Sink(ABC):
    """Where a bundle's files are written, each once."""

    @abstractmethod
    def write(self, path: str, data: bytes) -> None:
        """Write one file."""

    def close(self) -> None:  # noqa: B027 - a folder needs no finish
        """Finish what was written."""


def open_files(path: Path) -> Files:
    """The files of a folder or a zip. Raises BundleFileBad when it is neither, or holds what no bundle may.

    Refused are names that are not plain relative ASCII paths (nothing can be written or read outside
    the bundle), links, a name that comes twice, and more than four million files.
    """
    if path.is_dir():
        return _Folder(path)
    try:
        return _Zip(path)
    except _DAMAGE as error:
        raise BundleFileBad(f"neither a folder nor a zip: {error}", path=path.name) from None


def open_sink(path: Path) -> Sink:
    """A new zip when the name ends in `.zip`, else a new or empty folder. Raises BundleFileBad."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise BundleFileBad("there is something already", path=path.name)
    return _ZipSink(path) if path.suffix == ".zip" else _FolderSink(path)


class _Folder(Files):
    def __init__(self, folder: Path) -> None:
        self._place = str(folder)
        found: list[str] = []
        below = [""]
        while below:
            inside = below.pop()
            with os.scandir(folder / inside) as there:
                for item in there:
                    if item.is_symlink():
                        raise BundleFileBad("a bundle has no links", path=inside + item.name)
                    if item.is_dir():
                        below.append(f"{inside}{item.name}/")
                    elif item.is_file():
                        found.append(inside + item.name)
                    else:
                        raise BundleFileBad("neither a file nor a folder", path=inside + item.name)
        self.paths = _checked(found)

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.paths:
            raise BundleFileBad("missing", path=path)
        try:
            # a path by hand: an audit reads as many files as a log has tiles
            with open(f"{self._place}/{path}", "rb", buffering=0) as file:  # noqa: PTH123
                data = file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)
        except OSError as error:
            raise BundleFileBad(f"not readable: {error.strerror}", path=path) from None
        if len(data) > limit:
            raise BundleFileBad(f"larger than {limit} bytes", path=path)
        return data


class _Zip(Files):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        try:
            self._zip = ZipFile(self._file)
            members = [info for info in self._zip.infolist() if not (info.is_dir() and not info.file_size)]
            self.paths = _checked([info.filename for info in members])
        except BaseException:
            self._file.close()
            raise
        self._one_at_a_time = Lock()
        self._members = {info.filename: info for info in members}

    def read(self, path: str, limit: int) -> bytes:
        info = self._members.get(path)
        if info is None:
            raise BundleFileBad("missing", path=path)
        if info.file_size > limit:
            raise BundleFileBad(f"larger than {limit} bytes", path=path)
        if info.flag_bits & _ENCRYPTED or info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise BundleFileBad("encrypted, or compressed in another way than deflate", path=path)
        try:
            with self._one_at_a_time:
                if info.compress_type == ZIP_STORED:
                    return self._stored(info)
                with self._zip.open(info) as member:
                    return member.read(info.file_size)
        except _DAMAGE as error:
            raise BundleFileBad(f"damaged in the zip: {error}", path=path) from None

    def _stored(self, info: ZipInfo) -> bytes:
        """The bytes as they lie there: SHA-256 judges them, and says where they changed; CRC-32 cannot."""
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL.size)
        name_bytes, extra_bytes = _LOCAL.unpack(header)[-2:] if len(header) == _LOCAL.size else (0, 0)
        self._file.seek(info.header_offset + _LOCAL.size + name_bytes + extra_bytes)
        data = self._file.read(info.file_size)
        if len(data) != info.file_size or info.compress_size != info.file_size:
            raise BundleFileBad("cut off in the zip", path=info.filename)
        return data

    def damage(self) -> str | None:
        members = sorted(self._zip.infolist(), key=lambda info: info.header_offset)
        if not any(info.date_time == _NO_TIME and info.compress_type == ZIP_STORED for info in members):
            return None  # packed by another program
        at = 0
        directory = b""
        for info in members:
            name = info.filename.encode(errors="replace")
            local, central = _headers(name, info.CRC, info.file_size, at)
            self._file.seek(at)
            if self._file.read(len(local)) != local:
                return info.filename
            directory += central
            at += len(local) + info.file_size
        end = directory + _END.pack(
            b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), at & _MAX_ZIP_BYTES, 0
        )
        self._file.seek(at)
        return None if self._file.read(len(end) + 1) == end else self._path.name

    def close(self) -> None:
        self._zip.close()
        self._file.close()


class _FolderSink(Sink):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, path: str, data: bytes) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


class _ZipSink(Sink):
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: BinaryIO = path.open("xb")
        self._directory: list[bytes] = []
        self._at = 0

    def write(self, path: str, data: bytes) -> None:
        local, central = _headers(path.encode(), zlib.crc32(data), len(data), self._at)
        self._at += len(local) + len(data)
        self._directory.append(central)
        if self._at >= _MAX_ZIP_BYTES or len(self._directory) >= _MAX_ZIP_FILES:
            raise BundleFileBad("too much for one zip: write a folder", path=self._path.name)
        self._file.write(local)
        self._file.write(data)

    def close(self) -> None:
        directory = b"".join(self._directory)
        count = len(self._directory)
        with self._file:
            self._file.write(directory)
            self._file.write(_END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), self._at, 0))


def _headers(name: bytes, crc: int, size: int, at: int) -> tuple[bytes, bytes]:
    """The local and the central header of a stored file without times or attributes."""
    shared = (_VERSION, 0, ZIP_STORED, 0, _DATE, crc, size, size, len(name), 0)
    local = _LOCAL.pack(b"PK\x03\x04", *shared)
    central = _CENTRAL.pack(b"PK\x01\x02", _VERSION, *shared, 0, 0, 0, 0, at & _MAX_ZIP_BYTES)
    return local + name, central + name


def _checked(paths: list[str]) -> frozenset[str]:
    if len(paths) > MAX_FILES:
        raise BundleFileBad("too many files", path=paths[0])
    known = set()
    for path in paths:
        steps = path.split("/")
        if len(path) > _MAX_PATH or _PATH.fullmatch(path) is None or ".." in steps or "." in steps:
            raise BundleFileBad("not a plain path inside the bundle", path=ascii(path))
        if path in known:
            raise BundleFileBad("a file comes twice", path=path)
        known.add(path)
    return frozenset(known)
