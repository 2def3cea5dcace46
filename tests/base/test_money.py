"""Whole minor units: rounding has a name, the remainder an owner."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from base.money import MAX_MINOR, Money, allot, half_up, share_bp, yuan

AMOUNTS = st.integers(min_value=0, max_value=10**15)
RATES = st.integers(min_value=0, max_value=10_000)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("0.49", 0), ("-0.5", -1), ("2.5", 3), ("64150943.396", 64150943), ("1.4999999", 1)],
)
def test_half_is_rounded_away_from_zero(value, rounded):
    assert half_up(Decimal(value)) == rounded


def test_shares_of_the_worked_price():
    assert share_bp(68_000_000, 200) == 1_360_000
    assert share_bp(68_000_000, 100) == 680_000
    assert share_bp(50, 100) == 1  # half a fen goes up
    assert share_bp(49, 100) == 0


def test_allot_gives_the_remainder_to_the_largest_and_then_the_earlier_part():
    assert allot(100, [1, 1, 1]) == [34, 33, 33]
    assert allot(10, [3, 7]) == [3, 7]
    assert allot(5, [0, 1, 1]) == [0, 3, 2]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_cannot_share_are_refused(weights):
    with pytest.raises(Malformed):
        allot(100, weights)


@pytest.mark.parametrize(
    ("minor", "text"), [(68_000_000, "680,000.00"), (-5, "-0.05"), (0, "0.00"), (100, "1.00")]
)
def test_fen_are_shown_as_yuan(minor, text):
    assert yuan(minor) == text


def test_money_adds_only_in_its_own_currency():
    assert Money(3) + Money(4) == Money(7)
    assert Money(3) - Money(4) == Money(-1)
    assert str(Money(68_000_000)) == "CNY 680,000.00"
    with pytest.raises(Malformed):
        Money(1) + Money(1, "HKD")


def test_an_amount_beyond_64_bits_is_refused():
    assert Money(MAX_MINOR).minor == MAX_MINOR
    with pytest.raises(Malformed):
        Money(MAX_MINOR) + Money(1)


@given(total=AMOUNTS, weights=st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=8))
def test_allotted_parts_sum_to_the_total_and_stay_within_one_fen(total, weights):
    assume(sum(weights) > 0)
    parts = allot(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(total * weight, whole) - part) < 1
        assert weight or not part


@settings(deadline=None)
@given(amount=AMOUNTS, rate=RATES)
def test_a_share_is_the_exact_fraction_rounded_half_up(amount, rate):
    exact = Fraction(amount * rate, 10_000)
    share = share_bp(amount, rate)
    assert exact - Fraction(1, 2) < share <= exact + Fraction(1, 2)
