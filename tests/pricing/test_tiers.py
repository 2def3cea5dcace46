"""M2 and M2x: tiers to the fen, monotone, and cheaper in one piece than in parts where the rates fall."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.errors import (
    PriceOutOfBounds,
    QuantityAboveTiers,
    QuantityOutOfBounds,
    TiersMalformed,
)
from pricing.tiers import tiers_quote
from pricing.volume import volume_quote
from tests.pricing.facts import TIERS

# https://docs.stripe.com/subscriptions/pricing-models/tiered-pricing: 1–5 at $7, 6–10 at $6.50, 11+ at $6.
STRIPE = [
    {"up_to": 5, "rate_minor": "700"},
    {"up_to": 10, "rate_minor": "650"},
    {"up_to": None, "rate_minor": "600"},
]
# https://docs.useautumn.com/documentation/modelling-pricing/graduated-pricing: $0.01, $0.008, $0.005.
AUTUMN = [
    {"up_to": 1_000, "rate_minor": "1"},
    {"up_to": 10_000, "rate_minor": "0.8"},
    {"up_to": None, "rate_minor": "0.5"},
]
RATES = st.integers(0, 3_000).map(lambda thousandths: f"{thousandths // 1000}.{thousandths % 1000:03d}")
QUANTITIES = st.integers(0, 60)


@st.composite
def ladders(draw, *, falling=False, open_end=True):
    ends = sorted(draw(st.sets(st.integers(1, 40), max_size=4)))
    rates = draw(st.lists(RATES, min_size=len(ends) + 1, max_size=len(ends) + 1))
    if falling:
        rates = sorted(rates, key=Fraction, reverse=True)
    last = None if open_end else 41
    return [{"up_to": end, "rate_minor": rate} for end, rate in zip([*ends, last], rates, strict=True)]


def graduated(tiers, quantity):
    return tiers_quote({"tiers": tiers, "quantity": quantity}).total_minor


def volume(tiers, quantity):
    return volume_quote({"tiers": tiers, "quantity": quantity}).total_minor


def rate_of(tiers, unit):
    """The rate of one unit, counted from 1: the oracle looks at every unit by itself."""
    return next(
        Fraction(tier["rate_minor"]) for tier in tiers if tier["up_to"] is None or unit <= tier["up_to"]
    )


def up(amount):
    return -(-amount.numerator // amount.denominator)


@pytest.mark.parametrize(("fonts", "total"), [(1, 700), (5, 3_500), (6, 3_900), (20, 12_000), (25, 15_000)])
def test_all_units_prices_are_the_published_ones(fonts, total):
    assert volume_quote({"tiers": STRIPE, "quantity": fonts}).results["raw_minor"] == total
    assert volume(STRIPE, fonts) == total


def test_graduated_prices_are_the_published_ones():
    assert graduated(STRIPE, 5) == 3_500
    assert graduated(STRIPE, 6) == 3_500 + 650
    assert graduated(AUTUMN, 15_000) == 10_700
    assert graduated(TIERS["tiers"], 15_000) == 60_000


def test_the_envelope_charges_the_larger_quantity_that_costs_less():
    steep = [{"up_to": 9, "rate_minor": "100"}, {"up_to": None, "rate_minor": "50"}]
    quote = volume_quote({"tiers": steep, "quantity": 8})
    assert quote.results["raw_minor"] == 800
    assert quote.results["charged_quantity"] == 10
    assert quote.total_minor == 500
    assert [reason.code for reason in quote.reasons] == ["all-units", "larger-costs-less"]


def test_a_fraction_of_a_fen_is_rounded_up_once_and_shown_exactly():
    quote = tiers_quote({"tiers": [{"up_to": None, "rate_minor": "0.000000000001"}], "quantity": 3})
    assert quote.total_minor == 1
    assert quote.results["exact_minor"] == "0.000000000003"


@settings(deadline=None, max_examples=150)
@given(tiers=ladders(), quantity=QUANTITIES)
def test_both_totals_are_what_counting_unit_by_unit_says(tiers, quantity):
    assert graduated(tiers, quantity) == up(
        sum((rate_of(tiers, unit) for unit in range(1, quantity + 1)), Fraction(0))
    )
    # beyond the last break the price rises, so the envelope needs to be looked for no further
    farther = range(quantity, max(quantity, 41) + 2)
    assert volume(tiers, quantity) == up(min(rate_of(tiers, other or 1) * other for other in farther))


@settings(deadline=None, max_examples=100)
@given(tiers=ladders(), quantity=QUANTITIES)
def test_totals_start_at_nothing_never_fall_and_rise_by_no_more_than_a_rate(tiers, quantity):
    assert graduated(tiers, 0) == volume(tiers, 0) == 0
    assert volume(tiers, quantity) <= volume(tiers, quantity + 1)
    step = graduated(tiers, quantity + 1) - graduated(tiers, quantity)
    assert 0 <= step <= up(rate_of(tiers, quantity + 1))  # continuous at every break, to the fen


@settings(deadline=None, max_examples=100)
@given(tiers=ladders(falling=True), one=QUANTITIES, other=QUANTITIES)
def test_where_rates_fall_nobody_saves_by_buying_in_parts(tiers, one, other):
    assert graduated(tiers, one + other) <= graduated(tiers, one) + graduated(tiers, other)
    assert volume(tiers, one + other) <= volume(tiers, one) + volume(tiers, other)
    assert tiers_quote({"tiers": tiers, "quantity": one}).reasons[1].code == "rates-fall"


@settings(deadline=None, max_examples=50)
@given(tiers=ladders(), quantity=QUANTITIES)
def test_in_a_unit_of_money_a_thousand_times_smaller_the_exact_price_is_a_thousand_times_as_large(
    tiers, quantity
):
    smaller = [tier | {"rate_minor": int(Fraction(tier["rate_minor"]) * 1_000)} for tier in tiers]
    exact = tiers_quote({"tiers": tiers, "quantity": quantity}).results["exact_minor"]
    assert Fraction(exact) * 1_000 == graduated(smaller, quantity)


def test_beyond_a_ladder_that_ends_there_is_no_price():
    ending = [{"up_to": 41, "rate_minor": "2"}]
    assert graduated(ending, 41) == volume(ending, 41) == 82
    for method in (tiers_quote, volume_quote):
        with pytest.raises(QuantityAboveTiers) as refused:
            method({"tiers": ending, "quantity": 42})
        assert refused.value.facts == {"quantity": "42", "last_unit": "41"}


@pytest.mark.parametrize("method", [tiers_quote, volume_quote])
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"quantity": -1}, QuantityOutOfBounds),
        ({"quantity": 10**12 + 1}, QuantityOutOfBounds),
        ({"quantity": 10**400}, QuantityOutOfBounds),
        ({"quantity": 1.5}, Malformed),
        ({"quantity": True}, Malformed),
        ({"quantity": "15"}, Malformed),
        ({"tiers": []}, Malformed),
        ({"tiers": [{"up_to": 0, "rate_minor": "1"}]}, TiersMalformed),
        ({"tiers": [STRIPE[1], STRIPE[0]]}, TiersMalformed),
        ({"tiers": [STRIPE[0], STRIPE[0]]}, TiersMalformed),
        ({"tiers": [STRIPE[2], STRIPE[0]]}, TiersMalformed),
        ({"tiers": [STRIPE[2], STRIPE[2]]}, TiersMalformed),
        ({"tiers": [{"up_to": None, "rate_minor": "-1"}]}, Malformed),
        ({"tiers": [{"up_to": None, "rate_minor": "1e3"}]}, Malformed),
        ({"tiers": [{"up_to": None, "rate_minor": "0.0000000000001"}]}, Malformed),
        ({"tiers": [{"up_to": None, "rate_minor": "١"}]}, Malformed),
        ({"tiers": [{"up_to": None, "rate_minor": True}]}, Malformed),
        ({"tiers": [{"up_to": None}]}, Malformed),
        ({"tiers": [{"up_to": None, "rate_minor": "1", "from": 3}]}, Malformed),
        ({"tiers": [{"up_to": None, "rate_minor": str(10**13)}]}, PriceOutOfBounds),
    ],
)
def test_wrong_tiers_give_no_quote(method, changed, error):
    with pytest.raises(error) as refused:
        method(TIERS | changed)
    assert type(refused.value) is error


def test_the_whole_price_of_nothing_is_nothing():
    shown = tiers_quote(TIERS | {"quantity": 0, "commission_bp": 200}).results["whole_price"]
    assert shown["buyer_pays_minor"] == shown["seller_receives_minor"] == 0
    shown = tiers_quote(TIERS | {"commission_bp": 200}).results["whole_price"]
    assert shown["seller_receives_minor"] == 60_000 - 1_200 - 600
