"""The arithmetic of the bid screens against published formulas and by hand."""

from fractions import Fraction
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.chance import adjusted, at_least, spread_below
from supervision.finding import Market
from supervision.rules.co2 import distance_squared, skewed
from supervision.rules.co4 import period
from supervision.tenders import Bid, Tender, sqrt_bp, variance
from tests.supervision.tables import on


def bids(*prices):
    of = [Bid(f"g{n}", Fraction(price), {"outcome": None}) for n, price in enumerate(prices)]
    return Tender("t", Market("c", "g"), on(1, 1), tuple(sorted(of, key=lambda bid: bid.price)))


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=9))
def test_the_variance_is_the_samples(prices):
    assert float(variance([Fraction(p) for p in prices])) == pytest.approx(stdev(prices) ** 2)


def test_losers_that_tie_do_not_divide_by_nothing():
    assert distance_squared(bids(100, 200, 200, 200)) == 100**2  # the tick floors it: no 1e14


def test_one_low_bid_and_the_rest_together_is_skewed():
    assert skewed(bids(89, 100, 110, 120))
    assert not skewed(bids(100, 101, 102, 140))


@pytest.mark.parametrize(
    ("winners", "found"),
    [("abab", 2), ("abca", 3), ("abcabc", 3), ("abba", None), ("aaaa", None), ("abcd", None), ("abac", None)],
)
def test_a_rotation_is_perfect_or_none(winners, found):
    assert period(list(winners), 5) == found


def test_a_round_in_which_every_bidder_had_its_turn_is_a_rotation():
    assert [period(list("abcd"), bidders) for bidders in (4, 5)] == [4, None]


def test_benjamini_and_hochbergs_own_example():
    # the fifteen p-values of their paper (1995): at 5 % the first four are told
    published = (1, 4, 19, 95, 201, 278, 298, 344, 459, 3240, 4262, 5719, 6528, 7590, 10_000)
    rates = adjusted([Fraction(p, 10_000) for p in published])
    assert [rate < Fraction(5, 100) for rate in rates] == [True] * 4 + [False] * 11
    assert rates == sorted(rates)


def test_the_root_is_told_rounded_down():
    assert sqrt_bp(Fraction(9, 10_000)) == 300
    assert sqrt_bp(Fraction(2)) == 14_142


def test_the_tails_are_those_of_the_tables():
    assert spread_below(7.815, 3) == pytest.approx(0.95, abs=1e-4)
    assert spread_below(0.352, 3) == pytest.approx(0.05, abs=1e-3)
    assert at_least(2, 3, 0.5) == pytest.approx(0.5)
    assert at_least(0, 3, 0.5) == 1.0
