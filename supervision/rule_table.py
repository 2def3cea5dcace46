"""The versioned rule table: every number of law a rule uses, with its source and its dates.

The numbers stand in `rule_table.csv`, one a line, so that a domain person can correct them without
code. `source_status` says how far to trust one: `verified` (primary text read), `secondary`,
`unverified` (from memory: never to be quoted as law) or `default` (this project's own).
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from importlib import resources
from typing import Final

from base.clock import SHANGHAI

STATUSES: Final = frozenset({"verified", "secondary", "unverified", "default"})


@dataclass(frozen=True, slots=True)
class RuleValue:
    """One number of one version of a rule. `effective_to` is the first day it is no longer in force."""

    rule_id: str
    version: str
    name: str
    value: str
    unit: str
    legal_basis: str
    effective_from: date | None
    effective_to: date | None
    source_status: str

    def in_force(self, day: date) -> bool:
        started = self.effective_from is None or self.effective_from <= day
        return started and (self.effective_to is None or day < self.effective_to)


class RulesInForce:
    """The rule table of one day: at most one version of each rule."""

    def __init__(self, values: Iterable[RuleValue]) -> None:
        self._values = tuple(values)
        rules: defaultdict[str, dict[str, RuleValue]] = defaultdict(dict)
        for value in self._values:
            named = rules[value.rule_id]
            if value.name in named or any(other.version != value.version for other in named.values()):
                raise ValueError(f"two versions of {value.rule_id}.{value.name} are in force at once")
            named[value.name] = value
        self._rules: Mapping[str, Mapping[str, RuleValue]] = dict(rules)

    @property
    def values(self) -> tuple[RuleValue, ...]:
        """Every number in force."""
        return self._values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RulesInForce) and other._values == self._values

    def __hash__(self) -> int:
        return hash(self._values)

    def __contains__(self, rule_id: str) -> bool:
        return rule_id in self._rules

    def version(self, rule_id: str) -> str:
        return next(iter(self._rules[rule_id].values())).version

    def since(self, rule_id: str) -> date | None:
        """The first day of the version in force; None where it has none."""
        return next(iter(self._rules[rule_id].values())).effective_from

    def legal_basis(self, rule_id: str) -> str:
        """The sources of the rule's numbers, each once."""
        return "；".join(dict.fromkeys(value.legal_basis for value in self._rules[rule_id].values()))

    def fraction(self, rule_id: str, name: str) -> Fraction:
        """An exact share: `2/3` stays two thirds."""
        return Fraction(self._rules[rule_id][name].value)

    def whole(self, rule_id: str, name: str) -> int:
        return int(self._rules[rule_id][name].value)

    def threshold(self, *rule_ids: str) -> dict[str, dict[str, str]]:
        """The numbers of these rules as a finding cites them, under names like `AML24-X@2.share_below`."""
        return {
            f"{rule_id}@{value.version}.{name}": {
                "value": value.value,
                "unit": value.unit,
                "source_status": value.source_status,
            }
            for rule_id in rule_ids
            for name, value in self._rules[rule_id].items()
        }


def all_values() -> tuple[RuleValue, ...]:
    """Every line of the table. Raises ValueError where a line is not of its form."""
    text = resources.files("supervision").joinpath("rule_table.csv").read_text(encoding="utf-8")
    return tuple(_value(line) for line in csv.DictReader(text.splitlines()))


def in_force(at: datetime, values: Iterable[RuleValue] | None = None) -> RulesInForce:
    """The rules in force at a time; the day is Shanghai's."""
    day = at.astimezone(SHANGHAI).date()
    return RulesInForce(v for v in (all_values() if values is None else values) if v.in_force(day))


def _value(line: Mapping[str, str]) -> RuleValue:
    if line["source_status"] not in STATUSES:
        raise ValueError(f"unknown source_status {line['source_status']!r}")
    Fraction(line["value"])
    return RuleValue(
        rule_id=line["rule_id"],
        version=line["version"],
        name=line["name"],
        value=line["value"],
        unit=line["unit"],
        legal_basis=line["legal_basis"],
        effective_from=_day(line["effective_from"]),
        effective_to=_day(line["effective_to"]),
        source_status=line["source_status"],
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
