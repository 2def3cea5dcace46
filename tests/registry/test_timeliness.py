"""How late data is, against its promise."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.declared import INTERVAL, Declared, Frequency
from registry.timeliness import Basis, age_of
from tests.registry.samples import AS_OF

DAY = timedelta(days=1)


def declared(frequency, **more):
    return Declared.model_validate({"update_frequency": frequency, **more})


@pytest.mark.parametrize(
    ("behind", "share"),
    [
        (timedelta(0), Fraction(1)),
        (DAY, Fraction(1)),  # the next data is due only now
        (DAY * 3 // 2, Fraction(1, 2)),
        (DAY * 2, Fraction(0)),
        (DAY * 400, Fraction(0)),
    ],
)
def test_daily_data_may_be_a_day_behind_and_a_day_late(behind, share):
    assert age_of({"t": AS_OF - behind}, declared("daily"), AS_OF).share == share


def test_a_declared_allowance_takes_the_place_of_one_interval():
    age = age_of({"t": AS_OF - 4 * DAY}, declared("daily", allowed_delay_days=6), AS_OF)
    assert (age.share, age.late_s, age.allowed_s, age.fix) == (Fraction(1, 2), 259_200, 518_400, "stale")


def test_the_newest_column_speaks_unless_a_period_column_was_declared():
    times = {"born": AS_OF - 900 * DAY, "seen": AS_OF}
    assert age_of(times, declared("daily"), AS_OF).column == "seen"
    age = age_of(times, declared("daily", period_column="born"), AS_OF)
    assert (age.column, age.share) == ("born", 0)


def test_without_a_promise_nothing_can_be_kept():
    age = age_of({"t": AS_OF}, Declared(), AS_OF)
    assert (age.share, age.basis, age.fix) == (0, Basis.NONE, "frequency-undeclared")


@pytest.mark.parametrize("frequency", ["daily", "once"])
def test_a_period_column_that_is_not_there_scores_nothing(frequency):
    age = age_of({"t": AS_OF}, declared(frequency, period_column="day", period_to="2026-11-16"), AS_OF)
    assert (age.share, age.fix) == (0, "time-column-missing")


def test_data_without_a_time_is_judged_by_its_declared_period_and_says_so():
    age = age_of({}, declared("monthly", period_to="2026-10-31"), AS_OF)
    assert (age.share, age.basis) == (1, Basis.DECLARED)
    assert age_of({}, declared("monthly"), AS_OF).fix == "time-column-missing"
    future = age_of({}, declared("monthly", period_to="2099-12-31"), AS_OF)
    assert future.latest == AS_OF


def test_a_closed_collection_never_ages_but_must_reach_its_end():
    year = declared("once", period_from="2013-01-01", period_to="2013-12-31")
    whole = age_of({"t": datetime(2013, 12, 31, 23, tzinfo=UTC)}, year, AS_OF)
    assert (whole.share, whole.fix) == (1, None)
    half = age_of({"t": datetime(2013, 7, 2, tzinfo=UTC)}, year, AS_OF)  # ends with 1 July: 183 days short
    assert (half.share, half.fix) == (Fraction(182, 365), "stale")
    assert age_of({}, year, AS_OF).basis is Basis.DECLARED
    assert age_of({}, declared("once"), AS_OF).fix == "period-undeclared"


@given(
    st.sampled_from([f for f in Frequency if f is not Frequency.ONCE]),
    st.timedeltas(min_value=timedelta(0), max_value=2000 * DAY),
    st.timedeltas(min_value=timedelta(0), max_value=10 * DAY),
)
def test_older_data_never_scores_better(frequency, behind, more):
    newer = age_of({"t": AS_OF - behind}, declared(frequency), AS_OF).share
    older = age_of({"t": AS_OF - behind - more}, declared(frequency), AS_OF).share
    assert 0 <= older <= newer <= 1
    assert (newer == 1) == (behind <= INTERVAL[frequency])
