"""S10: the measures of a tender, by hand, and who bids closest together."""

from datetime import timedelta
from fractions import Fraction

import pytest

from supervision.bid_measures import measures_of
from supervision.finding import Market as Place
from supervision.rules.s10 import closest
from supervision.tenders import Bid, Tender
from tests.supervision.tables import Market, of_rule, on


def bids(*prices):
    return tuple(Bid(f"g{n}", Fraction(price), {"outcome": None}) for n, price in enumerate(prices))


def measured(*prices):
    told = measures_of(Tender("t", Place("c", "g"), on(1, 1), bids(*prices)))
    return {name: value for name, value in told.items() if name != "tender_id"}


def test_the_measures_of_four_bids_as_counted_by_hand():
    assert measured(100, 110, 112, 115) == {
        "bids": 4,
        "cv_bp": 594,  # 6.5 over 109.25
        "spread_bp": 1500,
        "diffp_bp": 1000,
        "rd_bp": 39735,  # 10 over the root of 19/3
        "altrd_bp": 40000,  # 10 over 2.5
        "skew_bp": -8130,
        "kurt_bp": 21092,
        "ks_bp": 4166,  # 110 is two thirds of the way, one of four stands before it
    }


@pytest.mark.parametrize("prices", [(5,), (5, 7), (5, 5, 5)])
def test_what_too_few_or_like_bids_do_not_tell_is_not_told(prices):
    told = measured(*prices)
    assert told["bids"] == len(prices)
    assert told["skew_bp"] is told["kurt_bp"] is told["ks_bp"] is None


def test_losers_that_tie_are_a_fen_apart_and_no_division_fails():
    assert measured(100, 300, 300, 300)["rd_bp"] == 200 * 10_000
    assert measured(100, 300, 300, 300)["altrd_bp"] == 200 * 10_000


@pytest.mark.parametrize(
    ("prices", "who"),
    [
        ((100, 101, 102, 150), ("g0", "g1", "g2")),
        ((150, 100, 120, 101, 102), ("g1", "g3", "g4")),
        ((100, 110, 121, "1331/10"), None),  # as close on either side
        ((100, 101, 102, 102, 150), ("g1", "g2", "g3")),
        ((100, 100, 100, 100, 150), None),
    ],
)
def test_the_closest_three(prices, who):
    assert closest(bids(*prices), 3) == who


def tendered(times, others=0):
    market = Market("orgs", "flags", "trades", "listings", "quotes")
    market.only = ("S10",)
    market.add("listings", listing_id="l", seller_id="x", category="c", geo="g")
    for n in range(times + others):
        near = [200_000, 200_100, 200_200] if n < times else [200_000, 300_000, 450_000]
        for place, price in enumerate([*near, 120_000, 140_000, 170_000]):
            market.add(
                "quotes", quote_id=f"q{n}.{place}", tender_id=f"t{n}", listing_id="l", seller_id=f"g{place}",
                quoted_at=on(2 + n, 3) + timedelta(hours=place), price_minor=price, quantity=1, seq=place,
            )  # fmt: skip
    return market


@pytest.mark.parametrize(("times", "others", "found"), [(5, 0, True), (4, 0, False), (5, 3, True)])
def test_five_times_the_same_three_are_too_many(tmp_path, times, others, found):
    told = of_rule(tendered(times, others).supervise(tmp_path), "S10")
    assert bool(told) is found
    for finding in told:
        assert finding.subjects == ("g0", "g1", "g2")
        assert finding.statistic["tenders_together"] == times + others
        assert len(finding.statistic["measures"]) == times
