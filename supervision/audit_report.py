"""What an audit answers: problems with a code, the first bad entry, and what was looked at."""

from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

KEPT_PER_CODE: Final = 20
FORM: Final = "databourse-audit/v1"
LEFT_OUT: Final = (
    "the parties' signatures and keys",
    "what envelopes hold, but entry 0, the last entry and those on the log's keys",
    "openings",
    "statements sealed twice",
    "speakers and trades",
)


class Code(StrEnum):
    """Why something is wrong (`docs/ledger.md`, "What the audit answers")."""

    GAP = "GAP"
    HASH = "HASH"
    LINK = "LINK"
    SIG = "SIG"
    KEY = "KEY"
    FILE = "FILE"
    OPENING = "OPENING"
    ROOT = "ROOT"
    ANCHOR = "ANCHOR"
    COSIG = "COSIG"
    DB_MISMATCH = "DB_MISMATCH"
    UNPINNED = "UNPINNED"
    GOES_ON = "GOES_ON"


_OF_ENTRIES: Final = frozenset({Code.GAP, Code.HASH, Code.LINK, Code.SIG, Code.KEY})
_ORDER: Final = {code: place for place, code in enumerate(Code)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: an entry by its seq, or a file by its path, or the log as a whole."""

    code: Code
    why: str
    seq: int | None = None
    path: str | None = None

    @property
    def rank(self) -> tuple[int, int, int]:
        """Damaged entries first, by seq; then files, openings, and what concerns the whole log."""
        place = _ORDER[self.code]
        group = -1 if self.code in _OF_ENTRIES and self.seq is not None else place
        return group, -1 if self.seq is None else self.seq, place

    def document(self) -> dict[str, Any]:
        """As JSON, without what does not apply."""
        facts = {"code": str(self.code), "seq": self.seq, "path": self.path, "why": self.why}
        return {name: value for name, value in facts.items() if value is not None}

    def __str__(self) -> str:
        where = f"seq {self.seq}: " if self.seq is not None else f"{self.path}: " if self.path else ""
        return f"{self.code} {where}{self.why}"


@dataclass(frozen=True, slots=True)
class Quorum:
    """What a policy asks of the last checkpoint: its quorum, and which of its witnesses have cosigned."""

    name: str
    met: bool
    cosigned_by: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "met": self.met, "cosigned_by": list(self.cosigned_by)}


@dataclass(slots=True)
class Report:
    """The outcome of an audit. `clean` is the verdict; a warning alone does not spoil it."""

    origin: str = ""
    size: int = 0
    root: str = ""
    edition: str = ""
    entries: int = 0
    signatures: int = 0
    openings: int = 0
    openings_absent: int = 0
    anchors: int = 0
    cosignatures: int = 0
    files: int = 0
    signatures_checked: bool = True
    resumed_from: int | None = None
    quorum: Quorum | None = None
    counts: Counter[Code] = field(default_factory=Counter)
    warnings: list[Problem] = field(default_factory=list)
    _problems: dict[Code, list[Problem]] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        """Keep the first twenty problems of each code, by their place in the log, and count the rest."""
        self.counts[problem.code] += 1
        kept = self._problems.setdefault(problem.code, [])
        insort(kept, problem, key=_place)
        del kept[KEPT_PER_CODE:]

    @property
    def clean(self) -> bool:
        return not self.counts

    @property
    def left_out(self) -> list[str]:
        """What was not looked at, because it was not asked for."""
        return [] if self.signatures_checked else list(LEFT_OUT)

    @property
    def pinned(self) -> bool:
        """Whether the keys that the verdict rests on came from outside the bundle."""
        return not any(warning.code is Code.UNPINNED for warning in self.warnings)

    @property
    def problems(self) -> list[Problem]:
        """What was found, the first bad entry first."""
        return sorted((one for kept in self._problems.values() for one in kept), key=lambda one: one.rank)

    @property
    def first(self) -> Problem | None:
        """The first bad entry, else the first bad file, else what is wrong with the log."""
        return next(iter(self.problems), None)

    def document(self) -> dict[str, Any]:
        """The report as JSON (`docs/audit-report.schema.json`)."""
        return {
            "report": FORM,
            "clean": self.clean,
            "pinned": self.pinned,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "edition": self.edition,
            "resumed_from": self.resumed_from,
            "checked": {
                "entries": self.entries,
                "files": self.files,
                "signatures": self.signatures if self.signatures_checked else None,
                "openings": self.openings,
                "openings_absent": self.openings_absent,
                "anchors": self.anchors,
                "cosignatures": self.cosignatures,
            },
            "quorum": self.quorum.document() if self.quorum else None,
            "left_out": self.left_out,
            "first": self.first.document() if self.first else None,
            "counts": {str(code): count for code, count in sorted(self.counts.items())},
            "problems": [problem.document() for problem in self.problems],
            "warnings": [warning.document() for warning in self.warnings],
        }


def _place(problem: Problem) -> tuple[int, int, int]:
    return problem.rank
