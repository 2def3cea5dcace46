"""The time limits of a case, from the versioned table `rule_table.csv`; pure.

Working days are counted to the end of the last one in Shanghai, and so are days and months. 行政处罚法
art. 85 makes the two, three, five and seven days of that law working days.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final

from base.calendar import deadline_after, end_of_day_shanghai, months_after, shanghai_day
from cases.states import CaseEvent

DEADLINE: Final = "DEADLINE"
_E = CaseEvent
# What ends the time for something that is awaited; what nobody awaits any more ends with the case.
MEETS: Final[Mapping[CaseEvent, tuple[str, ...]]] = {
    _E.TRIAGE: ("triage",),
    _E.RECEIVE: ("receipt",),
    _E.CONTEST: ("receipt",),
    _E.SETTLE_JURISDICTION: ("jurisdiction",),
    _E.ASSIGN: ("jurisdiction",),
    _E.TRANSFER: ("answer", "verification"),
    _E.REFUSE: ("answer", "verification"),
    _E.ACCEPT: ("answer",),
    _E.AGREE: ("mediation",),
    _E.END: ("mediation",),
    _E.NO_CASE: ("verification", "decision"),
    _E.OPEN_CASE: ("verification",),
    _E.COMMITMENT: ("decision",),
    _E.FULFILLED: ("commitment",),
    _E.BROKEN: ("commitment",),
    _E.DECIDE: ("decision", "hearing_request"),
    _E.UPHOLD: ("ruling",),
    _E.CHANGE: ("ruling",),
    _E.REVOKE: ("ruling",),
    _E.PUBLISH: ("publication",),
    _E.TELL: ("telling", "mediation_telling"),
}
APPEALING: Final = frozenset({"review", "lawsuit", "lawsuit_after_review"})
"""Times of an appeal: they run whatever has become of the decision, and meanwhile its evidence is kept."""
SILENT: Final = APPEALING | {"hearing_request"}
"""Times of the party: nobody is late who does not use them."""


@dataclass(frozen=True, slots=True)
class Term:
    """A number of the table, with its unit and where it stands."""

    rule_id: str
    version: str
    name: str
    value: int
    unit: str
    legal_basis: str
    effective_from: date
    effective_to: date | None
    source_status: str

    def after(self, start: datetime) -> datetime:
        """The last moment in time."""
        if self.unit == "wd":
            return deadline_after(start, self.value).at
        day = shanghai_day(start)
        last = day + timedelta(days=self.value) if self.unit == "days" else months_after(day, self.value)
        return end_of_day_shanghai(last)


@cache
@cache
def all_terms() -> tuple[Term, ...]:
    """Every line of the table. Raises ValueError where a line is not of its form."""
    text = resources.files("cases").joinpath("rule_table.csv").read_text(encoding="utf-8")
    return tuple(_term(line) for line in csv.DictReader(text.splitlines()))


def term(name: str, at: datetime) -> Term:
    """A time limit as it is in force on a day. Raises KeyError where none was."""
    day = shanghai_day(at)
    for one in all_terms():
        if (
            one.name == name
            and one.effective_from <= day
            and (not one.effective_to or day < one.effective_to)
        ):
            return one
    raise KeyError(name)


def is_limited(acted_on: date, found_at: datetime, *, grave: bool) -> bool:
    """Whether what was done was found too late to be punished (行政处罚法 art. 36)."""
    name = "limitation_grave" if grave else "limitation"
    return shanghai_day(found_at) > months_after(acted_on, term(name, found_at).value)


def is_stale(acted_on: date, filed_at: datetime) -> bool:
    """Whether a complaint comes too late to be mediated."""
    return shanghai_day(filed_at) > months_after(acted_on, term("claim_age", filed_at).value)


def _term(line: dict[str, str]) -> Term:
    until = line["effective_to"]
    if line["unit"] not in {"wd", "days", "months"}:
        raise ValueError(f"unknown unit {line['unit']!r}")
    return Term(
        rule_id=line["rule_id"],
        version=line["version"],
        name=line["name"],
        value=int(line["value"]),
        unit=line["unit"],
        legal_basis=line["legal_basis"],
        effective_from=date.fromisoformat(line["effective_from"]),
        effective_to=date.fromisoformat(until) if until else None,
        source_status=line["source_status"],
    )
