"""The whole price: the buyer pays one sum, and every fen of it has a receiver."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.fixed import fixed_quote
from pricing.whole import whole_price

FEES = st.integers(min_value=0, max_value=500)


def test_the_worked_price_is_taken_apart_to_the_fen():
    assert whole_price(68_000_000, commission_bp=200, platform_bp=100).document() == {
        "buyer_pays_minor": 68_000_000,
        "net_minor": 64_150_943,
        "vat_minor": 3_849_057,
        "commission": {"amount_minor": 1_360_000, "borne_by": "PROVIDER", "paid_to": "BROKER"},
        "platform_fee": {"amount_minor": 680_000, "borne_by": "PROVIDER", "paid_to": "EXCHANGE_OPERATOR"},
        "seller_receives_minor": 65_960_000,
    }


def test_a_quote_shows_the_whole_price_only_when_the_rates_are_facts():
    assert "whole_price" not in fixed_quote({"price_minor": 100}).results
    shown = fixed_quote({"price_minor": 100, "commission_bp": 0}).results["whole_price"]
    assert shown["platform_fee"]["amount_minor"] == 1
    assert shown["seller_receives_minor"] == 99


@pytest.mark.parametrize(
    "rates",
    [
        {"commission_bp": -1, "platform_bp": 100},
        {"commission_bp": 10_001, "platform_bp": 0},
        {"commission_bp": 6_000, "platform_bp": 6_000},
        {"commission_bp": 0, "platform_bp": 0, "vat_bp": 10_001},
    ],
)
def test_rates_that_would_take_more_than_the_price_are_refused(rates):
    with pytest.raises(Malformed):
        whole_price(100, **rates)


@settings(deadline=None)
@given(
    price=st.integers(min_value=1, max_value=10**13),
    commission=FEES,
    platform=FEES,
    vat=st.integers(min_value=0, max_value=1300),
)
def test_the_parts_always_sum_to_the_price(price, commission, platform, vat):
    whole = whole_price(price, commission_bp=commission, platform_bp=platform, vat_bp=vat)
    assert whole.seller_minor + whole.commission_minor + whole.platform_fee_minor == price
    assert whole.net_minor + whole.vat_minor == price
    assert min(whole.seller_minor, whole.vat_minor, whole.net_minor) >= 0
