"""M9: no ladder can be bought around, and none that cannot earns more."""

from fractions import Fraction
from itertools import combinations_with_replacement, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.errors import TooMuchToPrice, VersionsMalformed
from pricing.versions import MAX_VERSIONS, Version, arbitrage, versions_quote
from tests.pricing.facts import VERSIONS

LADDERS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 12), st.integers(1, 3)),
    min_size=1,
    max_size=4,
    unique_by=lambda step: step[0],
).map(sorted)
LONG = st.lists(
    st.tuples(st.integers(1, 10**12), st.integers(0, 10**13), st.integers(1, 50)),
    min_size=1,
    max_size=9,
    unique_by=lambda step: step[0],
).map(sorted)


def priced(ladder, **more):
    steps = [{"amount": a, "value_minor": v, "buyers": b} for a, v, b in ladder]
    return versions_quote({"ladder": steps, **more}).results


def earned(ladder, prices):
    return sum(b * p for (_, v, b), p in zip(ladder, prices, strict=True) if p <= v)


def every_ladder(ladder):
    """All prices in whole fen that never fall, and whose price of a unit never rises."""
    most = max(v for _, v, _ in ladder)
    found = [[price] for price in range(most + 1)]
    for (a, _, _), (b, _, _) in pairwise(ladder):
        found = [[*p, next_] for p in found for next_ in range(p[-1], p[-1] * b // a + 1)]
    return found


def test_the_example_of_chen_koutris_and_kumar():
    results = versions_quote(VERSIONS).results
    assert results["prices_minor"] == [100, 150, 225, 300]
    assert results["revenue_minor"] == 775  # 193.75 for a quarter of the buyers each
    assert results["arbitrageable"] is True  # 280 for three, where one and two cost 250


@settings(deadline=None, max_examples=40)
@given(ladder=LADDERS)
def test_no_other_ladder_earns_more(ladder):
    results = priced(ladder)
    assert results["revenue_minor"] == earned(ladder, results["prices_minor"])
    assert results["revenue_minor"] == max(earned(ladder, prices) for prices in every_ladder(ladder))


@settings(deadline=None, max_examples=40)
@given(ladder=LONG)
def test_prices_never_fall_the_price_of_a_unit_never_rises_and_parts_cost_no_less(ladder):
    prices = priced(ladder)["prices_minor"]
    for ((a, _, _), p), ((b, _, _), q) in pairwise(zip(ladder, prices, strict=True)):
        assert p <= q
        assert q * a <= p * b
    assert arbitrage([Version(a, p, 1) for (a, _, _), p in zip(ladder, prices, strict=True)]) is False


@settings(deadline=None, max_examples=40)
@given(ladder=LADDERS)
def test_arbitrage_is_found_where_it_is(ladder):
    ways = [
        (sum(a for a, _, _ in some), sum(v for _, v, _ in some))
        for size in range(1, 13)
        for some in combinations_with_replacement(ladder[:3], size)
    ]
    # Three kinds of versions in any number; the fourth alone may replace the ones before it.
    ways += [(a, v) for a, v, _ in ladder]
    way_around = any(amount >= a and cost < v for amount, cost in ways for a, v, _ in ladder)
    assert priced(ladder)["arbitrageable"] is way_around


@settings(deadline=None, max_examples=30)
@given(ladder=LADDERS, times=st.integers(1, 50), parts=st.sampled_from(["1", "0.5", "0.004"]))
def test_another_unit_of_information_changes_no_price_and_another_currency_never_lowers_the_revenue(
    ladder, times, parts
):
    unit = Fraction(parts)
    scaled = [(str(float(a * unit)), v, b) for a, v, b in ladder]
    assert priced(scaled) == priced(ladder)
    other = priced([(a, v * times, b) for a, v, b in ladder])
    assert other["revenue_minor"] >= times * priced(ladder)["revenue_minor"]


def test_on_doubling_amounts_a_currency_scales_every_price():
    ladder = [(1, 70, 1), (2, 160, 2), (4, 200, 1), (8, 900, 1)]
    prices = priced(ladder)["prices_minor"]
    assert priced([(a, v * 7, b) for a, v, b in ladder])["prices_minor"] == [7 * p for p in prices]


@pytest.mark.parametrize(
    "ladder",
    [
        [(2, 5, 1), (1, 5, 1)],
        [(1, 5, 1), (1, 6, 1)],
        [(0, 5, 1)],
        [("1.5", 5, 1), ("1.50", 5, 1)],
    ],
)
def test_amounts_that_do_not_rise_are_refused(ladder):
    with pytest.raises(VersionsMalformed):
        priced(ladder)


@pytest.mark.parametrize(
    ("amount", "value", "buyers", "error"),
    [
        (-1, 5, 1, Malformed),
        ("1e3", 5, 1, Malformed),
        (None, 5, 1, Malformed),
        (True, 5, 1, Malformed),
        (1, -5, 1, Malformed),
        (1, 5, 0, Malformed),
        (1, 10**14, 1, TooMuchToPrice),
    ],
)
def test_a_version_that_is_none_is_refused(amount, value, buyers, error):
    with pytest.raises(error):
        priced([(amount, value, buyers)])


def test_no_version_and_too_many_are_refused():
    with pytest.raises(Malformed):
        priced([])
    with pytest.raises(TooMuchToPrice):
        priced([(i + 1, 5, 1) for i in range(MAX_VERSIONS + 1)])
    with pytest.raises(TooMuchToPrice):
        priced([(1, 10**13, 10**9)])


def test_a_search_without_end_says_that_it_gave_up():
    # Just above the best price of a unit, and no sum of the others comes to it.
    steps = [Version(10**6 + 2 * i, 10**6 + 2 * i, 1) for i in range(300)] + [
        Version(10**9 + 1, 10**9 + 2, 1)
    ]
    assert arbitrage(steps) is None


@settings(deadline=None, max_examples=40)
@given(ladder=LADDERS)
def test_of_ladders_that_earn_as_much_none_serves_more_buyers(ladder):
    results = priced(ladder)

    def served(prices):
        return sum(b for (_, v, b), p in zip(ladder, prices, strict=True) if p <= v)

    best = [p for p in every_ladder(ladder) if earned(ladder, p) == results["revenue_minor"]]
    assert served(results["prices_minor"]) == max(map(served, best))
