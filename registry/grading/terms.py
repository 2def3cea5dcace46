"""The numbers of grading (`rule_table.csv`), as they are in force on a day; pure."""

import calendar
from datetime import datetime
from typing import Final

from base.clock import SHANGHAI
from base.rule_table import RoomTable
from registry.grading.rules import Thresholds
from registry.rules import Level

_TABLE: Final = RoomTable("registry.grading")
all_terms = _TABLE.all_terms


def number(rule_id: str, name: str, at: datetime) -> int:
    """A number as it is in force on a day in Shanghai. Raises KeyError where none was."""
    return _TABLE.term(rule_id, name, at).whole


def thresholds(at: datetime) -> Thresholds:
    """The amounts that raise a level."""
    names = ("important_persons", "important_sensitive", "raising_persons", "raising_sources")
    return Thresholds(**{name: number("GRADE-AGG", name, at) for name in names})


def review_at(level: Level, at: datetime) -> datetime:
    """When a level decided at this moment is looked at again."""
    return months_after(at, number("GRADE-REVIEW", level.value, at))


def keep_until(at: datetime) -> datetime:
    """Until when the report of an assessment is kept (PIPL 56)."""
    return months_after(at, number("PIPIA", "keep", at))


def longest_validity(at: datetime) -> datetime:
    """Until when an assessment made at this moment can be relied on at the most."""
    return months_after(at, number("PIPIA", "valid", at))


def months_after(at: datetime, months: int) -> datetime:
    """The same hour in Shanghai so many months later; the month's last day where it has no such day."""
    local = at.astimezone(SHANGHAI)
    year, month = divmod(local.month - 1 + months, 12)
    last = calendar.monthrange(local.year + year, month + 1)[1]
    moved = local.replace(year=local.year + year, month=month + 1, day=min(local.day, last))
    return moved.astimezone(at.tzinfo)
