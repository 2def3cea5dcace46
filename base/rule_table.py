"""The rule tables of the rooms: every number of law a rule uses, with its source and its dates; pure.

A room keeps its numbers in `rule_table.csv`, one a line, so that a domain person can correct them without
code. `source_status` says how far to trust one: `verified` (primary text read), `secondary`, `unverified`
(from memory: never to be quoted as law) or `default` (this project's own). Which version decides is asked for
a day: that of Shanghai.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Final

from base.calendar import shanghai_day

STATUSES: Final = frozenset({"verified", "secondary", "unverified", "default"})
_FILE: Final = "rule_table.csv"


@dataclass(frozen=True, slots=True)
class RuleValue:
    """One number of one version of a rule, as it is written; None where it has no first day.

    `effective_to` is the first day it is no longer in force.
    """

    rule_id: str
    version: str
    name: str
    value: str
    unit: str
    legal_basis: str
    effective_from: date | None
    effective_to: date | None
    source_status: str

    @property
    def cited(self) -> str:
        """As a decision cites it: `BRK-QUAL.2@1.dcmm`."""
        return f"{self.rule_id}@{self.version}.{self.name}"

    @property
    def whole(self) -> int:
        """Raises ValueError where it is none."""
        return int(self.value)

    @property
    def fraction(self) -> Fraction:
        """Exactly: `2/3` stays two thirds."""
        return _exactly(self.value)

    def in_force(self, day: date) -> bool:
        started = self.effective_from is None or self.effective_from <= day
        return started and (self.effective_to is None or day < self.effective_to)


@cache
def _exactly(value: str) -> Fraction:
    return Fraction(value)  # rules ask for the same few numbers in every cell


class RulesInForce:
    """The numbers of one day: at most one of each name. Raises ValueError where there are two."""

    def __init__(self, values: Iterable[RuleValue]) -> None:
        self._values = tuple(values)
        rules: defaultdict[str, dict[str, RuleValue]] = defaultdict(dict)
        for value in self._values:
            if value.name in rules[value.rule_id]:
                raise ValueError(f"two versions of {value.rule_id}.{value.name} are in force at once")
            rules[value.rule_id][value.name] = value
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

    def of(self, rule_id: str) -> tuple[RuleValue, ...]:
        """All numbers of a rule, in the order of the table."""
        return tuple(self._rules.get(rule_id, {}).values())

    def named(self, rule_id: str, name: str) -> RuleValue:
        """One of them; raises KeyError where none was in force."""
        return self._rules[rule_id][name]

    def fraction(self, rule_id: str, name: str) -> Fraction:
        """An exact share."""
        return self.named(rule_id, name).fraction

    def whole(self, rule_id: str, name: str) -> int:
        return self.named(rule_id, name).whole


def read(text: str) -> tuple[RuleValue, ...]:
    """Every line of a table. Raises ValueError where a line is not of its form."""
    return tuple(_value(line) for line in csv.DictReader(text.splitlines()))


@cache
def table_of(room: str) -> tuple[RuleValue, ...]:
    """The table that a room keeps."""
    return read(resources.files(room).joinpath(_FILE).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class RoomTable:
    """The table of a room, as its rules ask it."""

    room: str

    def all_terms(self) -> tuple[RuleValue, ...]:
        """Every line of the table."""
        return table_of(self.room)

    def term(self, rule_id: str, name: str, at: datetime) -> RuleValue:
        """A number as it is in force on a day in Shanghai. Raises KeyError where none was."""
        return RulesInForce(in_force(at, self.all_terms())).named(rule_id, name)


def in_force(at: datetime, values: Iterable[RuleValue]) -> list[RuleValue]:
    """The numbers in force at a moment; the day is Shanghai's."""
    day = shanghai_day(at)
    return [value for value in values if value.in_force(day)]


def day_of(text: str) -> date | None:
    """A day of a table; None where the field is empty."""
    return date.fromisoformat(text) if text else None


def known_status(text: str) -> str:
    """How far a row is to be trusted. Raises ValueError for another word."""
    if text not in STATUSES:
        raise ValueError(f"unknown source_status {text!r}")
    return text


def _value(line: Mapping[str, str]) -> RuleValue:
    Fraction(line["value"])
    return RuleValue(
        rule_id=line["rule_id"],
        version=line["version"],
        name=line["name"],
        value=line["value"],
        unit=line["unit"],
        legal_basis=line["legal_basis"],
        effective_from=day_of(line["effective_from"]),
        effective_to=day_of(line["effective_to"]),
        source_status=known_status(line["source_status"]),
    )
