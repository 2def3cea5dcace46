"""The form of the survey, its dates, what cannot be and what is unlikely. Pure.

`scenarios.md` Appendix A names the items and classes. Numbers marked [D] are this design's.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any, Final

from base.calendar import at_shanghai, end_of_day_shanghai, shanghai_day
from market.surveys.errors import SurveyMalformed, SurveyNotOpen

SPENT: Final = ("collection", "purchase", "cleaning", "storage", "analysis", "security", "circulation")
AMOUNTS: Final = (*(f"{item}_minor" for item in SPENT), "on_exchange_minor", "off_exchange_minor")
WHOLE_BP: Final = 10_000
MOST_MINOR: Final = 10**15
MOST_LINES: Final = 50
MOST_CSV: Final = 100_000
MOST_YEARS: Final = 50
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199
CLASSES: Final[Mapping[str, tuple[str, ...]]] = {
    "source": ("public", "enterprise", "personal"),
    "form": ("structured", "semi-structured", "text", "image", "audio-video", "model", "other"),
    "stage": ("resource", "product", "asset"),
    "right": ("HOLD", "USE", "OPERATE"),
    "level": ("general-1", "general-2", "general-3", "general-4", "important"),
}
"""What a line is classed by, beside region, industry and whether data cross the border. Core data is not
asked about: it is no business of an exchange."""
_REGION: Final = re.compile(r"[1-8][0-9]{5}")
_INDUSTRY: Final = re.compile(r"[A-T]([0-9]{2})?")
_DUE: Final = (3, 31)
_DEVIATION_PERCENT: Final = 5
_JUMP: Final = 10
_YES: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
ANSWERERS: Final = frozenset(
    {"PROVIDER", "BUYER", "BROKER", "DATA_MERCHANT", "THIRD_PARTY", "PUBLIC_AGENCY", "OPERATING_INSTITUTION"}
)
"""Whose members are units of the survey [D]: who makes, holds, trades or uses data."""


READERS: Final = frozenset({"DATA_AUTHORITY", "AUDITOR"})
"""Who sees who has not answered."""


@dataclass(frozen=True, slots=True)
class SurveyLine:
    """One class of a unit's data in a year: what was spent, for whom, for how long, and what was sold.

    Amounts in fen with tax, shares per 10,000, life in whole years, industry a section of GB/T 4754 with or
    without its division (`I`, `I65`), region of GB/T 2260.
    """

    source: str
    form: str
    industry: str
    stage: str
    right: str
    level: str
    region: str
    cross_border: bool
    collection_minor: int
    purchase_minor: int
    cleaning_minor: int
    storage_minor: int
    analysis_minor: int
    security_minor: int
    circulation_minor: int
    staff_bp: int
    own_use_bp: int
    useful_life_years: int
    on_exchange_minor: int
    off_exchange_minor: int

    @property
    def expenditure(self) -> int:
        return sum(getattr(self, f"{item}_minor") for item in SPENT)

    @property
    def sales(self) -> int:
        return self.on_exchange_minor + self.off_exchange_minor

    def document(self) -> dict[str, Any]:
        """As the opening holds it: amounts are strings."""
        return {
            one.name: str(value) if one.name in AMOUNTS else value
            for one in fields(self)
            for value in (getattr(self, one.name),)
        }


def opens_at(year: int) -> datetime:
    """When a year is asked about: the first of January after it, in Shanghai."""
    return at_shanghai(date(year + 1, 1, 1), time())


def due_at(year: int) -> datetime:
    """Until when it is to be answered: the end of 31 March after it [D]. What comes later is late."""
    return end_of_day_shanghai(date(year + 1, *_DUE))


def asked_year(now: datetime) -> int:
    """The year that is asked about now: the last one that is over."""
    return shanghai_day(now).year - 1


def check_open(year: int, now: datetime) -> None:
    """Raises SurveyNotOpen."""
    if year < FIRST_YEAR or now < opens_at(year):
        raise SurveyNotOpen("this year is not asked about yet", year=year)


def check_lines(lines: Sequence[SurveyLine]) -> None:
    """Raises SurveyMalformed, naming what is wrong in which line."""
    wrong = [
        {"line": number, "field": field, "says": says}
        for number, line in enumerate(lines, 1)
        for field, says in _wrong(line)
    ]
    if not 1 <= len(lines) <= MOST_LINES:
        wrong.append({"line": 0, "field": "lines", "says": f"an answer has 1 to {MOST_LINES} lines"})
    if wrong:
        raise SurveyMalformed(f"{wrong[0]['field']}: {wrong[0]['says']}", lines=wrong)


def _wrong(line: SurveyLine) -> Iterator[tuple[str, str]]:
    for name, known in CLASSES.items():
        if getattr(line, name) not in known:
            yield name, f"one of {', '.join(known)}"
    if _REGION.fullmatch(line.region) is None:
        yield "region", "six digits of GB/T 2260"
    if _INDUSTRY.fullmatch(line.industry) is None:
        yield "industry", "a section of GB/T 4754, A to T, with or without two digits"
    for name in AMOUNTS:
        if not 0 <= getattr(line, name) <= MOST_MINOR:
            yield name, "fen, not negative"
    for name in ("staff_bp", "own_use_bp"):
        if not 0 <= getattr(line, name) <= WHOLE_BP:
            yield name, "a share per 10,000"
    if not 1 <= line.useful_life_years <= MOST_YEARS:
        yield "useful_life_years", f"1 to {MOST_YEARS} years"
    yield from _at_odds(line)


def _at_odds(line: SurveyLine) -> Iterator[tuple[str, str]]:
    """What of a line does not go with the rest of it."""
    if line.expenditure == 0 and line.sales == 0:
        yield "collection_minor", "a line has an expenditure or a sale"
    if line.own_use_bp == WHOLE_BP and line.sales > 0:
        yield "own_use_bp", "what was sold was not all for own use"
    if line.stage == "resource" and line.on_exchange_minor > 0:
        yield "stage", "an exchange sells products: a resource has no sale there"


def doubts(lines: Sequence[SurveyLine], *, settled_minor: int, before_minor: int | None) -> tuple[str, ...]:
    """What is unlikely in an answer; an explanation lets it pass.

    `settled_minor` is what this exchange settled for the unit as a seller in the year, `before_minor` its
    expenditure of the year before, where it told one. The limits are [D].
    """
    told = sum(line.on_exchange_minor for line in lines)
    spent = sum(line.expenditure for line in lines)
    checks = {
        "exchange-sales-below": 100 * told < (100 - _DEVIATION_PERCENT) * settled_minor,
        "jump": bool(before_minor)
        and (spent > _JUMP * (before_minor or 0) or _JUMP * spent < (before_minor or 0)),
        "staff-of-purchases": any(
            line.staff_bp * line.expenditure > WHOLE_BP * (line.expenditure - line.purchase_minor)
            for line in lines
        ),
        "storage-unsecured": any(line.storage_minor > 0 and line.security_minor == 0 for line in lines),
        "sales-without-cost": any(line.sales > 0 and line.expenditure == 0 for line in lines),
    }
    return tuple(name for name, found in checks.items() if found)


def lines_of(text: str) -> list[SurveyLine]:
    """The lines of a CSV: a header with the names of SurveyLine, in any order, and a row a line.

    Raises SurveyMalformed, naming line and column.
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise SurveyMalformed(f"not CSV: {error}", lines=[]) from None
    names = {one.name for one in fields(SurveyLine)}
    odd = sorted(names ^ set(reader.fieldnames or ()))
    if odd or len(reader.fieldnames or ()) != len(names):
        raise SurveyMalformed(f"columns are missing, twice there or unknown: {', '.join(odd)}", lines=[])
    return [_line(number, row) for number, row in enumerate(rows, 1)]


def _line(number: int, row: Mapping[str | None, Any]) -> SurveyLine:
    values: dict[str, Any] = {}
    for one in fields(SurveyLine):
        text = row.get(one.name)
        try:
            if text is None or None in row:
                raise ValueError("as many cells as columns")
            values[one.name] = _value(one.type, str(text).strip())
        except (ValueError, KeyError):
            says = f"not {'a whole number' if one.type is int else 'true or false'}: {str(text)[:40]!r}"
            wrong = {"line": number, "field": one.name, "says": says}
            raise SurveyMalformed(f"{one.name}: {says}", lines=[wrong]) from None
    return SurveyLine(**values)


def _value(kind: Any, text: str) -> Any:
    if kind is int:
        if not (text.isascii() and text.isdigit()):
            raise ValueError(text)
        return int(text)
    return _YES[text.lower()] if kind is bool else text


def total(lines: Iterable[SurveyLine]) -> int:
    """Everything that was spent, in fen."""
    return sum(line.expenditure for line in lines)
