"""The price that leaves the provider what it wants: the lowest one, to the fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import PriceOutOfBounds
from pricing.quote import MAX_PRICE_MINOR
from pricing.whole import price_for_seller, whole_price

RATES = st.integers(min_value=0, max_value=500)


@given(wanted=st.integers(min_value=1, max_value=10**12), commission=RATES, platform=RATES)
def test_it_leaves_at_least_so_much_and_no_lower_price_does(wanted, commission, platform):
    rates = {"commission_bp": commission, "platform_bp": platform}
    price = price_for_seller(wanted, **rates)
    assert whole_price(price, **rates).seller_minor >= wanted
    for lower in range(max(1, price - 50), price):
        assert whole_price(lower, **rates).seller_minor < wanted


def test_the_vector_of_the_rules_both_ways():
    whole = whole_price(68_000_000, commission_bp=200, platform_bp=100)
    assert whole.seller_minor == 65_960_000
    assert price_for_seller(65_960_000, commission_bp=200, platform_bp=100) == 68_000_000


@pytest.mark.parametrize("wanted", [0, -1, MAX_PRICE_MINOR + 1, MAX_PRICE_MINOR])
def test_what_no_price_leaves_is_refused(wanted):
    with pytest.raises(PriceOutOfBounds):
        price_for_seller(wanted, commission_bp=200, platform_bp=100)


def test_fees_of_everything_leave_nothing():
    with pytest.raises(PriceOutOfBounds):
        price_for_seller(1, commission_bp=5_000, platform_bp=5_000)
