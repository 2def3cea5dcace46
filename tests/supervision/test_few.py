"""Of a few alone nothing is told: exporters without neighbours, a tie without rivals."""

from datetime import timedelta

import pytest

from tests.supervision.tables import Market, of_rule, on


def exporters(just_below):
    """So many groups one person below 100,000, and nobody near."""
    market = Market("orgs", "exports")
    market.only = ("S22",)
    for n in range(just_below):
        market.org(f"e{n}")
        market.add(
            "exports",
            declaration_id=f"d{n}",
            exporter_id=f"e{n}",
            declared_at=on(3, 1) + timedelta(hours=n),
            recipient_id="abroad",
            country="SG",
            sensitive=False,
            important=False,
            route_claimed="EXEMPT",
            status="COMPLETED",
            persons_declared=99_999,
            seq=n,
        )
    return market


@pytest.mark.parametrize(("many", "told"), [(5, 0), (6, 0), (7, 1)])
def test_a_crowd_without_neighbours_is_told_where_it_is_one(tmp_path, many, told):
    assert len(of_rule(exporters(many).supervise(tmp_path), "S22")) == told


def tied(rivals):
    """`a` sells one product never without another, on twelve days to three buyers."""
    market = Market("orgs", "trades", "flags")
    market.only = ("AML24-1", "AB5")
    for name in ("a", "b0", "b1", "b2", *(f"r{n}" for n in range(rivals))):
        market.org(name)
    for n in range(12):
        for product in ("wanted", "other"):
            market.trade(f"{product}{n}", "a", f"b{n % 3}", 100_000, on(5, 1 + n), product_id=product)
    for n in range(rivals):
        market.trade(f"r{n}", f"r{n}", "b0", 1_000, on(4, 1 + n), product_id=f"p{n}")
    return market


@pytest.mark.parametrize(("rivals", "told"), [(0, 0), (2, 0), (3, 2)])
def test_what_is_usual_only_rivals_tell(tmp_path, rivals, told):
    found = of_rule(tied(rivals).supervise(tmp_path), "AB5")
    assert sum(one.statistic["kind"] == "tying" for one in found) == told
