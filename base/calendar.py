"""Working days of mainland China, in Asia/Shanghai: what every deadline is counted in.

The dated table of holidays and make-up days is filled from `chinesecalendar`, which transcribes the
State Council's yearly notices. Beyond what is published a day is *provisional*, Monday to Friday; a
deadline that counts such a day says so, and whoever keeps it counts again when the table has grown.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVar

import chinese_calendar

from base.clock import SHANGHAI
from base.errors import Malformed

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)
_LAST_MOMENT: Final = time(23, 59, 59, 999_000)  # statements carry milliseconds
_MOST_DAYS: Final = 10_000
_MONTHS: Final = 12
Day = TypeVar("Day", bound=date)


@dataclass(frozen=True, slots=True)
class Year:
    """One published year: holidays (rest, whatever the weekday) and make-up days (work at a weekend)."""

    holidays: frozenset[date]
    make_up: frozenset[date]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment, the last at which the act is in time; provisional if it counts unpublished days."""

    at: datetime
    provisional: bool

    def has_passed(self, now: datetime) -> bool:
        return now > self.at


def _fill() -> Mapping[int, Year]:
    rest: Mapping[date, str] = chinese_calendar.holidays
    work: Mapping[date, str] = chinese_calendar.workdays
    return {
        year: Year(
            holidays=frozenset(day for day in rest if day.year == year),
            make_up=frozenset(day for day in work if day.year == year),
        )
        for year in sorted({day.year for day in rest})
    }


TABLE: Final = _fill()
FIRST_DAY: Final = date(min(TABLE), 1, 1)
# A year's notice has moved the last days of the December before it (2007, 2011, 2018), so the last
# week of the last published year is open until the next notice is in the table.
LAST_DAY: Final = date(max(TABLE), 12, 24)


def is_published(day: date) -> bool:
    """Whether the State Council's notices decide about this day already."""
    return FIRST_DAY <= day <= LAST_DAY


def is_working_day(day: date) -> bool:
    """Whether offices and banks work on this day."""
    year = TABLE.get(day.year)
    if year is None:
        return day.weekday() < _SATURDAY
    if day in year.make_up:
        return True
    return day.weekday() < _SATURDAY and day not in year.holidays


def next_working_day(day: date) -> date:
    """The first working day after `day`: the 1 of T+1."""
    return add_working_days(day, 1)


def add_working_days(day: date, n: int) -> date:
    """The n-th working day after `day`, which itself never counts (民法典 Art 201); n < 0 counts back.

    With n = 0 the day itself, working or not. Raises Malformed beyond ±10,000 days.
    """
    if abs(n) > _MOST_DAYS:
        raise Malformed("too many working days", days=str(n), limit=_MOST_DAYS)
    step = _DAY if n > 0 else -_DAY
    for _ in range(abs(n)):
        day += step
        while not is_working_day(day):
            day += step
    return day


def working_days_between(start: date, end: date) -> int:
    """How many working days lie after `start`, up to and with `end`; negative if `end` comes first."""
    if end < start:
        return -working_days_between(end, start)
    return sum(is_working_day(start + _DAY * i) for i in range(1, (end - start).days + 1))


def months_after(day: Day, months: int) -> Day:
    """The same day (and hour) so many months later, or that month's last; months < 0 count back."""
    year, month = divmod(day.year * _MONTHS + day.month - 1 + months, _MONTHS)
    last = monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))


def whole_months_left(day: date) -> int:
    """How many whole months of its year begin on the day or after it: 3 on 1 October, 2 on the second."""
    return _MONTHS - day.month + (day.day == 1)


def shanghai_day(at: datetime) -> date:
    """The calendar day in Shanghai at an aware moment."""
    return at.astimezone(SHANGHAI).date()


def at_shanghai(day: date, hour: time) -> datetime:
    """An hour of a day in Shanghai as aware UTC."""
    return datetime.combine(day, hour, SHANGHAI).astimezone(UTC)


def end_of_day_shanghai(day: date) -> datetime:
    """The last millisecond of a day in Shanghai as aware UTC."""
    return at_shanghai(day, _LAST_MOMENT)


def deadline_after(start: datetime, working_days: int) -> Deadline:
    """The end of the n-th working day after the Shanghai day of `start` (an aware moment)."""
    first = shanghai_day(start)
    last = add_working_days(first, working_days)
    return Deadline(at=end_of_day_shanghai(last), provisional=_counts_unpublished(first, last))


def moment_after(start: datetime, working_days: int, hour: time) -> Deadline:
    """An hour of the n-th working day after the Shanghai day of `start`: when work falls due (T+1)."""
    first = shanghai_day(start)
    day = add_working_days(first, working_days)
    return Deadline(at=at_shanghai(day, hour), provisional=_counts_unpublished(first, day))


def _counts_unpublished(one: date, other: date) -> bool:
    early, late = min(one, other), max(one, other)
    return not (is_published(early) and is_published(late))
