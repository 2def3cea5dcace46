"""S14: who shares a place with a third has not come first and second. CO2: honest winners stand apart too."""

import random

import pytest

from tests.detect.bidding import listed, tender
from tests.supervision.tables import Market, of_rule, on


@pytest.mark.parametrize(("third", "told"), [(10_000, 0), (10_100, 0), (10_101, 1)])
def test_equal_bids_single_out_no_pair(tmp_path, third, told):
    market = Market("orgs", "flags", "quotes", "listings")
    market.only = ("S14",)
    listed(market, "x")
    for n in range(5):
        tender(market, "x", f"t{n}", [10_000, min(third, 10_100), third], on(2 + n, 3))
    assert len(of_rule(market.supervise(tmp_path), "S14")) == told


def test_winners_of_honest_tenders_stand_apart_too_and_only_the_covered_are_told(tmp_path):
    market = Market("orgs", "flags", "quotes", "listings")
    market.only = ("CO2",)
    draw = random.Random(20261124)
    for ring in range(25):
        listed(market, f"honest{ring}")
        for n in range(8):
            prices = [max(1, round(draw.gauss(1_000_000, 100_000))) for _ in range(4)]
            tender(market, f"honest{ring}", f"t{n}", prices, on(2, 1 + 3 * n))
    listed(market, "covered")
    for n in range(3):
        tender(market, "covered", f"t{n}", [900_000, 1_000_000, 1_002_000, 1_005_000], on(2 + n, 3))
    (finding,) = of_rule(market.supervise(tmp_path), "CO2")
    assert {subject.rpartition("-")[2] for subject in finding.subjects} == {"covered"}
    assert finding.statistic["tenders"] == 3
    assert finding.statistic["by_chance_bp"] == 0
