"""The quality report: one canonical document, the same bytes for the same file, declaration and moment.

The bytes are kept and digested as they are; numbers that are no small integers are strings, so that no
float ever touches them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import parse_rfc3339, rfc3339
from base.errors import Malformed
from registry.counts import Column, Profile
from registry.declared import Declared, declared_from
from registry.errors import ReportBroken
from registry.quality import (
    METHOD,
    METHOD_VERSION,
    STANDARD,
    Assessment,
    Dimension,
    assess,
    points,
    tenths_of,
)
from registry.rules import Hint, HintKind

MAX_REPORT_BYTES: Final = 4 * 1024 * 1024
_CELL_CHARS: Final = 80


@dataclass(frozen=True)
class Report:
    """A report by its canonical bytes. `sample` is the first rows as read: never stored unmasked.

    `sketch` is the table's MinHash (`registry.sketching`), empty for a small one: for supervision alone.
    """

    canonical: bytes
    sample: tuple[tuple[str | None, ...], ...] = ()
    sketch: tuple[str, ...] = ()

    @cached_property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.canonical)
        return document

    @cached_property
    def sha256(self) -> str:
        """What the ledger names the report by."""
        return sha256_hex(self.canonical)

    @property
    def file_sha256(self) -> str:
        return str(self.document["file"]["sha256"])

    @property
    def method(self) -> str:
        """Method and version: `databourse-quality/1`."""
        return f"{self.document['method']['id']}/{self.document['method']['version']}"

    @property
    def as_of(self) -> datetime:
        return parse_rfc3339(self.document["as_of"])

    @property
    def declared(self) -> Declared:
        return declared_from(self.document["declared"])

    @property
    def score(self) -> str:
        """0.0 to 100.0, as a decimal string."""
        return str(self.document["score"])

    @property
    def score_tenths(self) -> int:
        return tenths_of(self.score)

    @property
    def dimensions(self) -> dict[str, str]:
        return dict(self.document["dimensions"])

    @property
    def passed(self) -> bool:
        return bool(self.document["passed"])

    @property
    def rows(self) -> int:
        return int(self.document["table"]["rows"])

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the file, in its order."""
        return tuple(c["name"] for c in self.document["columns"] if c["position"] is not None)

    @property
    def file_bytes(self) -> int:
        return int(self.document["file"]["bytes"])

    @property
    def distinct(self) -> dict[str, int]:
        """How many different values each column of the file has."""
        return {c["name"]: int(c["distinct"]) for c in self.document["columns"] if c["position"] is not None}

    @property
    def hints(self) -> tuple[Hint, ...]:
        return tuple(
            Hint(HintKind(h["kind"]), h["column"], h["rows"], h["checked"], h["flagged"])
            for h in self.document["hints"]
        )


def write_report(
    *, file: Mapping[str, Any], profile: Profile, hints: Sequence[Hint], declared: Declared, as_of: datetime
) -> bytes:
    """Score a profile and put everything into the canonical document.

    `file` has the members `sha256`, `bytes`, `format` and `delimiter`.
    """
    assessed = assess(profile, declared, as_of)
    width = sum(1 for column in profile.columns if column.position is not None)
    return canonical(
        {
            "method": {"id": METHOD, "version": METHOD_VERSION, "standard": STANDARD},
            "as_of": rfc3339(as_of),
            "file": dict(file),
            "declared": declared.document(),
            "table": {
                "rows": profile.rows,
                "columns": width,
                "ragged_rows": profile.ragged,
                "duplicate_rows": profile.duplicates,
                "cells": profile.rows * width,
                "missing_cells": sum(c.missing for c in profile.columns if c.position is not None),
                "reads": profile.reads,
                "reads_alike": profile.reads_alike,
            },
            "columns": [_column(column) for column in profile.columns],
            "rules": [
                {
                    "left": rule.left,
                    "op": rule.op,
                    "right": rule.right,
                    "known": rule.known,
                    "checked": rule.checked,
                    "passed": rule.passed,
                }
                for rule in profile.rules
            ],
            "freshness": _freshness(assessed),
            "hints": [
                {
                    "kind": hint.kind.value,
                    "column": hint.column,
                    "rows": hint.rows,
                    "checked": hint.checked,
                    "flagged": hint.flagged,
                }
                for hint in hints
            ],
            "dimensions": {dimension.value: points(assessed.scores[dimension]) for dimension in Dimension},
            "score": points(assessed.score),
            "passed": assessed.passed,
            "shortfalls": [
                {
                    "code": shortfall.fix.value,
                    "dimension": shortfall.dimension.value,
                    "subject": shortfall.subject,
                    "count": shortfall.count,
                }
                for shortfall in assessed.shortfalls
            ],
        }
    )


