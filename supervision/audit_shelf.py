"""Records by id, of which only those used lately lie in memory; the others wait in a file of SQLite's own.

An audit has to remember every trade, also one that is over: it could be begun again. So what it remembers
must not lie in memory alone.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

_KEPT: Final = 20_000
_ASK: Final = "SELECT record FROM {}.records WHERE id = ?"
_ASIDE: Final = "INSERT OR REPLACE INTO main.records VALUES (?, ?)"


class Shelf:
    """JSON records by id. `earlier` is a file of an earlier shelf, which is read and never written.

    After `settle` everything put so far is in `records`, and what is put later is not.
    """

    def __init__(self, earlier: Path | None = None, *, kept: int = _KEPT) -> None:
        self._kept, self._earlier = kept, earlier
        self._near: dict[str, Any] = {}
        self._later: dict[str, Any] | None = None
        self._far: sqlite3.Connection | None = None if earlier is None else self._opened()
        self._ask = [_ASK.format("main"), *([_ASK.format("earlier")] if earlier is not None else [])]

    def _opened(self) -> sqlite3.Connection:
        # An empty name: a file that SQLite makes where temporary files go, and removes.
        far = sqlite3.connect("", isolation_level=None, check_same_thread=False, uri=True)
        far.execute("CREATE TABLE records (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID")
        if self._earlier is not None:
            far.execute("ATTACH ? AS earlier", (f"{self._earlier.absolute().as_uri()}?mode=ro",))
        far.execute("BEGIN")
        return far

    def get(self, key: str) -> Any:
        """The record, or None. Whoever changes it puts it again."""
        if self._later is not None and key in self._later:
            return self._later[key]
        found = self._near.pop(key, None)
        if found is not None:
            self._near[key] = found
            return found
        if self._far is not None:
            for ask in self._ask:
                row = self._far.execute(ask, (key,)).fetchone()
                if row is not None:
                    return orjson.loads(row[0])
        return None

    def put(self, key: str, record: Any) -> None:
        """Keep a record of plain JSON under an id."""
        if self._later is not None:
            self._later[key] = record
            return
        self._near.pop(key, None)
        self._near[key] = record
        if len(self._near) > self._kept:
            self._aside(list(self._near)[: self._kept // 2])

    def settle(self) -> None:
        """Put everything aside, and keep what comes from now on apart from it."""
        self._aside(list(self._near))
        self._later = {}

    def records(self) -> Iterator[tuple[str, bytes]]:
        """What was put until `settle`, but for what the earlier shelf had."""
        if self._far is not None:
            yield from self._far.execute("SELECT id, record FROM main.records")

    def close(self) -> None:
        """Let go of the file; it is gone then."""
        if self._far is not None:
            self._far.close()

    def _aside(self, keys: list[str]) -> None:
        if self._far is None:
            self._far = self._opened()
        self._far.executemany(_ASIDE, [(key, orjson.dumps(self._near.pop(key))) for key in keys])


class Absences:
    """Openings that are not there and that nothing has explained yet: in a file of SQLite's own."""

    def __init__(self) -> None:
        self._file: sqlite3.Connection | None = None

    def miss(self, origin: str, absent: Iterable[tuple[int, str]]) -> None:
        """Remember openings by the entry of a log, and the SHA-256 it commits to."""
        if self._file is None:  # an empty name: where temporary files go, and removed with it
            self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._file.execute("CREATE TABLE absent (sha256 TEXT, origin TEXT, seq INTEGER)")
            self._file.execute("CREATE INDEX by_sha256 ON absent (sha256)")
            self._file.execute("BEGIN")
        rows = [(digest, origin, seq) for seq, digest in absent]
        self._file.executemany("INSERT INTO absent VALUES (?, ?, ?)", rows)

    def explain(self, digest: str) -> bool:
        """This one was erased; whether any of its entries was missed."""
        if self._file is None:
            return False
        return self._file.execute("DELETE FROM absent WHERE sha256 = ?", (digest,)).rowcount > 0

    def left(self) -> Iterator[tuple[str, int]]:
        """Origin and seq of what is unexplained."""
        if self._file is not None:
            yield from self._file.execute("SELECT origin, seq FROM absent ORDER BY rowid")

    def close(self) -> None:
        """Let go of the file; it is gone then."""
        if self._file is not None:
            self._file.close()
            self._file = None
