"""What the locks say: each package with its version, its digests, where it applies, who asks for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_FIRST: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+?))? ?\\?"
)
_HASH: Final = re.compile(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?")
_VIA: Final = re.compile(r"    # (?:via|  ) *(?P<who>\S.*)?")


class LockBad(Exception):
    """A line of a lock that is not of the form that `make lock` writes."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of a lock."""

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()
    wanted_by: tuple[str, ...] = field(default=())

    @property
    def purl(self) -> str:
        """Package URL (purl-spec, type pypi)."""
        return f"pkg:pypi/{self.name}@{self.version}"


def normal(name: str) -> str:
    """A project's one name (PyPA name normalisation)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(path: Path) -> list[Locked]:
    """A lock in its order. Raises LockBad for a package without a digest, and for a line of another form."""
    return list(_read(path.read_text().splitlines()))


def _read(lines: list[str]) -> Iterator[Locked]:
    at = 0
    while at < len(lines):
        first = _FIRST.fullmatch(lines[at])
        if first is None:
            raise LockBad(f"line {at + 1}: {lines[at][:80]}")
        hashes, via = [], []
        at += 1
        while at < len(lines) and lines[at].startswith("    "):
            if (one := _HASH.fullmatch(lines[at])) is not None:
                hashes.append(one[1])
            elif (asks := _VIA.fullmatch(lines[at])) is not None:
                via.append(asks["who"] or "")
            else:
                raise LockBad(f"line {at + 1}: {lines[at][:80]}")
            at += 1
        if not hashes:
            raise LockBad(f"{first['name']} has no digest")
        asking = tuple(normal(who) for who in via if who and not who.startswith(("-c ", "-r ", "databourse")))
        marker = (first["marker"] or "").strip()
        yield Locked(normal(first["name"]), first["version"], marker, tuple(sorted(hashes)), asking)
