"""Working days against the State Council's notices, and what is provisional beyond them."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base import calendar
from base.errors import Malformed

PUBLISHED = st.dates(min_value=date(2005, 1, 1), max_value=date(2026, 10, 1))
ANY_DAY = st.dates(min_value=date(1995, 1, 1), max_value=date(2060, 12, 31))
FEW = st.integers(min_value=0, max_value=40)


def test_accepted_on_a_friday_settles_on_monday():
    assert calendar.next_working_day(date(2026, 11, 20)) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 11, 20), True),  # Friday
        (date(2026, 11, 21), False),  # Saturday
        (date(2026, 10, 1), False),  # National Day
        (date(2026, 10, 7), False),  # its last day, a Wednesday
        (date(2026, 10, 8), True),
        (date(2026, 9, 20), True),  # Sunday, worked for National Day
        (date(2026, 10, 10), True),  # Saturday, worked for National Day
        (date(2026, 2, 14), True),  # Saturday, worked for Spring Festival
        (date(2026, 2, 15), False),
        (date(2026, 2, 23), False),  # Monday, the festival's last day
        (date(2026, 2, 24), True),
        (date(2026, 2, 28), True),  # Saturday, worked for Spring Festival
        (date(2026, 5, 9), True),  # Saturday, worked for Labour Day
        (date(2026, 1, 4), True),  # Sunday, worked for New Year
    ],
)
def test_days_are_those_of_the_notice_for_2026(day, works):
    assert calendar.is_working_day(day) is works


@pytest.mark.parametrize(
    ("day", "n", "reached"),
    [
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # over National Day
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # the make-up Saturday counts
        (date(2026, 9, 30), 4, date(2026, 10, 12)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # the make-up Saturday before Spring Festival
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 11, 16), 20, date(2026, 12, 14)),
        (date(2026, 11, 21), 0, date(2026, 11, 21)),  # no day counted, none moved
        (date(2026, 10, 8), -1, date(2026, 9, 30)),
    ],
)
def test_working_days_are_counted_over_holidays(day, n, reached):
    assert calendar.add_working_days(day, n) == reached


@pytest.mark.parametrize(
    ("day", "left"),
    [((1, 1), 12), ((1, 2), 11), ((9, 30), 3), ((10, 1), 3), ((10, 2), 2), ((12, 1), 1), ((12, 31), 0)],
)
def test_a_month_is_left_whole_until_its_first_day_is_over(day, left):
    assert calendar.whole_months_left(date(2026, *day)) == left


def test_working_days_between_counts_the_end_and_not_the_start():
    assert calendar.working_days_between(date(2026, 11, 20), date(2026, 11, 23)) == 1
    assert calendar.working_days_between(date(2026, 9, 30), date(2026, 10, 12)) == 4
    assert calendar.working_days_between(date(2026, 10, 12), date(2026, 9, 30)) == -4
    assert calendar.working_days_between(date(2026, 10, 1), date(2026, 10, 1)) == 0


def test_beyond_the_published_table_monday_to_friday_works():
    assert calendar.is_working_day(date(2050, 10, 3))  # a Monday of some National Day week
    assert not calendar.is_working_day(date(2050, 10, 1))  # a Saturday
    assert not calendar.is_published(date(2050, 10, 3))
    assert not calendar.is_published(date(1999, 10, 1))


def test_the_last_december_week_waits_for_the_next_notice():
    last_year = max(calendar.TABLE)
    assert calendar.is_published(date(last_year, 12, 24))
    assert not calendar.is_published(date(last_year, 12, 31))


def test_the_end_of_a_day_is_its_last_millisecond_in_shanghai():
    assert calendar.end_of_day_shanghai(date(2026, 11, 23)) == datetime(
        2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC
    )


def test_a_deadline_counts_from_the_shanghai_day():
    late_sunday_utc = datetime(2026, 11, 22, 17, tzinfo=UTC)  # Monday 01:00 in Shanghai
    assert calendar.shanghai_day(late_sunday_utc) == date(2026, 11, 23)
    assert calendar.deadline_after(late_sunday_utc, 3) == calendar.Deadline(
        at=datetime(2026, 11, 26, 15, 59, 59, 999_000, tzinfo=UTC), provisional=False
    )


def test_a_deadline_that_counts_unpublished_days_says_so():
    start = datetime(max(calendar.TABLE) + 1, 3, 1, tzinfo=UTC)
    assert calendar.deadline_after(start, 1).provisional
    over_the_edge = datetime(max(calendar.TABLE), 12, 20, tzinfo=UTC)
    assert calendar.deadline_after(over_the_edge, 20).provisional


def test_a_deadline_has_passed_only_after_its_moment():
    due = calendar.Deadline(at=datetime(2026, 11, 23, 1, tzinfo=UTC), provisional=False)
    assert not due.has_passed(due.at)
    assert due.has_passed(due.at + timedelta(milliseconds=1))


def test_a_moment_falls_at_its_hour_in_shanghai():
    friday_evening = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert calendar.moment_after(friday_evening, 1, time(9)).at == datetime(2026, 11, 23, 1, tzinfo=UTC)


@pytest.mark.parametrize("n", [10_001, -10_001])
def test_an_endless_count_is_refused(n):
    with pytest.raises(Malformed):
        calendar.add_working_days(date(2026, 1, 1), n)


def test_holidays_and_make_up_days_do_not_overlap_in_any_published_year():
    for year, table in calendar.TABLE.items():
        assert not table.holidays & table.make_up
        assert {day.year for day in table.holidays | table.make_up} == {year}


@settings(deadline=None)
@given(day=ANY_DAY, n=st.integers(min_value=1, max_value=40))
def test_what_is_reached_works_and_counts_back(day, n):
    reached = calendar.add_working_days(day, n)
    assert calendar.is_working_day(reached)
    assert calendar.working_days_between(day, reached) == n


@settings(deadline=None)
@given(day=ANY_DAY, first=FEW, then=FEW)
def test_counting_in_two_parts_is_counting_at_once(day, first, then):
    assert calendar.add_working_days(calendar.add_working_days(day, first), then) == (
        calendar.add_working_days(day, first + then)
    )


@settings(deadline=None)
@given(day=PUBLISHED, n=st.integers(min_value=1, max_value=40))
def test_counting_back_and_forth_returns_to_a_working_day(day, n):
    start = calendar.next_working_day(day)
    assert calendar.add_working_days(calendar.add_working_days(start, n), -n) == start
