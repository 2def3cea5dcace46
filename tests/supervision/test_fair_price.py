"""FAIR_PRICE: the formula to the fen, what is no comparable, and a market without anything to find."""

import random
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervision.far_prices import Compared
from supervision.finding import Checked, Confidence, RuleClass
from tests.supervision.tables import GEO, Market, objects_of, of_rule, on

# Median 100, MAD 5: three times the scaled deviation is 22.239.
FIVE = (90, 95, 100, 105, 110)


def sold(prices, p, **more):
    """Five sales of as many sellers, and one at the price in question."""
    market = Market("orgs", "flags", "trades", "listings")
    market.only = ("FAIR_PRICE",)
    for n, price in enumerate(prices):
        sale(market, f"c{n}", price * 1000)
    return sale(market, "p", p, **more)


def sale(market, name, amount, *, buyer=None, product_type="FILE", level="2", **more):
    market.org(f"s-{name}")
    if buyer is None:
        market.org(f"b-{name}")
    market.add(
        "listings", listing_id=f"l-{name}", seller_id=f"s-{name}", product_type=product_type, level=level
    )
    return market.trade(
        f"t-{name}", f"s-{name}", buyer or f"b-{name}", amount, listing_id=f"l-{name}", **more
    )


def found(market, tmp_path):
    return sorted(trade for told in objects_of(market.supervise(tmp_path), "FAIR_PRICE") for trade in told)


@pytest.mark.parametrize(
    ("price", "expected"),
    [(122_239, []), (122_240, ["t-p"]), (77_761, []), (77_760, ["t-p"]), (100_000, [])],
)
def test_three_scaled_deviations_to_the_fen(tmp_path, price, expected):
    assert found(sold(FIVE, price), tmp_path) == expected


def test_the_finding_says_what_it_rests_on(tmp_path):
    (finding,) = of_rule(sold(FIVE, 150_000).supervise(tmp_path), "FAIR_PRICE")
    assert finding.rule_class is RuleClass.SCREEN
    assert finding.subjects == ("s-p",)
    told = finding.statistic
    assert (told["median_minor"], told["mad_minor"], told["comparables"]) == ("100000", "5000", 5)
    assert (told["robust_z"], told["ratio"]) == ("6.7449", "1.5000")
    assert finding.confidence is Confidence.LOW
    assert finding.evidence_seqs == (1002, 1005)
    assert "涉嫌" in finding.says.zh


@pytest.mark.parametrize(("price", "expected"), [(199_999, []), (200_000, ["t-p"])])
def test_twice_the_median_is_found_however_wide_the_prices_lie(tmp_path, price, expected):
    assert found(sold((20, 60, 100, 140, 180), price), tmp_path) == expected


def test_four_comparables_are_too_few(tmp_path):
    assert found(sold(FIVE[:4], 900_000), tmp_path) == []


@pytest.mark.parametrize(
    "unlike",
    [{"product_type": "API"}, {"level": "3"}, {"unit": "call"}, {"category": "energy"}, {"status": "VOIDED"}],
)
def test_another_kind_of_product_and_an_undone_trade_are_not_compared(tmp_path, unlike):
    assert found(sold(FIVE, 900_000, **unlike), tmp_path) == []


def test_flagged_and_related_sales_are_neither_compared_nor_found(tmp_path):
    market = sold(FIVE, 122_239)
    for n in range(6):  # would make the price look ordinary
        sale(market, f"w{n}", 122_000 + n)
        market.add("flags", trade_id=f"t-w{n}", case_id="cse", from_seq=1)
        sale(market, f"r{n}", 122_000 + n, buyer=f"s-r{n}")
    assert found(market, tmp_path) == []
    market.rows["trades"][5]["amount_minor"] = 122_240
    assert found(market, tmp_path) == ["t-p"]


def test_the_unit_price_counts(tmp_path):
    assert found(sold(FIVE, 1_000_000, quantity=10), tmp_path) == []
    assert found(sold(FIVE, 1_222_400, quantity=10), tmp_path) == ["t-p"]


def test_where_all_others_cost_the_same_a_hundredth_is_the_deviation(tmp_path):
    assert found(sold((100,) * 5, 103_000), tmp_path) == []
    (finding,) = of_rule(sold((100,) * 5, 103_001).supervise(tmp_path), "FAIR_PRICE")
    assert {e.code: e.result for e in finding.innocent_explanations}["one-price"] is Checked.APPLIES


