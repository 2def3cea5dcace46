"""Until when a quote is held, how one stands, what may be held: decided without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.calendar import working_days_between
from base.clock import SHANGHAI
from market.listings.conditions import Conditions, Purpose
from market.orders.errors import OfferMalformed, PurposeNotPermitted, TermEnded
from market.quotes.errors import QuoteExpired, TooManyQuotes
from market.quotes.rules import (
    Standing,
    check_asked,
    check_in_time,
    check_live,
    held_until,
    offered_until,
    standing_of,
)
from market.quotes.terms import all_terms

MONDAY = datetime(2026, 11, 16, 1, 30, tzinfo=UTC)
UNTIL = datetime(2026, 11, 19, 15, 59, 59, 999_000, tzinfo=UTC)
ASKED = {"quantity": 1, "purpose": Purpose.RESEARCH, "term_months": 12}


def test_the_numbers_are_this_projects_own():
    assert {(one.name, one.whole, one.unit, one.source_status) for one in all_terms()} == {
        ("hold", 3, "wd", "default"),
        ("offer", 5, "wd", "default"),
        ("live", 20, "quotes", "default"),
    }


def test_a_quote_stands_to_its_last_moment():
    assert held_until(MONDAY) == UNTIL
    assert offered_until(MONDAY) == datetime(2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC)
    after = UNTIL + timedelta(milliseconds=1)
    assert standing_of(trade_id=None, until=UNTIL, at=UNTIL) is Standing.HELD
    assert standing_of(trade_id=None, until=UNTIL, at=after) is Standing.EXPIRED
    assert standing_of(trade_id="trd_1", until=UNTIL, at=after) is Standing.USED
    check_in_time(until=UNTIL, at=UNTIL)
    with pytest.raises(QuoteExpired):
        check_in_time(until=UNTIL, at=after)


@given(st.integers(min_value=0, max_value=10 * 365 * 24))
def test_three_whole_working_days_are_always_left(hours):
    at = MONDAY + timedelta(hours=hours)
    until = held_until(at)
    assert working_days_between(at.astimezone(SHANGHAI).date(), until.astimezone(SHANGHAI).date()) == 3


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"quantity": 0}, OfferMalformed),
        ({"quantity": 10**12 + 1}, OfferMalformed),
        ({"term_months": 0}, OfferMalformed),
        ({"term_months": 13}, TermEnded),
        ({"purpose": Purpose.MARKETING}, PurposeNotPermitted),
    ],
)
def test_what_the_calculator_refuses_is_not_held(changes, kind):
    conditions = Conditions(purposes=frozenset({Purpose.RESEARCH}), max_term_months=12)
    check_asked(conditions, **ASKED)
    with pytest.raises(kind):
        check_asked(conditions, **(ASKED | changes))


def test_twenty_are_held_at_once():
    check_live(19, at=MONDAY)
    with pytest.raises(TooManyQuotes) as caught:
        check_live(20, at=MONDAY)
    assert caught.value.facts == {"live": 20, "limit": 20}
