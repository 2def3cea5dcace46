"""Six dimensions of quality (GB/T 36344-2018), scored from counts alone.

Pure and exact: shares are fractions, scores are whole tenths of a point, rounded *down*, so that 100.0
means that nothing was wrong. The whole score is the weighted sum of the six published scores, so anyone
can recompute it from them. The formulas, in words, stand in `docs/quality.md`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from registry.counts import Column, Profile
from registry.declared import Declared
from registry.timeliness import Age, age_of

METHOD: Final = "databourse-quality"
METHOD_VERSION: Final = "1"
STANDARD: Final = "GB/T 36344-2018"

FULL: Final = 1000  # tenths of a point: 100.0
PASS_SCORE: Final = 700
PASS_DIMENSION: Final = 600


class Dimension(StrEnum):
    """规范性 完整性 准确性 一致性 时效性 可访问性, in the standard's order."""

    CONFORMITY = "conformity"
    COMPLETENESS = "completeness"
    ACCURACY = "accuracy"
    CONSISTENCY = "consistency"
    TIMELINESS = "timeliness"
    ACCESSIBILITY = "accessibility"


WEIGHT_PERCENT: Final[Mapping[Dimension, int]] = {
    Dimension.CONFORMITY: 15,
    Dimension.COMPLETENESS: 20,
    Dimension.ACCURACY: 25,
    Dimension.CONSISTENCY: 15,
    Dimension.TIMELINESS: 15,
    Dimension.ACCESSIBILITY: 10,
}