def test_a_large_honest_market_has_nothing_to_find_and_one_far_price(tmp_path):
    chance = random.Random(3)
    prices = [round(100 * chance.gauss(1, 0.05), 3) for _ in range(3000)]
    market = sold([], 100_000)
    for n, price in enumerate(prices):
        sale(market, f"h{n}", round(price * 1000))
    beyond = sum(abs(price - 100) > 15 for price in prices)
    assert beyond >= 3  # three deviations alone would accuse them
    assert len(found(market, tmp_path)) <= 1
    market.rows["trades"][0]["amount_minor"] = 130_000
    assert "t-p" in found(market, tmp_path)


@settings(deadline=None, max_examples=8)
@given(amounts=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 3)), min_size=6, max_size=9))
def test_what_is_compared_is_the_median_and_the_deviation_of_the_others(tmp_path_factory, amounts):
    market = sold([], 1)
    market.rows["trades"].clear()
    for n, (amount, quantity) in enumerate(amounts):
        sale(market, f"x{n}", amount * 1000, quantity=quantity)
    expected = []
    for n, (amount, quantity) in enumerate(amounts):
        price = Fraction(amount * 1000, quantity)
        others = [Fraction(a * 1000, q) for i, (a, q) in enumerate(amounts) if i != n]
        middle = Fraction(median(others))
        spread = Fraction(median(abs(other - middle) for other in others)) * Fraction(14826, 10000)
        if abs(price - middle) > 3 * (spread or middle / 100) or price >= 2 * middle:
            expected.append(f"t-x{n}")
    assert found(market, tmp_path_factory.mktemp("fair")) == expected


def test_the_middle_of_an_even_number_is_between_two():
    row = {"amount_minor": 10, "quantity": 2, "sold": 7}
    middle = {"median_near": (4, 1), "median_far": (5, 1), "mad_near": (4, 1), "mad_far": (7, 1)}
    for name, (amount, quantity) in middle.items():
        row |= {f"{name}_amount": amount, f"{name}_quantity": quantity}
    told = Compared.of(row)
    assert (told.price, told.median, told.mad, told.comparables) == (5, Fraction(9, 2), Fraction(3, 2), 6)


def test_another_size_is_not_compared(tmp_path):
    market = sold(FIVE, 150_000)
    for row in market.rows["listings"]:
        row["bytes"] = 500_000
    assert found(market, tmp_path) == ["t-p"]
    market.rows["listings"][-1]["bytes"] = 5_000_000
    assert found(market, tmp_path) == []


def test_the_far_sales_of_one_seller_are_one_finding(tmp_path):
    market = sold((*FIVE, *FIVE), 150_000)
    for n, (price, geo) in enumerate(((151_000, GEO), (50_000, GEO), (160_000, "440000"), (100_000, GEO))):
        sale(market, f"p{n}", price, geo=geo)
        market.rows["trades"][-1]["seller_id"] = "s-p"
        market.rows["trades"][-1]["agreed_at"] = on(7, 1 + n)
    result = of_rule(market.supervise(tmp_path), "FAIR_PRICE")
    assert sorted(one.objects for one in result) == [("t-p", "t-p0"), ("t-p1",), ("t-p2",)]
    (both,) = [one for one in result if len(one.objects) > 1]
    assert (both.statistic["sales"], both.statistic["trade_id"], both.statistic["price_minor"]) == (
        2,
        "t-p0",
        "151000",
    )
    assert (both.window.since, both.window.until) == (on(6, 1), on(7, 1))
    assert {1010, 1011} <= set(both.evidence_seqs)


def test_one_other_sellers_spread_is_no_measure_of_a_rivals_price(tmp_path):
    market = sold((90, 95), 150_000)
    for n, price in enumerate((97, 100, 105)):
        sale(market, f"one{n}", price * 1000)
        market.rows["trades"][-1]["seller_id"] = "s-one0"
    assert found(market, tmp_path) == []  # three of five are one seller's
    market.rows["trades"][2]["amount_minor"] = 194_000
    assert found(market, tmp_path) == ["t-p"]  # at twice the median all the same
