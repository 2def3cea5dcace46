"""Time is aware, moves forward only, and is written in one way."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.clock import SHANGHAI, SimulatedClock, SystemClock, parse_rfc3339, rfc3339


def test_a_simulated_clock_moves_only_when_told_and_never_back(clock: SimulatedClock) -> None:
    start = clock.now()
    assert clock.simulated
    assert clock.now() == start
    assert clock.advance(timedelta(hours=1)) == start + timedelta(hours=1)
    assert clock.move_to(start) == start + timedelta(hours=1)
    assert clock.move_to((start + timedelta(days=1)).astimezone(SHANGHAI)) == start + timedelta(days=1)
    assert clock.now().tzinfo is UTC


def test_the_system_clock_is_aware_and_says_that_it_is_real() -> None:
    clock = SystemClock()
    assert not clock.simulated
    assert clock.now().tzinfo is UTC


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 11, 23, 9, 0, 0, 1999, tzinfo=SHANGHAI)
    assert rfc3339(at) == "2026-11-23T01:00:00.001Z"
    assert parse_rfc3339("2026-11-23T09:00:00+08:00") == datetime(2026, 11, 23, 1, tzinfo=UTC)


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds
def test_what_was_written_is_read_back_to_the_millisecond(at) -> None:
    assert parse_rfc3339(rfc3339(at)) == at.replace(microsecond=at.microsecond // 1000 * 1000)


@pytest.mark.parametrize("text", ["2026-11-23T01:00:00", "2026-11-23", "", "now"])
def test_a_time_without_an_offset_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"offset|isoformat"):
        parse_rfc3339(text)
