"""What an auditor keeps after a clean audit, so that the next one of the grown log reads only what is new.

The file is the auditor's own. Whoever can write it can make an audit pass over what lies before its mark, so
it belongs where only the auditor writes. What it says is held against the log in any case: the log must
still begin with the tree that was audited, and where anything is wrong at all, everything is read anew.

The mark is the last full tile: a partial one is another file in the next bundle, and is read again.
"""

import shutil
import sqlite3
from array import array
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from base.errors import Malformed
from ledger.bundle import openings_path
from ledger.checkpoint import Checkpoint
from ledger.tiles import ENTRIES, WIDTH, Growth, Tile, parse_path
from supervision.audit_case import Case, Memory
from supervision.audit_entry import unpacked
from supervision.audit_shelf import Shelf
from supervision.audit_skim import told_alone
from supervision.errors import StateUnfit

FORMAT: Final = "databourse-audit-state/v3"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS said (seq INTEGER PRIMARY KEY, statement BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS marks (first INTEGER PRIMARY KEY, marks BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, sha256 BLOB NOT NULL, opened BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
"""
_CHUNK: Final = 1_000_000  # marks a row
_COUNTS: Final = ("entries", "signatures", "openings", "openings_absent")


@dataclass(slots=True)
class Mark:
    """How far an audit had come at the last full tile: plain values, ready to be kept."""

    facts: dict[str, Any]
    said: list[tuple[int, bytes]]
    marks: "array[int]"
    opened: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier audit: `seen` is the tree that it found clean, however it was asked for.

    Where it `fits` what is asked now, nothing up to `size` is read again.
    """

    path: Path
    size: int
    seen: Checkpoint
    anchors: Mapping[int, str]
    facts: Mapping[str, Any]
    fits: bool

    def memory(self) -> Memory:
        """What the entries up to the mark left behind. Raises StateUnfit where it does not hold together."""
        try:
            return self._memory()
        except (Malformed, sqlite3.DatabaseError, ValueError, KeyError, TypeError, AttributeError):
            raise StateUnfit("the state of an audit that is damaged", path=str(self.path)) from None

    def _memory(self) -> Memory:
        facts = self.facts
        memory = Memory(
            previous=facts["previous"].encode(),
            before=facts["before"].encode(),
            growth=Growth(self.size, [[bytes.fromhex(one) for one in edge] for edge in facts["edges"]]),
            goes_on=facts["goes_on"],
            trades=Shelf(self.path),
        )
        with closing(_opened(self.path)) as file:
            for seq, statement in file.execute("SELECT seq, statement FROM said ORDER BY seq"):
                said = unpacked(orjson.loads(statement))
                if list(memory.keyring.judge(said) if facts["deep"] else told_alone(memory.keyring, said)):
                    raise ValueError("the keys do not follow from each other")
                memory.key_said.append((seq, statement))
        for keyid, public in facts["known"]:
            memory.learn(keyid, bytes.fromhex(public))
        return memory

    def begin(self, case: Case) -> None:
        """Let an audit go on from here. Raises StateUnfit."""
        case.memory.close()
        case.memory = self.memory()
        case.earlier, case.report.resumed_from = self, self.size
        case.anchored |= self.anchors
        for name in _COUNTS:
            setattr(case.report, name, self.facts["counts"][name])

    def marks(self) -> Iterator["array[int]"]:
        """The marks of the entries before, a million at a time."""
        with closing(_opened(self.path)) as file:
            for (data,) in file.execute("SELECT marks FROM marks ORDER BY first"):
                found = array("Q")
                found.frombytes(data)
                yield found

    def files(self) -> dict[str, tuple[str, bytes | None]]:
        """SHA-256 by path of the full tiles and their openings, with which entries had one."""
        with closing(_opened(self.path)) as file:
            rows = file.execute("SELECT path, sha256, opened FROM files")
            return {path: (digest.hex(), opened) for path, digest, opened in rows}


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def earlier(path: Path, case: Case) -> Earlier | None:
    """The state in a file; None where there is none yet.

    Raises StateUnfit for a file that is no state, or one of another log: it is not ours to write over.
    """
    if not path.exists():
        return None
    try:
        with closing(_opened(path)) as file:
            rows = file.execute("SELECT name, value FROM facts").fetchall()
        facts = {name: orjson.loads(value) for name, value in rows}
        anchors = {int(size): root for size, root in facts["anchors"].items()}
        seen = Checkpoint(facts["origin"], facts["seen_size"], bytes.fromhex(facts["seen_root"]))
        asked = facts["format"], facts["pinned"], facts["edition"], facts["deep"]
        fits = asked == (FORMAT, pins(case), _edition(case), case.report.signatures_checked)
        found = Earlier(path, facts["size"], seen, anchors, facts, fits)
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, AttributeError):
        raise StateUnfit("not the state of an audit", path=str(path)) from None
    if seen.origin != case.origin:
        raise StateUnfit("the state of another log's audit", origin=seen.origin)
    return found


def pins(case: Case) -> list[str]:
    """The keys that the verdict rests on, where any are pinned."""
    return sorted(str(key) for key in case.pinned)


def _edition(case: Case) -> str:
    return case.edition or "tiles"


def mark(case: Case) -> Mark:
    """Take down where the audit stands, at the end of the last full tile."""
    memory, report = case.memory, case.report
    facts = {
        "format": FORMAT,
        "origin": case.origin,
        "pinned": pins(case),
        "edition": _edition(case),
        "deep": report.signatures_checked,
        "size": memory.growth.frontier.size,
        "previous": memory.previous.decode(),
        "before": memory.before.decode(),
        "edges": [[one.hex() for one in edge] for edge in memory.growth.edges],
        "goes_on": memory.goes_on,
        "known": [[keyid, public.hex()] for keyid, public in memory.known],
        "counts": {name: getattr(report, name) for name in _COUNTS},
    }
    memory.trades.settle()
    return Mark(facts, list(memory.key_said), memory.marks[:], dict(case.opened))


def keep(path: Path, case: Case, found: Mark, before: Earlier | None) -> None:
    """Write the state of a clean audit to a new file, which then takes the old one's place.

    Raises OSError where it cannot be written.
    """
    head = case.head
    assert head is not None
    facts = found.facts | {
        "seen_size": head.size,
        "seen_root": head.root.hex(),
        "checkpoint": case.bundle.read("checkpoint", 1 << 18).decode(errors="replace"),
        "anchors": {str(size): root for size, root in case.anchored.items()},
    }
    begin = before.size if before else 0
    target = path.with_name(f"{path.name}.new")
    try:
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        if before is not None:
            shutil.copyfile(path, target)
        with closing(sqlite3.connect(target, isolation_level=None)) as file:
            file.executescript(_SCHEMA)
            file.execute("BEGIN IMMEDIATE")
            stated = [(name, orjson.dumps(value)) for name, value in facts.items()]
            file.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", stated)
            file.executemany("INSERT OR REPLACE INTO said VALUES (?, ?)", found.said)
            for at in range(0, len(found.marks), _CHUNK):
                chunk = found.marks[at : at + _CHUNK].tobytes()
                file.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (begin + at, chunk))
            file.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", _files(case, found, begin))
            file.executemany("INSERT OR REPLACE INTO records VALUES (?, ?)", case.memory.trades.records())
            file.execute("COMMIT")
        target.replace(path)
    except sqlite3.DatabaseError as error:
        raise OSError(f"the state cannot be kept: {error}") from None


def _files(case: Case, found: Mark, begin: int) -> Iterator[tuple[str, bytes, bytes | None]]:
    """The full tiles between two marks, and the openings beside them."""
    end, level = found.facts["size"], -1
    while level == ENTRIES or end >> 8 * level:
        shift = 8 * max(level, 0)
        for number in range((begin >> shift) // WIDTH, (end >> shift) // WIDTH):
            path = Tile(level, number).path
            digest = case.bundle.digests.get(path)
            if digest is not None:
                yield path, bytes.fromhex(digest), None
            if level == ENTRIES and openings_path(number) in case.bundle.digests:
                path = openings_path(number)
                yield path, bytes.fromhex(case.bundle.digests[path]), found.opened.get(number, b"")
        level += 1
    for path in case.reopened:
        number = parse_path(path.replace("openings/", "tile/0/").removesuffix(".jsonl")).index
        yield path, bytes.fromhex(case.bundle.digests.get(path, "")), found.opened.get(number, b"")
