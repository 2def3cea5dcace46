"""The time limits of a case, from the versioned table `rule_table.csv`; pure.

Working days are counted to the end of the last one in Shanghai, and so are days and months. 行政处罚法
art. 85 makes the two, three, five and seven days of that law working days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from base.calendar import deadline_after, end_of_day_shanghai, months_after, shanghai_day
from base.rule_table import RulesInForce, RuleValue, in_force, table_of
from cases.states import CaseEvent

DEADLINE: Final = "DEADLINE"
_NAMED: Final = {"receipt": "jurisdiction"}
_UNITS: Final = frozenset({"wd", "days", "months"})
_E = CaseEvent
# What ends the time for something that is awaited; what nobody awaits any more ends with the case.
MEETS: Final[Mapping[CaseEvent, tuple[str, ...]]] = {
    _E.TRIAGE: ("triage",),
    _E.RECEIVE: ("receipt",),
    _E.CONTEST: ("receipt",),
    _E.SETTLE_JURISDICTION: ("jurisdiction",),
    _E.ASSIGN: ("jurisdiction",),
    _E.TRANSFER: ("first_answer", "answer", "verification"),
    _E.REFUSE: ("first_answer", "answer", "verification"),
    _E.ACCEPT: ("first_answer", "answer"),
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
    _E.TELL: ("first_answer", "telling", "mediation_telling"),
}
APPEALING: Final = frozenset({"review", "lawsuit", "lawsuit_after_review"})
"""Times of an appeal: they run whatever has become of the decision, and meanwhile its evidence is kept."""
SILENT: Final = APPEALING | {"hearing_request"}
"""Times of the party: nobody is late who does not use them."""


@dataclass(frozen=True, slots=True)
class Term:
    """A number of the table: so many working days, days or months."""

    row: RuleValue

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def value(self) -> int:
        return self.row.whole

    def after(self, start: datetime) -> datetime:
        """The last moment in time."""
        if self.row.unit == "wd":
            return deadline_after(start, self.value).at
        day = shanghai_day(start)
        in_days = self.row.unit == "days"
        last = day + timedelta(days=self.value) if in_days else months_after(day, self.value)
        return end_of_day_shanghai(last)


@cache
def all_terms() -> tuple[Term, ...]:
    """Every line of the table. Raises ValueError where a line is not of its form."""
    rows = table_of("cases")
    for row in rows:
        if row.unit not in _UNITS:
            raise ValueError(f"unknown unit {row.unit!r}")
    return tuple(Term(row) for row in rows)


def term(name: str, at: datetime) -> Term:
    """A time limit as it is in force on a day. Raises KeyError where none was."""
    return Term(RulesInForce(in_force(at, (one.row for one in all_terms()))).named(DEADLINE, name))


def basis_of(matter: str, at: datetime, *, way: str = "") -> Term | None:
    """The term that a deadline of a case rests on; None for a day that somebody has named."""
    name = f"{way.lower()}_{matter}" if matter == "ruling" else _NAMED.get(matter, matter)
    try:
        return term(name, at)
    except KeyError:
        return None


def is_limited(acted_on: date, found_at: datetime, *, grave: bool) -> bool:
    """Whether what was done was found too late to be punished (行政处罚法 art. 36)."""
    name = "limitation_grave" if grave else "limitation"
    return shanghai_day(found_at) > months_after(acted_on, term(name, found_at).value)


def is_stale(acted_on: date, filed_at: datetime) -> bool:
    """Whether a complaint comes too late to be mediated."""
    return shanghai_day(filed_at) > months_after(acted_on, term("claim_age", filed_at).value)
