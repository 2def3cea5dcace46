"""The folder in which a run of the rules keeps what the next one may take over.

Files are named by their SHA-256; `state.json` names them and is named last, by its own digest: a state that
was cut off or changed since does not hold, and is made anew. A folder of anything else is refused.
"""

import os
import re
import shutil
from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from supervision.errors import UnusableEvidence

FORMAT: Final = 2
_HEAD: Final = "state.json"
_OURS: Final = re.compile(r"[0-9a-f]{64}\.kept|state\.json(\.new)?")


class StateFiles:
    """A folder of kept files, or one yet to be made."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise UnusableEvidence(f"{folder} is no folder: a state is not written over it")
        folder.mkdir(parents=True, exist_ok=True)
        strange = sorted(path.name for path in folder.iterdir() if not _OURS.fullmatch(path.name))
        if strange:
            raise UnusableEvidence(f"{folder} holds {strange[0]!r}: it is no state of supervise")
        self._folder = folder
        self._there: set[str] = set()
        self._held: set[str] = set()

    def last(self, code: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What was sealed and says so (`code`), where every digest holds; else None, and all is made anew."""
        try:
            told = orjson.loads((self._folder / _HEAD).read_bytes())
            if told["format"] > FORMAT:
                raise UnusableEvidence(f"{self._folder} was written by a later version of supervise")
            body: dict[str, Any] = told["state"]
            if told["format"] != FORMAT or told["sha256"] != sha256(canonical(body)).hexdigest():
                return None
            if not code.items() <= body.items() or not all(self._holds(name) for name in body["files"]):
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return body

    def path(self, name: str) -> Path:
        return self._folder / f"{name}.kept"

    def read(self, name: str) -> bytes:
        return self.path(name).read_bytes()

    def hold(self, name: str) -> None:
        """Keep a file for the next run too."""
        self._held.add(name)

    def write(self, content: bytes) -> str:
        """Keep some bytes; returns their name."""
        name = sha256(content).hexdigest()
        if name not in self._there:
            self.path(name).write_bytes(content)
            self._there.add(name)
        self.hold(name)
        return name

    def take(self, path: Path) -> str:
        """Keep a file, however large, from elsewhere or from here; returns its name."""
        if path.parent == self._folder:
            self.hold(path.stem)
            return path.stem
        with path.open("rb") as file:
            name = file_digest(file, "sha256").hexdigest()
        if name not in self._there:
            shutil.copyfile(path, self.path(name))
            self._there.add(name)
        self.hold(name)
        return name

    def seal(self, body: dict[str, Any]) -> None:
        """Say what is kept, and drop what no longer is."""
        body = body | {"files": sorted(self._held)}
        digest = sha256(canonical(body)).hexdigest()
        new = self._folder / f"{_HEAD}.new"
        new.write_bytes(canonical({"format": FORMAT, "sha256": digest, "state": body}) + b"\n")
        os.replace(new, self._folder / _HEAD)  # noqa: PTH105 - atomic
        for path in self._folder.glob("*.kept"):
            if path.stem not in self._held:
                path.unlink()

    def _holds(self, name: str) -> bool:
        with self.path(name).open("rb") as file:
            holds = file_digest(file, "sha256").hexdigest() == name
        if holds:
            self._there.add(name)
        return holds
