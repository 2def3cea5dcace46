"""How an agency is scored, purely and exactly: frozen counts in, the same bytes out (R05, Appendix B).

The inputs are one canonical document: what was counted, of which records, under which numbers. A share is a
fraction; each indicator's is published in hundredths of a percent, rounded *down*, and the whole score is the
weighted mean of the published ones, rounded down: anyone can compute it again from either document.
An indicator without records is not weighed, and says so; no number is made up for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.errors import Malformed
from registry.evaluation.errors import InputsBroken

METHOD: Final = "databourse-agency-evaluation/1"
FULL: Final = 10_000  # hundredths of a percent
MAX_SHOWN: Final = 200
"""How many records of a group are named in a document; all of them are counted and digested."""
MAX_BYTES: Final = 1_000_000


class Indicator(StrEnum):
    """Appendix B: what an agency is measured by."""

    LISTS = "LISTS"
    CONFLICTS = "CONFLICTS"
    MOUNTING = "MOUNTING"
    SHARING = "SHARING"
    QUALITY = "QUALITY"
    OPENING = "OPENING"
    GRADING = "GRADING"
    INCIDENTS = "INCIDENTS"


class Weighed(StrEnum):
    """Whether an indicator counts; else why not."""

    SCORED = "SCORED"
    NO_RECORDS = "NO_RECORDS"  # the register is kept, and there is nothing in it to measure
    NOT_KEPT = "NOT_KEPT"  # no register of this is kept here


@dataclass(frozen=True, slots=True)
class Part:
    """One share of an indicator: the groups that are as they should be, and those that are not."""

    good: tuple[str, ...]
    bad: tuple[str, ...]


_I = Indicator
PARTS: Final[Mapping[Indicator, tuple[Part, ...]]] = {
    _I.LISTS: (Part(("complete",), ("incomplete",)), Part(("current",), ("outdated",))),
    _I.CONFLICTS: (Part(("settled",), ("conflict",)),),
    _I.MOUNTING: (Part(("mounted",), ("flagged", "unmounted")),),
    _I.SHARING: (Part(("in_time",), ("late", "unanswered")),),
    _I.QUALITY: (Part(("fresh",), ("stale",)),),
    _I.OPENING: (Part(("met",), ("late", "missed")),),
    _I.GRADING: (Part(("graded",), ("ungraded",)),),
    _I.INCIDENTS: (),
}
"""The parts of each indicator, whose mean is its share. Beside them QUALITY has the sum of the measured
scores over all files, measured or not, and INCIDENTS begins at the whole and loses a step for each record."""
GROUPS: Final[Mapping[Indicator, tuple[str, ...]]] = {
    name: tuple(group for part in parts for group in (*part.good, *part.bad)) for name, parts in PARTS.items()
} | {
    _I.QUALITY: ("measured", "unmeasured", "fresh", "stale"),
    _I.INCIDENTS: ("incident", "overdue"),
}
BAD: Final = frozenset(
    {group for parts in PARTS.values() for part in parts for group in part.bad}
    | {"incident", "overdue", "unmeasured"}
)
"""The groups whose records cost points: what a drill-down shows first."""


def group_of(ids: Iterable[str]) -> dict[str, Any]:
    """A group of records as inputs keep it: how many, the digest of all ids a line each, the first ones."""
    named = sorted(ids)
    return {
        "count": len(named),
        "sha256": sha256_hex("".join(f"{one}\n" for one in named).encode()),
        "ids": named[:MAX_SHOWN],
    }


def freeze(
    *,
    agency_id: str,
    period: Mapping[str, str],
    as_of: str,
    rules: Mapping[str, Mapping[str, str]],
    facts: Mapping[Indicator, Mapping[str, Any] | None],
) -> bytes:
    """The canonical inputs of one evaluation. `facts` is None of an indicator that nothing is kept of."""
    return canonical(
        {
            "method": METHOD,
            "agency_id": agency_id,
            "period": dict(period),
            "as_of": as_of,
            "rules": {name: dict(values) for name, values in rules.items()},
            "indicators": {name.value: _plain(facts.get(name)) for name in Indicator},
        }
    )


def _plain(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if facts is None else dict(facts)


def compute(inputs: bytes) -> bytes:
    """The canonical result of frozen inputs: the same bytes each time. Raises InputsBroken."""
    return canonical(result_of(inputs))


def result_of(inputs: bytes) -> dict[str, Any]:
    """Shares, the score and the grade, as a document. Raises InputsBroken."""
    said = read_inputs(inputs)
    rules = said["rules"]
    try:
        shown = [_scored(name, said["indicators"][name.value], rules) for name in Indicator]
        weighed = sum(one["weight"] for one in shown if one["share"] is not None)
        score = _whole(shown, weighed)
        least = int(rules["EVL-CALC"]["least_weight"])
        graded = score is not None and weighed >= least
        grade = _grade(score, rules["EVL-GRADE"]) if score is not None and graded else None
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
        raise InputsBroken("a member is missing or of another form", reason=type(error).__name__) from None
    return {
        "method": METHOD,
        "inputs_sha256": sha256_hex(inputs),
        "indicators": shown,
        "weighed": weighed,
        "weights": sum(one["weight"] for one in shown),
        "score": score,
        "grade": grade,
    }


def read_inputs(inputs: bytes) -> dict[str, Any]:
    """Frozen inputs as a document. Raises InputsBroken unless they are the canonical bytes of one."""
    if len(inputs) > MAX_BYTES:
        raise InputsBroken("too long", bytes=len(inputs))
    try:
        said = orjson.loads(inputs)
        whole = (
            isinstance(said, dict)
            and canonical(said) == inputs
            and said["method"] == METHOD
            and set(said["indicators"]) == {name.value for name in Indicator}
        )
    except (ValueError, KeyError, TypeError, Malformed):
        raise InputsBroken("not the canonical document of an evaluation") from None
    if not whole:
        raise InputsBroken("not the canonical document of an evaluation")
    document: dict[str, Any] = said
    return document


def _scored(
    name: Indicator, facts: Mapping[str, Any] | None, rules: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    weight = int(rules["EVL-IND"][name.value])
    share = None if facts is None else _share(name, facts, rules["EVL-CALC"])
    state = Weighed.NOT_KEPT if facts is None else Weighed.NO_RECORDS if share is None else Weighed.SCORED
    shown = None if share is None else (share * FULL).__floor__()
    return {
        "name": name.value,
        "weight": weight,
        "state": state.value,
        "share": shown,
        "points": None if shown is None else weight * shown // 100,
    }


def _share(name: Indicator, facts: Mapping[str, Any], calc: Mapping[str, str]) -> Fraction | None:
    """From 0 to 1; None where there is nothing to divide by."""
    counts = {group: _count(facts["groups"][group]["count"]) for group in GROUPS[name]}
    if name is Indicator.INCIDENTS:
        lost = counts["incident"] * Fraction(calc["incident_step"])
        lost += counts["overdue"] * Fraction(calc["overdue_step"])
        return max(Fraction(0), 1 - lost)
    shares = [share for part in PARTS[name] if (share := _part(part, counts)) is not None]
    files = counts["measured"] + counts["unmeasured"] if name is Indicator.QUALITY else 0
    if files:
        tenths = _count(facts["tenths"])
        if tenths > 1000 * counts["measured"]:
            raise ValueError("a mean above the whole")
        shares.append(Fraction(tenths, 1000 * files))  # the mean, times measured ÷ files
    return sum(shares, Fraction(0)) / len(shares) if shares else None


def _part(part: Part, counts: Mapping[str, int]) -> Fraction | None:
    good = sum(counts[group] for group in part.good)
    whole = good + sum(counts[group] for group in part.bad)
    return Fraction(good, whole) if whole else None


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("no count")
    return value


def _whole(shown: Sequence[Mapping[str, Any]], weighed: int) -> int | None:
    """The weighted mean of the published shares, in hundredths of a point, rounded down."""
    if not weighed:
        return None
    return int(sum(one["weight"] * one["share"] for one in shown if one["share"] is not None) // weighed)


def _grade(score: int, thresholds: Mapping[str, str]) -> str:
    """The capability rating (能力评级): the highest grade whose threshold is reached."""
    steps = sorted(
        ((int(least), name) for name, least in thresholds.items() if name != "version"), reverse=True
    )
    return next(name for least, name in steps if score >= least)


def points(hundredths: int) -> str:
    """Hundredths of a point as a decimal string: 9876 → `98.76`."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"
