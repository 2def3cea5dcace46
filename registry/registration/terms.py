"""The numbers of registration, one a line of `rule_table.csv`, as they are in force on a day; pure."""

import csv
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources

from base.calendar import shanghai_day


@dataclass(frozen=True, slots=True)
class Term:
    """A number with its unit and basis; `effective_to` is the first day it is no longer in force."""

    rule_id: str
    version: str
    name: str
    value: int
    unit: str
    legal_basis: str
    effective_from: date
    effective_to: date | None
    source_status: str


@cache
def all_terms() -> tuple[Term, ...]:
    """Every line of the table."""
    text = resources.files("registry.registration").joinpath("rule_table.csv").read_text(encoding="utf-8")
    return tuple(_term(line) for line in csv.DictReader(text.splitlines()))


def term(rule_id: str, name: str, at: datetime) -> Term:
    """A number as it is in force on a day in Shanghai. Raises KeyError where none was."""
    day = shanghai_day(at)
    for one in all_terms():
        in_time = one.effective_from <= day and (one.effective_to is None or day < one.effective_to)
        if (one.rule_id, one.name) == (rule_id, name) and in_time:
            return one
    raise KeyError((rule_id, name))


def _term(line: dict[str, str]) -> Term:
    until = line["effective_to"]
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
