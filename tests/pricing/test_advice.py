"""M6's reserve and M14: advice to a seller, from what is public and the same for every buyer."""

from fractions import Fraction
from math import log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.advice import price_advice
from pricing.errors import PriceOutOfBounds
from pricing.reserve import reserve_advice

GRID = [{"price_minor": price} for price in (100, 200, 300)]


def window(price, offered, sold):
    return {"price_minor": price, "offered": offered, "sold": sold}


def advised(history, **facts):
    return price_advice({**(facts or {"grid": GRID}), "history": history}).results


def test_the_reserve_of_values_between_0_and_100_is_50():
    """Myerson 1981: uniform on [0, 1] gives 1/2; a low end above half of the high end binds."""
    assert reserve_advice({"uniform": {"low_minor": 0, "high_minor": 100}}).results["reserve_minor"] == 50
    assert reserve_advice({"uniform": {"low_minor": 80, "high_minor": 100}}).results["reserve_minor"] == 80
    assert reserve_advice({"exponential": {"mean_minor": 40}}).results["reserve_minor"] == 40


@settings(deadline=None, max_examples=50)
@given(low=st.integers(0, 60), width=st.integers(1, 60))
def test_no_other_reserve_earns_more_of_a_uniform_value(low, width):
    high = low + width
    reserve = reserve_advice({"uniform": {"low_minor": low, "high_minor": high}}).results["reserve_minor"]
    earned = {r: r * Fraction(high - max(r, low), width) for r in range(high + 1)}
    assert earned[reserve] == max(earned.values())


@settings(deadline=None, max_examples=50)
@given(past=st.lists(st.integers(1, 50), min_size=1, max_size=12))
def test_no_other_reserve_would_have_earned_more_of_past_bids(past):
    facts = {"past_bids": [{"price_minor": price} for price in past]}
    reserve = reserve_advice(facts).results["reserve_minor"]
    earned = {price: price * sum(bid >= price for bid in past) for price in past}
    assert earned[reserve] == max(earned.values())


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({}, Malformed),
        ({"past_bids": []}, Malformed),
        ({"uniform": {"low_minor": 2, "high_minor": 1}}, Malformed),
        ({"uniform": {"low_minor": 0, "high_minor": 10**15}}, PriceOutOfBounds),
        ({"exponential": {"mean_minor": -1}}, Malformed),
        ({"uniform": {"low_minor": 0, "high_minor": 1}, "buyer_id": "org_1"}, Malformed),
    ],
)
def test_wrong_distributions_give_no_reserve(facts, error):
    with pytest.raises(error):
        reserve_advice(facts)


def test_every_price_is_tried_once_first():
    assert advised([])["advised_minor"] == 100
    assert advised([window(100, 5, 5)])["advised_minor"] == 200
    assert advised([window(100, 5, 5), window(200, 5, 0)])["scores"][2] is None


@settings(deadline=None, max_examples=80)
@given(
    counts=st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=3, max_size=3),
    data=st.data(),
)
def test_the_advice_is_the_highest_bound_in_any_order_of_history(counts, data):
    windows = [
        window(step["price_minor"], offered, min(sold, offered))
        for step, (offered, sold) in zip(GRID, counts, strict=True)
    ]
    total = sum(one["offered"] for one in windows)
    bounds = [
        one["price_minor"] * one["sold"] / (300 * one["offered"]) + sqrt(2 * log(total) / one["offered"])
        for one in windows
    ]
    results = advised(windows)
    assert [float(score) for score in results["scores"]] == pytest.approx(bounds, abs=1e-6)
    assert bounds[(results["advised_minor"] - 100) // 100] == pytest.approx(max(bounds))
    assert advised(data.draw(st.permutations(windows))) == results


def test_a_price_that_sells_better_is_advised_when_all_were_tried_much():
    history = [window(100, 10_000, 9_000), window(200, 10_000, 8_000), window(300, 10_000, 1_000)]
    assert advised(history)["advised_minor"] == 200


@pytest.mark.parametrize(("horizon", "prices"), [(1, 2), (1_000, 6), (10**12, 100)])
def test_the_grid_has_the_cube_root_of_the_horizon_over_its_logarithm(horizon, prices):
    grid = advised([], low_minor=100, high_minor=9_999, horizon=horizon)["grid_minor"]
    assert (len(grid), grid[0], grid[-1]) == (prices, 100, 9_999)
    assert advised([], low_minor=1, high_minor=2, horizon=horizon)["grid_minor"] == [1, 2]


@pytest.mark.parametrize(
    "facts",
    [
        {"grid": GRID, "history": [window(150, 1, 1)]},
        {"grid": GRID, "history": [window(100, 1, 2)]},
        {"grid": GRID, "history": [window(100, -1, 0)]},
        {"grid": GRID, "history": [window(100, 1, 1) | {"buyer_id": "org_1"}]},
        {"grid": [GRID[1], GRID[0]], "history": []},
        {"grid": [GRID[0], GRID[0]], "history": []},
        {"low_minor": 5, "high_minor": 5, "horizon": 9, "history": []},
        {"low_minor": 0, "high_minor": 5, "horizon": 9, "history": []},
        {"grid": GRID},
    ],
)
def test_wrong_history_gives_no_advice(facts):
    with pytest.raises(Malformed):
        price_advice(facts)
