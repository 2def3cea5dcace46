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


@pytest.mark.parametrize("sold_in", [(0, 25, 28, 31, 34), (1, 14, 27)])
def test_a_few_weeks_with_sales_are_no_course_of_prices(tmp_path, sold_in):
    market = Market("orgs", "trades", "flags")
    market.only = ("S27",)
    begin = on(11, 15) - timedelta(weeks=40) + timedelta(days=3)  # the first week is cut off
    for week in sold_in:  # a fifth more from the 27th week on
        price = 12_000 if week == 27 else 10_000
        market.trade(f"t{week}", "a", f"b{week}", price, begin + timedelta(weeks=week))
    assert not [one for one in of_rule(market.supervise(tmp_path), "S27") if "price:set" in one.objects]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("sensitive:cn-id", True),  # the exchange's own word
        ("Sensitive-Health", True),
        ("biometric", True),  # a kind of PIPL 28
        ("under-14", True),
        ("financial account", True),
        ("HEALTH:icd-10", True),
        ("bank-card", True),
        ("personal:mobile", False),
        ("personal:cn-id", False),  # declared as sensitive, and not as personal
        ("healthy", False),
        ("at least 9", False),
        (None, False),
    ],
)
def test_xb2_knows_the_kinds_of_sensitive_data_by_their_names(tmp_path, kind, told):
    market = Market("orgs", "exports", "export_scans")
    market.only = ("XB2",)
    for name, sensitive in (("hides", False), ("says", True)):
        market.add("exports", declaration_id=name, exporter_id="e", sensitive=sensitive, seq=1)
        market.add("export_scans", declaration_id=name, field="f", kind=kind, scanned_at=on(3, 2), seq=4)
    found = of_rule(market.supervise(tmp_path), "XB2")
    assert [(one.objects, one.statistic) for one in found] == [(("hides",), {"fields": ["f"]})] * told
