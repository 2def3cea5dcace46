"""Known weaknesses of what is locked, from a file of advisories in the OSV form: no network is asked.

The file is what osv.dev hands out for PyPI (`all.zip`), or a folder or a file of such JSON documents. Without
one nothing was asked, and that is said as loudly as a finding.
"""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from packaging.version import InvalidVersion, Version

from tests.supply.locks import Locked, normal

_ECOSYSTEM: Final = "PyPI"


@dataclass(frozen=True, slots=True)
class Weakness:
    """An advisory that is about a locked version."""

    name: str
    version: str
    advisory: str
    summary: str


def read_advisories(path: Path) -> Iterator[dict[str, Any]]:
    """The documents of a zip, a folder, or a file (one document, a list, or one a line)."""
    if path.is_dir():
        for one in sorted(path.rglob("*.json")):
            yield from _documents(one.read_bytes())
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                yield from _documents(archive.read(name))
    else:
        yield from _documents(path.read_bytes())


def _documents(raw: bytes) -> Iterator[dict[str, Any]]:
    try:
        read = orjson.loads(raw)
    except orjson.JSONDecodeError:
        read = [orjson.loads(line) for line in raw.splitlines() if line.strip()]
    yield from read if isinstance(read, list) else [read]


def weaknesses(locked: Sequence[Locked], advisories: Iterable[dict[str, Any]]) -> list[Weakness]:
    """Which advisories are about what is locked, by package and advisory."""
    by_name: dict[str, list[Locked]] = {}
    for one in locked:
        by_name.setdefault(one.name, []).append(one)
    found = set()
    for advisory in advisories:
        if "withdrawn" in advisory:
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            if package.get("ecosystem") != _ECOSYSTEM:
                continue
            for one in by_name.get(normal(package.get("name", "")), ()):
                if _touches(one.version, affected):
                    summary = advisory.get("summary") or advisory.get("details", "")[:120]
                    found.add(Weakness(one.name, one.version, advisory["id"], summary))
    return sorted(found, key=lambda one: (one.name, one.advisory))


def _touches(version: str, affected: dict[str, Any]) -> bool:
    """Whether a version is named, or lies in a range (OSV schema, evaluation algorithm)."""
    if version in affected.get("versions", ()):
        return True
    here = Version(version)
    return any(
        _inside(here, one.get("events", ()))
        for one in affected.get("ranges", ())
        if one.get("type") == "ECOSYSTEM"
    )


def _inside(here: Version, events: Iterable[dict[str, str]]) -> bool:
    def at(event: dict[str, str]) -> Version:
        (text,) = event.values()
        try:
            return Version(text)
        except InvalidVersion:
            return Version("0")

    touched = False
    for event in sorted((one for one in events if "limit" not in one), key=at):
        if "introduced" in event and here >= at(event):
            touched = True
        elif ("fixed" in event and here >= at(event)) or ("last_affected" in event and here > at(event)):
            touched = False
    return touched
