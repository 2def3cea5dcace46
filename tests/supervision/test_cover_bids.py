"""S14: who shares a place with a third has not come first and second."""

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
