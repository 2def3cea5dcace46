"""M8: a guide price is a range with its reasons; sham comparables never move it."""

from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.errors import ComparablesTooFew, PriceOutOfBounds
from pricing.guide import guide_quote
from tests.pricing.facts import GUIDE

PRICES = st.lists(st.integers(1, 10**9), min_size=5, max_size=12)
QUALITIES = st.decimals(0, 1, places=3).map(str)


def of_prices(prices, **more):
    return {"comparables": [{"price_minor": price} for price in prices], **more}


def guide(**facts):
    return guide_quote(facts).results


def test_the_three_approaches_of_the_rules_by_hand():
    results = guide_quote(GUIDE).results
    # 100,000.00 × 1.1 × 0.8 × 0.9; 55,000.00/1.1 + 60,500.00/1.21; the median × 0.9, ± 1.4826 × MAD × 0.9.
    assert [results["approaches"][name]["mid_minor"] for name in ("cost", "income", "market")] == [
        7_920_000,
        10_000_000,
        9_000_000,
    ]
    assert results["approaches"]["market"]["low_minor"] == 8_332_830
    assert (results["low_minor"], results["mid_minor"], results["high_minor"]) == (
        7_920_000,
        8_973_333,
        10_000_000,
    )
    assert results["disagreement"] == "0.231798"
    assert results["approaches"]["income"]["weight"] == "0.333333"


def test_weights_are_of_the_approaches_that_are_used():
    told = GUIDE | {"weights": {"cost": "0.5", "market": 2, "income": 0}}
    results = guide_quote(told).results
    assert results["mid_minor"] == 8_784_000  # (7,920,000 × 0.5 + 9,000,000 × 2) ÷ 2.5
    assert results["approaches"]["market"]["weight"] == "0.8"


@settings(deadline=None, max_examples=40)
@given(prices=PRICES, sham=st.lists(st.integers(1, 10**13), max_size=6), quantity=st.integers(1, 1000))
def test_the_market_is_the_median_and_sham_or_related_trades_never_move_it(prices, sham, quantity):
    clean = of_prices(prices, quantity=quantity)
    base = guide(market=clean)
    mixed = [{"price_minor": p, ("wash_flagged", "related_party")[i % 2]: True} for i, p in enumerate(sham)]
    moved = guide(market={"comparables": mixed + clean["comparables"][::-1], "quantity": quantity})
    assert moved["approaches"]["market"].pop("excluded") == len(sham)
    assert base["approaches"]["market"].pop("excluded") == 0
    assert moved == base
    assert abs(base["mid_minor"] - Fraction(median(map(Fraction, prices))) * quantity) <= Fraction(1, 2)
    assert base["low_minor"] <= base["mid_minor"] <= base["high_minor"]


@settings(deadline=None, max_examples=40)
@given(prices=PRICES, one=QUALITIES, other=QUALITIES, cost=st.integers(0, 10**9))
def test_better_quality_never_lowers_the_guide_price(prices, one, other, cost):
    lower, higher = (
        guide(cost={"costs": {"build": cost}, "quality": q}, market=of_prices(prices, quality=q))
        for q in sorted((one, other), key=Fraction)
    )
    for name in ("low_minor", "mid_minor", "high_minor"):
        assert lower[name] <= higher[name]


@settings(deadline=None, max_examples=40)
@given(
    prices=PRICES,
    cost=st.integers(0, 10**6),
    income=st.lists(st.integers(0, 10**6), min_size=1, max_size=5),
    times=st.integers(1, 100),
)
def test_a_hundredfold_currency_is_a_hundredfold_price(prices, cost, income, times):
    def at(unit):
        return guide(
            cost={"costs": {"clean": cost * unit}, "profit": "0.07", "depreciation": "0.13"},
            income={"income_minor": [one * unit for one in income], "share": "0.3", "discount": "0.1"},
            market=of_prices([price * unit for price in prices], timeliness="0.77"),
        )

    one, many = at(1), at(times)
    for name in ("low_minor", "mid_minor", "high_minor"):
        assert abs(many[name] - times * one[name]) <= times
    assert many["disagreement"] == one["disagreement"]


def test_fewer_than_five_comparables_are_too_few():
    four = of_prices([1, 2, 3, 4])
    with pytest.raises(ComparablesTooFew) as refused:
        guide(market=four)
    assert refused.value.rule_id == "M8-COMPARABLES"
    beside = guide_quote({"cost": GUIDE["cost"], "market": four})
    assert set(beside.results["approaches"]) == {"cost"}
    assert "comparables-too-few" in [reason.code for reason in beside.reasons]
    five = {"comparables": [*four["comparables"], {"price_minor": 3, "wash_flagged": True}]}
    with pytest.raises(ComparablesTooFew):
        guide(market=five)
    assert guide(market=of_prices([1, 2, 3, 4, 5]))["mid_minor"] == 3


def test_unit_prices_are_compared_and_low_is_never_negative():
    told = [{"price_minor": 10 * q, "quantity": q} for q in (1, 2, 3, 4)] + [{"price_minor": 1000}]
    results = guide(market={"comparables": told, "quantity": 7})
    assert (results["low_minor"], results["mid_minor"], results["high_minor"]) == (70, 70, 70)
    wide = guide(market=of_prices([1, 1, 10, 100, 1000]))
    assert wide["low_minor"] == 0


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"cost": None, "income": None, "market": None}, Malformed),
        ({"cost": {"costs": {"build": -1}}}, Malformed),
        ({"cost": {"costs": {"rent": 1}}}, Malformed),
        ({"cost": {"costs": {}, "quality": "1.1"}}, Malformed),
        ({"cost": {"costs": {"build": 10**15}, "profit": "1"}}, PriceOutOfBounds),
        ({"income": {"income_minor": []}}, Malformed),
        ({"income": {"income_minor": [-1]}}, Malformed),
        ({"income": {"income_minor": [1], "discount": "-0.1"}}, Malformed),
        ({"market": {"comparables": [{"price_minor": 0}]}}, Malformed),
        ({"market": {"comparables": [{"price_minor": 5, "buyer_id": "o"}]}}, Malformed),
        ({"market": {"comparables": [{"price_minor": 5, "wash_flagged": 1}]}}, Malformed),
        ({"market": of_prices([1] * 5, quality=101)}, Malformed),
        ({"weights": {"cost": 0, "income": 0, "market": 0}}, Malformed),
        ({"weights": {"costs": 1}}, Malformed),
    ],
)
def test_facts_that_are_none_are_refused(changed, error):
    with pytest.raises(error):
        guide_quote({**GUIDE, **changed})
