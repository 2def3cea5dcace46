"""What a registrar's seat asks: its conditions, its place in the numbers, and what it owes each year; pure.

Source: 数据产权登记工作指引(试行), on registration agencies (登记机构).
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from base.calendar import add_working_days, deadline_after, end_of_day_shanghai, months_after, shanghai_day
from registry.registration.errors import (
    RegistrarUnfit,
    RegistrarYearUnfit,
    RegistrationMalformed,
    ToldTooLate,
)
from registry.registration.terms import term

LEFT: Final = "LEFT"
"""The reason for which a registrar's recognition ends that has told that it leaves."""
_AGENCY: Final = re.compile(r"[0-9A-Z]")


class PaperKind(StrEnum):
    REPORT = "REPORT"
    ASSESSMENT = "ASSESSMENT"
    CHANGE = "CHANGE"
    LEAVE = "LEAVE"


YEARLY: Final = (PaperKind.REPORT, PaperKind.ASSESSMENT)
TOLD: Final = (PaperKind.CHANGE, PaperKind.LEAVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrarFacts:
    """What the data authority looked at when it recognised a registrar."""

    enterprise: bool
    paid_in_capital_minor: int
    experience_years: int
    staff_experience_years: int
    mlps: int
    clean_years: int


def check_registrar(facts: RegistrarFacts, at: datetime) -> None:
    """The conditions of a registrar (guideline). Raises RegistrarUnfit, naming what is short."""
    asked = (
        ("capital", facts.paid_in_capital_minor if facts.enterprise else None),
        ("experience", facts.experience_years),
        ("staff_experience", facts.staff_experience_years),
        ("mlps", facts.mlps),
        ("clean", facts.clean_years),
    )
    short = [name for name, has in asked if has is not None and has < term("REG-AGENCY", name, at).whole]
    if short:
        raise RegistrarUnfit("the conditions of a registrar are not met", short=short)


def check_seat(region: str, agency: str) -> None:
    """The two digits of a province and the one character of an agency. Raises RegistrationMalformed."""
    if not (len(region) == 2 and region.isdigit() and _AGENCY.fullmatch(agency)):  # noqa: PLR2004
        raise RegistrationMalformed("two digits of a region, one of an agency", fields=["region", "agency"])


def check_year(year: int, *, recognised_at: datetime, at: datetime) -> None:
    """A year that is over, and in which the registrar was recognised. Raises RegistrarYearUnfit."""
    if not shanghai_day(recognised_at).year <= year < shanghai_day(at).year:
        raise RegistrarYearUnfit("not a year that is over and in which it was recognised", year=year)


def owed_by(kind: PaperKind, year: int, at: datetime) -> datetime:
    """The last moment for the report on a year, or for its assessment: in the year after."""
    month, day = (term("REG-AGENCY", f"{kind.value.lower()}_{part}", at).whole for part in ("month", "day"))
    return end_of_day_shanghai(date(year + 1, month, day))


def check_told(kind: PaperKind, effective_on: date, at: datetime) -> None:
    """A change is told some working days before, leaving half a year before. Raises ToldTooLate."""
    today = shanghai_day(at)
    if kind is PaperKind.LEAVE:
        first = months_after(today, term("REG-AGENCY", "leave_notice", at).whole)
    else:
        first = add_working_days(today, term("REG-AGENCY", "change_notice", at).whole)
    if effective_on < first:
        raise ToldTooLate("not before this day", earliest=first.isoformat())


def leave_decided_by(at: datetime) -> datetime:
    """Until when the data authority says whether a registrar may leave that tells it now."""
    return deadline_after(at, term("REG-AGENCY", "leave_decision", at).whole).at
