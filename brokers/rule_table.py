"""The numbers of the rules on brokers, one a line of `rule_table.csv`, each with its source and its dates.

Which version decides is asked for a day: an application is measured by the rules in force on the day it came
in, a deadline by those of the day it begins. The columns are those of `supervision/rule_table.csv`.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Final

from base.calendar import shanghai_day

STATUSES: Final = frozenset({"verified", "secondary", "unverified", "default"})


@dataclass(frozen=True, slots=True)
class RuleValue:
    """A number of a version of a rule. `effective_to` is the first day it is no longer in force."""

    rule_id: str
    version: str
    name: str
    value: int
    unit: str
    legal_basis: str
    effective_from: date
    effective_to: date | None
    source_status: str

    @property
    def cited(self) -> str:
        """As a decision cites it: `BRK-QUAL.2@1.dcmm`."""
        return f"{self.rule_id}@{self.version}.{self.name}"

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


class RulesInForce:
    """The rules of one day. Raises ValueError where two values of one name are in force at once."""

    def __init__(self, values: Iterable[RuleValue]) -> None:
        self._values: dict[tuple[str, str], RuleValue] = {}
        for value in values:
            if self._values.setdefault((value.rule_id, value.name), value) is not value:
                raise ValueError(f"two versions of {value.rule_id}.{value.name} are in force at once")

    def number(self, rule_id: str, name: str) -> int:
        """A whole number; raises KeyError where no version was in force."""
        return self._values[rule_id, name].value

    def of(self, rule_id: str) -> tuple[RuleValue, ...]:
        """All values of a rule, in the order of the table."""
        return tuple(value for (rule, _), value in self._values.items() if rule == rule_id)


@cache
def all_values() -> tuple[RuleValue, ...]:
    """Every line of the table. Raises ValueError where a line is not of its form."""
    text = resources.files("brokers").joinpath("rule_table.csv").read_text(encoding="utf-8")
    return tuple(_value(line) for line in csv.DictReader(text.splitlines()))


def in_force(at: datetime, values: Iterable[RuleValue] | None = None) -> RulesInForce:
    """The rules in force at a moment; the day is Shanghai's."""
    day = shanghai_day(at)
    return RulesInForce(v for v in (all_values() if values is None else values) if v.in_force(day))


def _value(line: dict[str, str]) -> RuleValue:
    if line["source_status"] not in STATUSES:
        raise ValueError(f"unknown source_status {line['source_status']!r}")
    until = line["effective_to"]
    return RuleValue(
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
