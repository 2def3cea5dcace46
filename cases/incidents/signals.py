"""When a reading of the exchange's own signals is a warning, and of which level; pure.

Two rules. A reading at or above a limit of its table row is of that level. And where enough readings are
known, their moving average (EWMA) is held against them: a count that leaves its course warns below its
limits. Counts spread at least as far as chance spreads them (the root of their mean).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import sqrt
from typing import Final

from base.rule_table import RulesInForce
from cases.incidents.terms import rules_at, span_of

_MOST_DEVIATIONS: Final = 999_999


class Signal(StrEnum):
    SIGN_IN_FAILURES = "SIGN_IN_FAILURES"
    SIGN_IN_ACCOUNTS = "SIGN_IN_ACCOUNTS"  # at how many logins some failed: few tries each, many accounts
    REFUSED_ACCESSES = "REFUSED_ACCESSES"
    EGRESS_VOLUME = "EGRESS_VOLUME"
    EGRESS_DECLARED = "EGRESS_DECLARED"  # of a clearance: what left, in thousandths of what was declared
    GATEWAY_FAILURES = "GATEWAY_FAILURES"
    MARK_HIT = "MARK_HIT"  # a leaked file names a delivery
    WITNESS_LAG = "WITNESS_LAG"
    SPLIT_VIEW = "SPLIT_VIEW"
    AUDIT_PROBLEMS = "AUDIT_PROBLEMS"
    STORAGE_INTEGRITY = "STORAGE_INTEGRITY"
    RESTORE_REFUSED = "RESTORE_REFUSED"
    WEAKNESS = "WEAKNESS"  # somebody reports one


class Colour(StrEnum):
    """蓝, 黄, 橙, 红."""

    BLUE = "BLUE"
    YELLOW = "YELLOW"
    ORANGE = "ORANGE"
    RED = "RED"

    @property
    def rank(self) -> int:
        """1 for the lowest."""
        return _COLOURS.index(self) + 1


_COLOURS: Final = (Colour.BLUE, Colour.YELLOW, Colour.ORANGE, Colour.RED)
WATCHED: Final = (
    Signal.SIGN_IN_FAILURES,
    Signal.SIGN_IN_ACCOUNTS,
    Signal.REFUSED_ACCESSES,
    Signal.EGRESS_VOLUME,
    Signal.EGRESS_DECLARED,
    Signal.GATEWAY_FAILURES,
    Signal.WITNESS_LAG,
    Signal.SPLIT_VIEW,
)
"""What the clock reads by itself."""
TOLD: Final = frozenset(
    {Signal.AUDIT_PROBLEMS, Signal.STORAGE_INTEGRITY, Signal.RESTORE_REFUSED, Signal.GATEWAY_FAILURES}
)
"""What a probe of the operator tells: an audit, a scrub of the store, a restore drill, an outside check."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A warning's level and its numbers: `mean` and `deviations` in thousandths, None without a course."""

    colour: Colour
    value: int
    cited: str
    limit: int
    mean_milli: int | None = None
    deviations_milli: int | None = None

    def numbers(self) -> dict[str, str | int | None]:
        """As a statement says it: whole numbers as text."""
        return {
            "value": str(self.value),
            "limit": str(self.limit),
            "rule": self.cited,
            "mean_milli": None if self.mean_milli is None else str(self.mean_milli),
            "deviations_milli": None if self.deviations_milli is None else str(self.deviations_milli),
        }


def judge(signal: Signal, value: int, history: Sequence[int], at: datetime) -> Judged | None:
    """The warning that a reading is, if it is one; `history` are the earlier readings, oldest first."""
    rules = rules_at(at)
    by_limit = _by_limit(rules, signal, value)
    by_course = _by_course(rules, signal, value, history)
    both = [one for one in (by_limit, by_course) if one is not None]
    return max(both, key=lambda one: one.colour.rank, default=None)


def ack_by(colour: Colour, since: datetime) -> datetime:
    """Until when an officer acknowledges a warning of this level."""
    return since + span_of(rules_at(since).named("WRN-ACK", colour.value.lower()))


def window(at: datetime) -> timedelta:
    """How long a reading looks back."""
    return span_of(rules_at(at).named("WRN-WATCH", "window"))


def _by_limit(rules: RulesInForce, signal: Signal, value: int) -> Judged | None:
    found = None
    known = {one.name: one for one in rules.of(f"WRN-{signal.value}")}
    for colour in _COLOURS:
        line = known.get(colour.value.lower())
        if line is not None and value >= line.whole:
            found = Judged(colour, value, line.cited, line.whole)
    return found


def _by_course(rules: RulesInForce, signal: Signal, value: int, history: Sequence[int]) -> Judged | None:
    """The moving average beyond so many deviations of its own; None where nothing is known to compare."""
    least = next((one for one in rules.of(f"WRN-{signal.value}") if one.name == "ewma_least"), None)
    base = history[-rules.whole("WRN-WATCH", "history") :]
    if least is None or value < least.whole or len(base) < rules.whole("WRN-WATCH", "least_history"):
        return None
    mean = Fraction(sum(base), len(base))
    variance = sum((one - mean) ** 2 for one in base) / len(base)
    spread = sqrt(max(variance, mean, Fraction(1)))
    part = float(rules.fraction("WRN-WATCH", "ewma_part"))
    average = 0.0
    for one in (*base[-rules.whole("WRN-WATCH", "least_history") :], value):
        average += part * (float(one - mean) / spread - average)
    deviations = average / sqrt(part / (2 - part))
    for name, colour in (("ewma_orange", Colour.ORANGE), ("ewma_yellow", Colour.YELLOW)):
        line = rules.named("WRN-WATCH", name)
        if deviations >= line.whole:
            told = min(round(1000 * deviations), _MOST_DEVIATIONS)
            return Judged(colour, value, line.cited, line.whole, round(1000 * mean), told)
    return None