def parse_report(stored: bytes) -> Report:
    """A report from stored bytes. Raises ReportBroken unless they are one, and canonical."""
    report = Report(stored)
    try:
        if len(stored) > MAX_REPORT_BYTES or canonical(report.document) != stored:
            raise ReportBroken("not the canonical bytes of a report")
        well_formed = (
            set(report.dimensions) == {dimension.value for dimension in Dimension}
            and all(tenths_of(score) >= 0 for score in report.dimensions.values())
            and report.score_tenths >= 0
            and len(report.file_sha256) == len(report.sha256)
        )
        _ = report.as_of, report.declared, report.hints, report.rows, report.method, report.header
    except (ValueError, KeyError, TypeError, AttributeError, Malformed) as error:
        if isinstance(error, ReportBroken):
            raise
        raise ReportBroken("not a quality report", reason=type(error).__name__) from None
    if not well_formed:
        raise ReportBroken("not a quality report")
    return report


def differences(bound: Report, again: Report) -> tuple[str, ...]:
    """What two reports do not agree on, dimensions by name; empty when equal but for their hints.

    Hints are for the screen: a scan that has learnt to see more makes no other goods of a file.
    """
    if bound.canonical == again.canonical:
        return ()
    one, two = _without_extremes(bound, again), _without_extremes(again, bound)
    members = [name for name in sorted(set(one) | set(two)) if one.get(name) != two.get(name)]
    scores = [name for name, score in bound.dimensions.items() if again.dimensions.get(name) != score]
    return (*scores, *(name for name in members if name not in {"dimensions", "hints"}))


def _without_extremes(report: Report, other: Report) -> dict[str, Any]:
    """A report without the extremes of columns that either has a hint of: there they are not published."""
    hinted = {hint.column for hint in (*report.hints, *other.hints)}
    bare = {"minimum": None, "maximum": None}
    columns = [one | bare if one["name"] in hinted else one for one in report.document["columns"]]
    return report.document | {"columns": columns}


def _column(column: Column) -> dict[str, Any]:
    declared = column.declared
    return {
        "position": column.position,
        "name": column.name,
        "meaning": declared.meaning if declared else None,
        "declared_type": declared.type.value if declared else None,
        "inferred_type": column.inferred.value if column.position is not None else None,
        "required": declared.required if declared else True,
        "present": column.present,
        "missing": column.missing,
        "distinct": column.distinct,
        "minimum": _short(column.minimum),
        "maximum": _short(column.maximum),
        "shortest": column.shortest,
        "longest": column.longest,
        "wrong_type": column.wrong_type,
        "wrong_pattern": column.wrong_pattern,
        "out_of_range": column.out_of_range,
        "unreadable": column.unreadable,
        "faulty": column.faulty,
        "off_form": column.off_form,
        "later_than_as_of": column.later,
    }


def _freshness(assessed: Assessment) -> Mapping[str, Any]:
    age = assessed.age
    return {
        "basis": age.basis.value,
        "column": age.column,
        "latest": rfc3339(age.latest) if age.latest else None,
        "late_s": age.late_s,
        "allowed_s": age.allowed_s,
    }


def _short(text: str | None) -> str | None:
    return None if text is None else text[:_CELL_CHARS]
