"""M13: the cap of public data, the permitted revenue, and what the yearly test decides."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.cap import capped_quote, check_cap, permitted_revenue
from pricing.errors import MarginAboveLimit, PriceAboveCap, PriceOutOfBounds, TooMuchToPrice
from tests.pricing.facts import CAP_YEAR

AMOUNTS = st.integers(min_value=0, max_value=10**15)
YIELDS = st.decimals(min_value=0, max_value=Decimal("0.1"), places=4).map(lambda rate: f"{rate:.4f}")
MARGINS = st.decimals(min_value=0, max_value=Decimal("0.06"), places=4).map(lambda rate: f"{rate:.4f}")


def year(**changes):
    return permitted_revenue({**CAP_YEAR, **changes})


def test_the_worked_example_asks_for_another_cap():
    results = year().results
    assert results["cost_net_minor"] == 1_000_000_000
    assert results["profit_minor"] == 77_500_000
    assert results["permitted_minor"] == 1_077_500_000
    assert results["deviation"] == "0.197216"
    assert results["adjust_cap"] is True
    assert results["excess_minor"] == 212_500_000


def test_a_tenth_to_the_fen_leaves_the_cap_and_one_fen_more_moves_it():
    at_limit = 1_077_500_000 * 11 // 10
    assert year(actual_minor=at_limit).results["adjust_cap"] is False
    assert year(actual_minor=at_limit).results["deviation"] == "0.100000"
    assert year(actual_minor=at_limit + 1).results["adjust_cap"] is True
    below = 1_077_500_000 * 9 // 10
    assert year(actual_minor=below).results["adjust_cap"] is False
    assert year(actual_minor=below - 1).results["adjust_cap"] is True
    assert year(actual_minor=below).results["deviation"] == "-0.100000"
    assert year(actual_minor=below).results["excess_minor"] == 0


def test_tax_belongs_to_the_permitted_revenue_and_last_years_excess_is_deducted():
    results = year(tax_minor=10, carried_minor=212_500_000).results
    assert results["permitted_minor"] == 1_077_500_010 - 212_500_000
    assert results["excess_minor"] == 1_290_000_000 - results["permitted_minor"]


def test_an_excess_larger_than_a_year_is_not_forgiven():
    results = year(carried_minor=2_000_000_000, actual_minor=0).results
    assert results["permitted_minor"] == 0
    assert results["excess_minor"] == 2_000_000_000 - 1_077_500_000
    assert results["deviation"] is None
    assert results["adjust_cap"] is False


def test_a_subsidy_above_the_cost_permits_nothing():
    results = year(subsidy_minor=1_300_000_000).results
    assert results["permitted_minor"] == 0
    assert results["deviation"] is None
    assert results["adjust_cap"] is True


def test_a_margin_above_six_points_is_refused():
    with pytest.raises(MarginAboveLimit):
        year(margin="0.0601")
    assert year(margin="0.0600").results["permitted_minor"] == 1_077_500_000


@pytest.mark.parametrize(
    "rate", ["6 %", "-0.01", "1.01", "0.12345678901", "٠.٠٦", "", "NaN", "1e-2", 2, None, True]
)
def test_a_rate_that_is_no_decimal_string_is_refused(rate):
    with pytest.raises(Malformed):
        year(margin=rate)


@pytest.mark.parametrize("missing", sorted(CAP_YEAR))
def test_every_fact_of_the_year_is_needed(missing):
    facts = {name: value for name, value in CAP_YEAR.items() if name != missing}
    with pytest.raises(Malformed) as refused:
        permitted_revenue(facts)
    assert refused.value.facts == {"key": missing}


def test_the_cap_itself_is_allowed_and_one_fen_more_is_not():
    assert capped_quote({"price_minor": 8_000, "cap_minor": 8_000}).total_minor == 8_000
    with pytest.raises(PriceAboveCap) as refused:
        capped_quote({"price_minor": 8_001, "cap_minor": 8_000})
    assert refused.value.code == "price-above-cap"
    assert refused.value.rule_id == "PRICE_CAP"
    assert refused.value.facts == {"price_minor": "8001", "cap_minor": "8000"}


def test_a_cap_does_not_excuse_a_price_of_nothing():
    with pytest.raises(PriceOutOfBounds):
        check_cap(0, 8_000)


@settings(deadline=None)
@given(price=st.integers(min_value=1, max_value=10**13), cap=AMOUNTS)
def test_no_capped_quote_is_ever_above_its_cap(price, cap):
    try:
        total = capped_quote({"price_minor": price, "cap_minor": cap}).total_minor
    except PriceAboveCap:
        assert price > cap
    else:
        assert total == price <= cap


YEARS = st.fixed_dictionaries(
    {
        "cost_minor": AMOUNTS,
        "subsidy_minor": AMOUNTS,
        "bond_yield": YIELDS,
        "margin": MARGINS,
        "tax_minor": AMOUNTS,
        "carried_minor": AMOUNTS,
        "actual_minor": AMOUNTS,
    }
)


@settings(deadline=None)
@given(facts=YEARS)
def test_the_year_is_exact_arithmetic(facts):
    results = permitted_revenue(facts).results
    actual, carried = facts["actual_minor"], facts["carried_minor"]
    net = max(0, facts["cost_minor"] - facts["subsidy_minor"])
    profit = Fraction(net) * (Fraction(facts["bond_yield"]) + Fraction(facts["margin"]))
    assert abs(results["profit_minor"] - profit) <= Fraction(1, 2)
    own = net + results["profit_minor"] + facts["tax_minor"]
    assert results["permitted_minor"] == max(0, own - carried)
    # Over the years nothing is lost: what came in and was owed is what was permitted plus what is owed.
    assert results["excess_minor"] == max(0, actual + carried - own)
    permitted = results["permitted_minor"]
    if permitted:
        deviation = Fraction(actual - permitted, permitted)
        assert results["adjust_cap"] is (abs(deviation) > Fraction(1, 10))
        assert abs(Fraction(results["deviation"]) - deviation) <= Fraction(1, 2 * 10**6)
    else:
        assert results["deviation"] is None
        assert results["adjust_cap"] is (actual > 0)


@settings(deadline=None)
@given(years=st.lists(st.integers(min_value=0, max_value=3 * 10**9), min_size=1, max_size=6))
def test_over_many_years_revenue_is_what_was_permitted_plus_what_is_still_owed(years):
    carried, allowed = 0, 0
    for actual in years:
        results = year(actual_minor=actual, carried_minor=carried).results
        allowed += results["cost_net_minor"] + results["profit_minor"]
        carried = results["excess_minor"]
    assert sum(years) <= allowed + carried


def test_caps_fit_if_all_products_at_their_caps_stay_within_the_permitted_revenue():
    def with_products(units):
        told = [{"cap_minor": 1_000, "units": units}, {"cap_minor": 500, "units": 155_000}]
        return year(products=told)

    exactly = with_products(1_000_000)
    assert exactly.results["at_caps_minor"] == 1_077_500_000
    assert exactly.results["caps_fit"] is True
    assert "caps-within-permitted" in [reason.code for reason in exactly.reasons]
    above = with_products(1_000_001)
    assert above.results["caps_fit"] is False
    assert "caps-above-permitted" in [reason.code for reason in above.reasons]
    with pytest.raises(TooMuchToPrice):
        year(products=[{"cap_minor": 10**13, "units": 10**6}])


def test_caps_are_reviewed_within_three_years():
    def on(day):
        return year(reviewed_on="2024-02-29", on=day)

    assert on("2027-02-28").results["review_due_on"] == "2027-02-28"
    assert on("2027-02-28").results["review_overdue"] is False
    late = on("2027-03-01")
    assert late.results["review_overdue"] is True
    assert "review-due" in [reason.code for reason in late.reasons]
    with pytest.raises(Malformed):
        year(reviewed_on="2024-02-29")
