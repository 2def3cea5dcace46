"""A broker's conduct record in the register: what was decided, from when to when, and by whom. Pure.

Suspected is nothing here: an open case, a finding, an objection that is undecided are in no conduct record.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.clock import parse_rfc3339
from brokers.register import Holding, Step

_SUSPENDED: Final = "SUSPENDED"
_KINDS: Final = {
    "BRK.WARN": "WARNING",
    "BRK.RECTIFY": "RECTIFICATION",
    "BRK.CUT_SCOPE": "SCOPE_CUT",
    "BRK.REVOKE": "REVOCATION",
    "BRK.EXIT_NOTICE": "EXIT_NOTICE",
    "BRK.EXIT": "EXIT",
}
_ENDS: Final = {"BRK.RECTIFY": "rectify_by", "BRK.REVOKE": "barred_until", "BRK.EXIT_NOTICE": "exits_at"}
SUSPENSION: Final = "SUSPENSION"
REPORT_MISSED: Final = "REPORT_MISSED"
RECTIFICATION_MISSED: Final = "RECTIFICATION_MISSED"
_MISSED: Final = {"BRK.MISS_REPORT": REPORT_MISSED, "BRK.RECTIFY_MISS": RECTIFICATION_MISSED}
KINDS: Final = (*_KINDS.values(), SUSPENSION, *_MISSED.values())


@dataclass(frozen=True, slots=True)
class Measure:
    """What was decided, or fell due. `until`: a suspension's or a bar's end, what was set as a term.

    A suspension without `until` stands. `ended_by` is the event that ended it.
    """

    kind: str
    at: datetime
    by: str
    step: Step
    reason_code: str | None = None
    case_id: str | None = None
    until: datetime | None = None
    ended_by: str | None = None


def record_of(holding: Holding, *, at: datetime | None = None) -> list[Measure]:
    """The measures on one certificate, first to last, as they stood at a moment (None: now)."""
    steps = holding.steps if at is None else holding.until(at)
    found: list[Measure] = []
    for place, step in enumerate(steps):
        if step.event in _MISSED:
            found.append(_measure(_MISSED[step.event], step))
        if step.after == _SUSPENDED and step.before != _SUSPENDED:
            end = next((one for one in steps[place + 1 :] if one.after != _SUSPENDED), None)
            until, ended_by = (None, None) if end is None else (end.at, end.event)
            found.append(_measure(SUSPENSION, step, until=until, ended_by=ended_by))
        elif step.event in _KINDS:
            named = step.says.get(_ENDS.get(step.event, ""))
            until = parse_rfc3339(named) if isinstance(named, str) else None
            found.append(_measure(_KINDS[step.event], step, until=until))
    return found


def records_of(holdings: Iterable[Holding], *, at: datetime | None = None) -> list[Measure]:
    """The measures on all certificates of a broker, first to last."""
    found = [measure for held in holdings for measure in record_of(held, at=at)]
    return sorted(found, key=lambda measure: (measure.at, measure.step.statement_id))


def _measure(kind: str, step: Step, *, until: datetime | None = None, ended_by: str | None = None) -> Measure:
    return Measure(
        kind,
        step.at,
        str(step.says.get("role", "")),
        step,
        step.says.get("reason_code"),
        step.says.get("case_id"),
        until,
        ended_by,
    )
