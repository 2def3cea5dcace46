"""Data of the lists is as timely as its cycle promises: whole until it is due, less from then on (R10)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from registry.currency import CYCLES, Currency, currency_of
from registry.declared import INTERVAL
from registry.registration.rules import Update

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def test_a_stale_entry_loses_its_score_from_the_due_moment_on():
    due = AT + _DAY
    assert currency_of(Update.DAILY, AT, due) == Currency(due, 1000, stale=False)
    assert currency_of(Update.DAILY, AT, due + timedelta(milliseconds=1)) == Currency(due, 999, stale=True)
    assert currency_of(Update.DAILY, AT, due + _DAY / 2) == Currency(due, 500, stale=True)
    assert currency_of(Update.DAILY, AT, due + _DAY) == Currency(due, 0, stale=True)
    assert currency_of(Update.DAILY, AT, due + 9 * _DAY) == Currency(due, 0, stale=True)


def test_what_promises_no_renewal_is_never_stale():
    for update in (Update.NEVER, Update.IRREGULAR):
        assert currency_of(update, AT, AT + 5000 * _DAY) is None
    assert set(CYCLES) == set(Update) - {Update.NEVER, Update.IRREGULAR}


@given(st.sampled_from(sorted(CYCLES)), st.integers(0, 10**9), st.integers(0, 10**8))
def test_timeliness_never_rises_with_time(update: Update, passed_s: int, more_s: int):
    now = AT + timedelta(seconds=passed_s)
    first, later = currency_of(update, AT, now), currency_of(update, AT, now + timedelta(seconds=more_s))
    assert first is not None
    assert later is not None
    assert later.timeliness <= first.timeliness
    assert first.stale == (now > AT + INTERVAL[CYCLES[update]])
    assert (first.timeliness == 1000) == (not first.stale)
