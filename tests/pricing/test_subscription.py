"""M4: parts of a period sum to its fee, and no change of plan and back ever pays."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from base.money import allot
from pricing.errors import PriceOutOfBounds, QuantityOutOfBounds, SubscriptionMalformed
from pricing.subscription import fee_of_days, subscription_quote
from tests.pricing.facts import SUBSCRIPTION

FEES = st.integers(0, 5_000)
FIRST = date(2026, 2, 1)


def day(number):
    return (FIRST + timedelta(days=number)).isoformat()


def held(days, fee, changes=(), *, begin=0, end=None):
    facts = {
        "fee_minor": fee,
        "period": {"first_day": day(0), "last_day": day(days - 1)},
        "from_day": day(begin),
        "to_day": day(days - 1 if end is None else end),
    }
    if changes:
        facts["changes"] = [{"on": day(number), "fee_minor": other} for number, other in changes]
    return subscription_quote(facts)


def test_the_worked_month_changes_plan_at_its_middle():
    quote = subscription_quote(SUBSCRIPTION)
    assert quote.total_minor == 1_500 + 3_000
    assert quote.results["adjustments"] == [
        {"on": "2026-11-16", "credit_minor": 1_500, "charge_minor": 3_000, "due_minor": 1_500}
    ]
    assert [part["days"] for part in quote.results["parts"]] == [15, 15]


def test_whole_periods_are_a_fee_each():
    assert subscription_quote({"fee_minor": 30_000, "quantity": 12}).total_minor == 360_000
    assert subscription_quote({"fee_minor": 30_000}).total_minor == 30_000
    assert subscription_quote({"fee_minor": 30_000, "quantity": 0}).total_minor == 0


@settings(deadline=None, max_examples=100)
@given(fee=FEES, days=st.integers(1, 40), data=st.data())
def test_parts_of_a_period_sum_to_its_fee_however_it_is_cut(fee, days, data):
    by_day = allot(fee, [1] * days)  # the house's largest remainder is the oracle
    cuts = [0, *sorted(data.draw(st.sets(st.integers(0, days)))), days]
    parts = [fee_of_days(fee, days, a, b) for a, b in pairwise(cuts)]
    assert sum(parts) == fee
    assert parts == [sum(by_day[a:b]) for a, b in pairwise(cuts)]
    assert max(by_day) - min(by_day) <= 1


@settings(deadline=None, max_examples=100)
@given(low=FEES, more=st.integers(0, 5_000), days=st.integers(3, 40), data=st.data())
def test_up_and_down_again_never_pays(low, more, days, data):
    begin, end = sorted(data.draw(st.sets(st.integers(1, days - 1), min_size=2, max_size=2)))
    high = low + more
    there_and_back = held(days, low, [(begin, high), (end, low)]).total_minor
    assert low <= there_and_back <= high
    # what the dear days cost is paid in full, whatever was credited on the way
    assert there_and_back == low + fee_of_days(high, days, begin, end) - fee_of_days(low, days, begin, end)
    down_and_up = held(days, high, [(begin, low), (end, high)]).total_minor
    assert down_and_up == low + high - there_and_back


@settings(deadline=None, max_examples=80)
@given(
    fees=st.lists(FEES, min_size=1, max_size=4),
    days=st.integers(5, 40),
    data=st.data(),
)
def test_adjustments_are_what_the_changes_make_of_the_first_fee(fees, days, data):
    size = len(fees) - 1
    on = sorted(data.draw(st.sets(st.integers(1, days - 1), min_size=size, max_size=size)))
    results = held(days, fees[0], list(zip(on, fees[1:], strict=True))).results
    assert results["total_minor"] == fees[0] + sum(one["due_minor"] for one in results["adjustments"])
    assert results["total_minor"] == sum(part["amount_minor"] for part in results["parts"])
    assert sum(part["days"] for part in results["parts"]) == results["days"] == days
    assert min(fees) <= results["total_minor"] <= max(fees)


@settings(deadline=None, max_examples=50)
@given(fee=FEES, days=st.integers(2, 40), data=st.data())
def test_who_leaves_and_whoever_comes_next_pay_one_fee(fee, days, data):
    last = data.draw(st.integers(0, days - 2))
    assert held(days, fee, end=last).total_minor + held(days, fee, begin=last + 1).total_minor == fee


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"period": {"first_day": "2026-11-30", "last_day": "2026-11-01"}}, SubscriptionMalformed),
        ({"period": {"first_day": "2000-01-01", "last_day": "2026-11-01"}}, SubscriptionMalformed),
        ({"from_day": "2026-10-31"}, SubscriptionMalformed),
        ({"to_day": "2026-12-01"}, SubscriptionMalformed),
        ({"from_day": "2026-11-20", "to_day": "2026-11-19"}, SubscriptionMalformed),
        ({"changes": [{"on": "2026-11-01", "fee_minor": 1}]}, SubscriptionMalformed),
        ({"changes": [{"on": "2026-12-01", "fee_minor": 1}]}, SubscriptionMalformed),
        ({"changes": [{"on": "2026-11-05", "fee_minor": 1}] * 2}, SubscriptionMalformed),
        ({"changes": [{"on": "2026-11-31", "fee_minor": 1}]}, Malformed),
        ({"changes": [{"on": "20261105", "fee_minor": 1}]}, Malformed),
        ({"fee_minor": -1}, Malformed),
        ({"fee_minor": 10**13 + 1}, PriceOutOfBounds),
    ],
)
def test_wrong_days_give_no_quote(changed, error):
    with pytest.raises(error) as refused:
        subscription_quote(SUBSCRIPTION | changed)
    assert type(refused.value) is error


@pytest.mark.parametrize(("periods", "error"), [(-1, QuantityOutOfBounds), (10**12, PriceOutOfBounds)])
def test_wrong_numbers_of_periods_give_no_quote(periods, error):
    with pytest.raises(error):
        subscription_quote({"fee_minor": 30_000, "quantity": periods})
