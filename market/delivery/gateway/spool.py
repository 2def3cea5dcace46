"""An answer while it is looked at: in memory while it is small, in a file without a name beyond that."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

IN_MEMORY: Final = 64 * 1024
_PIECE: Final = 64 * 1024


class Spool:
    """Bytes that are written once, digested on the way, and then read; close it."""

    __slots__ = ("_digest", "_file", "_folder", "_kept", "bytes")

    def __init__(self, folder: Path, content: bytes = b"") -> None:
        self._folder = folder
        self._digest = hashlib.sha256()
        self._kept = bytearray()
        self._file: IO[bytes] | None = None
        self.bytes = 0
        if content:
            self.write(content)

    def write(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.bytes += len(piece)
        if self._file is None and self.bytes <= IN_MEMORY:
            self._kept += piece
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by `close`
            self._file.write(self._kept)
            self._kept.clear()
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    @property
    def whole(self) -> bytes | None:
        """All of it, where it is in memory."""
        return bytes(self._kept) if self._file is None else None

    def pieces(self) -> Iterator[bytes]:
        """All of it, piece by piece, from the beginning."""
        if self._file is None:
            yield bytes(self._kept)
            return
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
