"""The ladder of penalties, one row of law a line of `penalty_ladder.csv`, with its version, dates and source.

Amounts are fen, shares of sales basis points. A row of lower rank in the file is the more general one: of the
rows of a norm the first whose `when` holds is the tier that applies (`cases.penalties`).
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from base.rule_table import day_of, known_status

NORM: Final = "PN-"
ESPECIALLY_SERIOUS: Final = "PN-AML-63"


class Basis(StrEnum):
    """What a row's bounds are counted in."""

    FEN = "FEN"
    SALES_BP = "SALES_BP"  # basis points of last year's sales, at most `cap`
    SALES_BP_OR_FEN = "SALES_BP_OR_FEN"  # the same, or up to `cap`, whichever is more
    TIMES_GAINS = "TIMES_GAINS"
    TIMES_FINE = "TIMES_FINE"  # of the fine that another norm sets
    RANGE_BP = "RANGE_BP"  # relief: which part of the range is left
    CUT_BP = "CUT_BP"  # leniency: what is forgiven of the fine


class Whom(StrEnum):
    ENTITY = "ENTITY"
    PERSON = "PERSON"  # who was in charge, or is directly liable
    ASSOCIATION = "ASSOCIATION"
    ANY = "ANY"


@dataclass(frozen=True, slots=True)
class Row:
    """One tier of one norm. `when` is alternatives that have to hold (`+`: all of it); empty holds always."""

    code: str
    version: str
    who: Whom
    tier: str
    when: tuple[str, ...]
    basis: Basis
    low: int
    high: int
    cap: int | None
    confiscate: bool
    measures: tuple[str, ...]
    legal_basis: str
    effective_from: date
    effective_to: date | None
    source_status: str

    @property
    def cited(self) -> str:
        """As a decision cites it: `PN-DSL-47@1.small_or_no_gains`."""
        return f"{self.code}@{self.version}.{self.tier}"

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


@cache
def all_rows() -> tuple[Row, ...]:
    """Every line of the ladder. Raises ValueError where a line is not of its form."""
    text = resources.files("cases").joinpath("penalty_ladder.csv").read_text(encoding="utf-8")
    return tuple(_row(line) for line in csv.DictReader(text.splitlines()))


def codes(rows: Iterable[Row] | None = None) -> Sequence[str]:
    """The norms that somebody can break, in the order of the ladder."""
    found = {row.code: None for row in (all_rows() if rows is None else rows) if row.code.startswith(NORM)}
    return [code for code in found if code != ESPECIALLY_SERIOUS]


def _row(line: dict[str, str]) -> Row:
    row = Row(
        code=line["code"],
        version=line["version"],
        who=Whom(line["who"]),
        tier=line["tier"],
        when=tuple(one for one in line["when"].split("|") if one),
        basis=Basis(line["basis"]),
        low=int(line["low"]),
        high=int(line["high"]),
        cap=int(line["cap"]) if line["cap"] else None,
        confiscate=line["confiscate"] == "yes",
        measures=tuple(line["measures"].split()),
        legal_basis=line["legal_basis"],
        effective_from=date.fromisoformat(line["effective_from"]),
        effective_to=day_of(line["effective_to"]),
        source_status=known_status(line["source_status"]),
    )
    if not 0 <= row.low <= row.high:
        raise ValueError(f"{row.cited} has no range")
    return row