class Fix(StrEnum):
    """What fell short, as a code; its text and "how to fix" come by translation."""

    COLUMN_UNDECLARED = "column-undeclared"
    COLUMN_ABSENT = "column-absent"
    COLUMN_UNNAMED = "column-unnamed"
    COLUMN_NAME_REPEATED = "column-name-repeated"
    MEANING_MISSING = "meaning-missing"
    WRONG_TYPE = "wrong-type"
    WRONG_PATTERN = "wrong-pattern"
    REQUIRED_MISSING = "required-missing"
    ROWS_MISSING = "rows-missing"
    OUT_OF_RANGE = "out-of-range"
    UNREADABLE_CHARACTERS = "unreadable-characters"
    DUPLICATE_ROWS = "duplicate-rows"
    MIXED_FORMS = "mixed-forms"
    ROWS_RAGGED = "rows-ragged"
    RULE_BROKEN = "rule-broken"
    RULE_NOT_APPLICABLE = "rule-not-applicable"
    FREQUENCY_UNDECLARED = "frequency-undeclared"
    TIME_COLUMN_MISSING = "time-column-missing"
    PERIOD_UNDECLARED = "period-undeclared"
    STALE = "stale"
    REREAD_DIFFERS = "reread-differs"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing that cost points, and how much of it there is."""

    fix: Fix
    dimension: Dimension
    subject: str | None  # a column's or a rule's name
    count: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """Scores in tenths of a point."""

    scores: Mapping[Dimension, int]
    score: int
    passed: bool
    age: Age
    shortfalls: tuple[Shortfall, ...]


def assess(profile: Profile, declared: Declared, as_of: datetime) -> Assessment:
    """Score a profile against what was declared, as of a moment."""
    age = age_of(profile.times(), declared, as_of)
    shares = {
        Dimension.CONFORMITY: _conformity(profile),
        Dimension.COMPLETENESS: _completeness(profile, declared),
        Dimension.ACCURACY: _accuracy(profile),
        Dimension.CONSISTENCY: _consistency(profile),
        Dimension.TIMELINESS: age.share,
        Dimension.ACCESSIBILITY: Fraction(profile.reads_alike, profile.reads),
    }
    scores = {dimension: tenths(share) for dimension, share in shares.items()}
    score = weighted(scores)
    return Assessment(scores, score, passes(scores), age, tuple(_shortfalls(profile, declared, age)))


def tenths(share: Fraction) -> int:
    """A share of one as tenths of a point, rounded down: 0.99999 → 999 (99.9)."""
    return (share * FULL).__floor__()


def weighted(scores: Mapping[Dimension, int]) -> int:
    """The whole score from the six, in tenths, rounded down."""
    return sum(WEIGHT_PERCENT[dimension] * scores[dimension] for dimension in Dimension) // 100


def passes(scores: Mapping[Dimension, int]) -> bool:
    """At least 70 in all and 60 in each dimension (rules.md §2.5.4)."""
    return weighted(scores) >= PASS_SCORE and min(scores.values()) >= PASS_DIMENSION


def points(score_tenths: int) -> str:
    """Tenths as a decimal string: 914 → `91.4`."""
    return f"{score_tenths // 10}.{score_tenths % 10}"


def tenths_of(text: str) -> int:
    """The reverse of `points`. Raises ValueError on any other form."""
    whole, dot, part = text.partition(".")
    value = int(whole) * 10 + int(part) if dot and part.isdigit() else -1
    if not 0 <= value <= FULL or points(value) != text:
        raise ValueError(f"not a score: {text!r}")
    return value


def _conformity(profile: Profile) -> Fraction:
    """Share of fields that are declared with a meaning and break neither type nor pattern."""
    if not profile.columns:
        return Fraction(0)
    names = [column.name for column in profile.columns]
    good = sum(1 for column in profile.columns if not any(_unconform(column, names)))
    return Fraction(good, len(profile.columns))


def _unconform(column: Column, names: Sequence[str]) -> Iterator[tuple[Fix, int]]:
    if not column.name:
        yield Fix.COLUMN_UNNAMED, 1
    elif names.count(column.name) > 1:
        yield Fix.COLUMN_NAME_REPEATED, 1
    elif column.declared is None:
        yield Fix.COLUMN_UNDECLARED, 1
    elif column.position is None:
        yield Fix.COLUMN_ABSENT, 1
    if column.declared is not None:
        if not column.declared.meaning.strip():
            yield Fix.MEANING_MISSING, 1
        if column.wrong_type:
            yield Fix.WRONG_TYPE, column.wrong_type
        if column.wrong_pattern:
            yield Fix.WRONG_PATTERN, column.wrong_pattern


def _required(profile: Profile) -> list[Column]:
    """Undeclared columns count as required, and so do all when none is: optional data is no data."""
    required = [column for column in profile.columns if column.declared is None or column.declared.required]
    return required or list(profile.columns)


def _expected(profile: Profile, declared: Declared) -> int:
    return max(declared.expected_rows or 0, profile.rows + profile.ragged)


def _completeness(profile: Profile, declared: Declared) -> Fraction:
    """1 − missing required cells, times records present ÷ expected."""
    required = _required(profile)
    cells = profile.rows * len(required)
    if not cells:
        return Fraction(0)
    present = Fraction(sum(column.present for column in required), cells)
    return present * Fraction(profile.rows, _expected(profile, declared))


def _accuracy(profile: Profile) -> Fraction:
    """1 − faulty cells ÷ cells with a value − duplicate rows ÷ rows."""
    present = sum(column.present for column in profile.columns)
    if not present:
        return Fraction(0)
    faulty = Fraction(sum(column.faulty for column in profile.columns), present)
    return max(Fraction(0), 1 - faulty - Fraction(profile.duplicates, profile.rows))


def _consistency(profile: Profile) -> Fraction:
    """The mean over rules of the share of checks that held: two built in, and each declared one."""
    present = sum(column.present for column in profile.columns)
    off_form = sum(column.off_form for column in profile.columns)
    shares = [
        Fraction(profile.rows, profile.rows + profile.ragged),
        1 - Fraction(off_form, max(present, 1)),
    ]
    shares += [Fraction(rule.passed, rule.checked) if rule.checked else Fraction(0) for rule in profile.rules]
    return sum(shares, Fraction(0)) / len(shares)


def _shortfalls(profile: Profile, declared: Declared, age: Age) -> Iterator[Shortfall]:
    names = [column.name for column in profile.columns]
    required = _required(profile)
    for column in profile.columns:
        for fix, count in _unconform(column, names):
            yield Shortfall(fix, Dimension.CONFORMITY, column.name, count)
        yield from _counted(
            column.name,
            (Fix.REQUIRED_MISSING, Dimension.COMPLETENESS, column.missing if column in required else 0),
            (Fix.OUT_OF_RANGE, Dimension.ACCURACY, column.out_of_range),
            (Fix.UNREADABLE_CHARACTERS, Dimension.ACCURACY, column.unreadable),
            (Fix.MIXED_FORMS, Dimension.CONSISTENCY, column.off_form),
        )
    yield from _counted(
        None,
        (Fix.ROWS_MISSING, Dimension.COMPLETENESS, _expected(profile, declared) - profile.rows),
        (Fix.DUPLICATE_ROWS, Dimension.ACCURACY, profile.duplicates),
        (Fix.ROWS_RAGGED, Dimension.CONSISTENCY, profile.ragged),
        (Fix.REREAD_DIFFERS, Dimension.ACCESSIBILITY, profile.reads - profile.reads_alike),
    )
    for rule in profile.rules:
        yield from _counted(
            f"{rule.left} {rule.op} {rule.right}",
            (Fix.RULE_NOT_APPLICABLE, Dimension.CONSISTENCY, 0 if rule.checked else profile.rows),
            (Fix.RULE_BROKEN, Dimension.CONSISTENCY, rule.checked - rule.passed),
        )
    if age.fix is not None:
        yield Shortfall(Fix(age.fix), Dimension.TIMELINESS, age.column, age.late_s)


def _counted(subject: str | None, *counts: tuple[Fix, Dimension, int]) -> Iterator[Shortfall]:
    for fix, dimension, count in counts:
        if count:
            yield Shortfall(fix, dimension, subject, count)
