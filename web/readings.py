"""Who has asked the trail for what, and the questions that people keep: files beside the database.

Each line of a month's file carries the digest of the line before it: none is taken out unseen. The same
question of the same person within an hour is one line: a page that is turned asks again.
"""

import fcntl
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.clock import parse_rfc3339, rfc3339
from base.errors import Conflict
from ledger.publisher import write_atomically

ONCE_IN: Final = timedelta(hours=1)
MOST_SAVED: Final = 20
_SHOWN: Final = 50
_TAIL: Final = 256 * 1024
_FIRST: Final = "0" * 64


class TooManySaved(Conflict):
    """So many questions are kept of one person."""

    code = "too-many-saved-queries"
    title = "Too many saved queries: forget one first"


@dataclass(frozen=True, slots=True)
class Chain:
    """How many readings there are, whether each names the one before it, and the digest of the last.

    Who notes that digest down sees later whether what stood there then still does.
    """

    count: int
    unbroken: bool
    head: str


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of one node, in a folder of its own."""

    folder: Path

    def note(self, *, user_id: str, org_id: str, what: str, asked: Mapping[str, str], at: datetime) -> bool:
        """Write a reading down; False where it stands there already. `what` is the kind of page."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{at:%Y-%m}.jsonl"
        told = {"asked": dict(asked), "org_id": org_id, "user_id": user_id, "what": what}
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another process does not read the same last line meanwhile
            lines = self._tail(path)
            for line in reversed(lines):
                known = orjson.loads(line)
                if parse_rfc3339(known["at"]) <= at - ONCE_IN:
                    break
                if all(known[name] == value for name, value in told.items()):
                    return False
            before = hashlib.sha256(lines[-1]).hexdigest() if lines else _FIRST
            file.write(canonical(told | {"at": rfc3339(at), "before": before}) + b"\n")
            file.flush()  # before the lock goes
        return True

    def newest(self, *, at: datetime) -> Sequence[Mapping[str, Any]]:
        """What was read this month, the newest first."""
        lines = self._tail(self.folder / f"{at:%Y-%m}.jsonl")
        return [orjson.loads(line) for line in reversed(lines[-_SHOWN:])]

    def unbroken(self, month: str) -> bool:
        """Whether every line of a month's file still names the one before it."""
        return self.chain(month).unbroken

    def chain(self, month: str) -> "Chain":
        """The lines of a month, followed from the first to the last."""
        path = self.folder / f"{month}.jsonl"
        before, count, unbroken = _FIRST, 0, True
        if path.is_file():
            with path.open("rb") as file:
                for count, line in enumerate(file, 1):  # noqa: B007 - counted to the end
                    unbroken = unbroken and _before(line) == before
                    before = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
        return Chain(count, unbroken, before)

    def saved(self, user_id: str) -> dict[str, dict[str, str]]:
        """The questions that somebody keeps, by their names."""
        try:
            kept: dict[str, dict[str, str]] = orjson.loads(self._saved(user_id).read_bytes())
        except FileNotFoundError:
            return {}
        return kept

    def save(self, user_id: str, name: str, asked: Mapping[str, str]) -> None:
        """Keep a question under a name. Raises TooManySaved."""
        kept = self.saved(user_id) | {name: dict(asked)}
        if len(kept) > MOST_SAVED:
            raise TooManySaved("forget one first", most=MOST_SAVED)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._saved(user_id), orjson.dumps(kept))

    def forget(self, user_id: str, name: str) -> None:
        """Keep a question no longer."""
        kept = self.saved(user_id)
        if kept.pop(name, None) is not None:
            write_atomically(self._saved(user_id), orjson.dumps(kept))

    def _saved(self, user_id: str) -> Path:
        return self.folder / f"saved-{hashlib.sha256(user_id.encode()).hexdigest()[:32]}.json"

    @staticmethod
    def _tail(path: Path) -> list[bytes]:
        """The last lines of a file, whole ones."""
        if not path.is_file():
            return []
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            lines = file.read().splitlines()
        return lines[1:] if size > _TAIL else lines


def _before(line: bytes) -> str | None:
    """What a line names as the one before it; None for one that says nothing."""
    try:
        return str(orjson.loads(line)["before"])
    except (ValueError, KeyError, TypeError):
        return None
