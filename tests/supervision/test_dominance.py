"""AML24-1, AML24-2, AML24-3 and AML24-X: exact shares, whole groups, honest ties."""

from datetime import timedelta

import pytest

from supervision.context import Mode
from supervision.finding import Checked, Confidence
from tests.supervision.tables import AS_OF, Market, of_rule, on


def market_of_shares(shares, *, trades=10, buyers=6):
    """Sellers with these amounts, each in equal trades to several buyers."""
    market = Market("orgs", "flags", "trades")
    market.only = ("AML24-1", "AML24-2", "AML24-3")
    for buyer in range(buyers):
        market.org(f"buyer{buyer}")
    for seller, amount in shares.items():
        market.org(seller)
        for n in range(trades):
            part = amount // trades + (amount % trades if n == 0 else 0)
            market.trade(f"{seller}-{n}", seller, f"buyer{n % buyers}", part)
    return market


def presumed(result, rule_id):
    (finding,) = of_rule(result, rule_id)
    return finding.statistic["presumed"]


def test_sc3_the_terminal_data_market_presumes_the_exclusive_agent_dominant(tmp_path):
    market = market_of_shares({"港讯": 5600_00, "second": 1900_00, "third": 1400_00, "fourth": 1100_00})
    result = market.supervise(tmp_path)
    (finding,) = of_rule(result, "AML24-1")
    assert finding.subjects == ("港讯",)
    assert finding.statistic["presumed"] == ["c-港讯"]
    assert finding.statistic["hhi"] == 3814
    assert finding.statistic["hhi_exact"] == "3814"
    assert finding.statistic["total_minor"] == "1000000"
    assert [share["share_bp"] for share in finding.statistic["shares"]] == [5600, 1900, 1400, 1100]
    assert finding.confidence is Confidence.HIGH
    assert finding.rule_version == "2"
    assert "第二十四条" in finding.legal_basis
    assert finding.threshold["AML24-1@2.share"]["value"] == "1/2"
    assert "推定" in finding.says.zh
    assert "presumed" in finding.says.en
    assert len(finding.evidence_seqs) == 40
    assert (finding.window.since, finding.window.until) == (on(11, 21, 4, year=2025), AS_OF)
    (statistic,) = result.statistics["markets"]
    assert (statistic["hhi"], statistic["hhi_band"], statistic["cr4_bp"]) == (3814, "high", 10_000)


@pytest.mark.parametrize(
    ("rule_id", "reached", "missed"),
    [
        # exactly the share, and one fen of the total below it
        ("AML24-1", {"a": 500, "b": 300, "c": 200}, {"a": 499, "b": 301, "c": 200}),
        ("AML24-2", {"a": 400, "b": 200, "c": 150, "d": 150}, {"a": 399, "b": 200, "c": 151, "d": 150}),
        (
            "AML24-3",
            {"a": 250, "b": 250, "c": 250, "d": 125, "e": 125},
            {"a": 250, "b": 250, "c": 249, "d": 126, "e": 125},
        ),
    ],
)
def test_a_share_counts_when_it_reaches_the_threshold_and_not_one_fen_below(
    tmp_path, rule_id, reached, missed
):
    assert of_rule(market_of_shares(reached, trades=1).supervise(tmp_path), rule_id)
    assert sum(missed.values()) == sum(reached.values())
    assert not of_rule(market_of_shares(missed, trades=1).supervise(tmp_path), rule_id)


def test_two_thirds_is_compared_exactly_where_no_decimal_can_say_it(tmp_path):
    # 2/3 of 30 000 000 000 000 001 lies between two whole fen
    total = 30_000_000_000_000_001
    reached = -(-2 * total // 3)
    for top, found in ((reached, True), (reached - 1, False)):
        shares = {
            "a": top // 2,
            "b": top - top // 2,
            "c": (total - top) // 2,
            "d": total - top - (total - top) // 2,
        }
        assert bool(of_rule(market_of_shares(shares, trades=1).supervise(tmp_path), "AML24-2")) is found


def test_whoever_has_less_than_a_tenth_is_not_presumed_with_the_others(tmp_path):
    result = market_of_shares({"a": 600, "b": 99, "c": 98, "d": 103, "e": 100}, trades=1).supervise(tmp_path)
    assert presumed(result, "AML24-2") == ["c-a", "c-d"]
    (three,) = of_rule(result, "AML24-3")
    assert three.statistic["presumed"] == ["c-a", "c-d", "c-e"]  # exactly a tenth is not below it
    result = market_of_shares({"a": 600, "d": 301, "e": 99}, trades=1).supervise(tmp_path)
    (three,) = of_rule(result, "AML24-3")
    assert three.statistic["presumed"] == ["c-a", "c-d"]
    assert three.statistic["excluded_under_tenth"] == ["c-e"]
    assert three.subjects == ("a", "d")


def test_a_tie_for_the_last_place_includes_all_who_tie_and_says_so(tmp_path):
    result = market_of_shares({"a": 500, "b": 200, "c": 200, "d": 100}, trades=1).supervise(tmp_path)
    (two,) = of_rule(result, "AML24-2")
    assert two.statistic["presumed"] == ["c-a", "c-b", "c-c"]
    assert two.statistic["tie_for_last_place"] is True
    assert two.statistic["joint_minor"] == "700"  # of two, as the law says: the tie adds nobody's share
    (one,) = of_rule(result, "AML24-1")
    assert one.statistic["tie_for_last_place"] is False


def test_equal_sellers_are_presumed_only_if_k_of_them_reach_the_share(tmp_path):
    five = market_of_shares(dict.fromkeys("abcde", 200), trades=1).supervise(tmp_path)
    assert not of_rule(five, "AML24-3")
    four = market_of_shares(dict.fromkeys("abcd", 250), trades=1).supervise(tmp_path)
    assert presumed(four, "AML24-3") == ["c-a", "c-b", "c-c", "c-d"]
    assert not of_rule(four, "AML24-2")


def test_a_set_of_k_needs_k_undertakings(tmp_path):
    result = market_of_shares({"a": 900, "b": 100}, trades=1).supervise(tmp_path)
    assert presumed(result, "AML24-1") == ["c-a"]
    assert presumed(result, "AML24-2") == ["c-a", "c-b"]
    assert not of_rule(result, "AML24-3")


def test_the_literal_reading_presumes_any_member_of_any_set(tmp_path):
    market = market_of_shares({"giant": 560, "b": 190, "c": 140, "d": 110}, trades=1)
    assert presumed(market.supervise(tmp_path), "AML24-2") == ["c-giant", "c-b"]
    literal = market.supervise(tmp_path, mode=Mode.ANY_SET)
    assert presumed(literal, "AML24-2") == ["c-giant", "c-b", "c-c", "c-d"]  # 56 + 11 is two thirds too
    assert presumed(literal, "AML24-1") == ["c-giant"]


def test_subsidiaries_of_one_controller_are_one_undertaking(tmp_path):
    market = Market("orgs", "flags", "trades")
    for org, controller in (("a1", "陈某"), ("a2", "陈某"), ("b", None), ("c", None), ("x", None)):
        market.org(org, controller)
    for n, (seller, amount) in enumerate((("a1", 250), ("a2", 250), ("b", 300), ("c", 200))):
        market.trade(f"t{n}", seller, "x", amount)
    (finding,) = of_rule(market.supervise(tmp_path), "AML24-1")
    assert finding.subjects == ("a1", "a2")
    assert finding.statistic["presumed"] == ["陈某"]


def test_an_organisation_without_a_controller_is_its_own(tmp_path):
    market = Market("orgs", "flags", "trades").trade("t0", "unknown", "x", 100)
    (finding,) = of_rule(market.supervise(tmp_path), "AML24-1")
    assert finding.statistic["presumed"] == ["unknown"]


def test_flagged_trades_do_not_count_until_the_flag_is_cleared(tmp_path):
    market = market_of_shares({"a": 400, "b": 300, "c": 300}, trades=1)
    market.trade("washed", "a", "buyer0", 1_000)
    assert of_rule(market.supervise(tmp_path), "AML24-1")
    market.add("flags", trade_id="washed", case_id="case", from_seq=7)
    result = market.supervise(tmp_path)
    assert not of_rule(result, "AML24-1")
    assert result.statistics["markets"][0]["flagged_left_out"] == 1
    market.rows["flags"][0]["to_seq"] = 9
    assert of_rule(market.supervise(tmp_path), "AML24-1")


@pytest.mark.parametrize("status", ["CANCELLED", "REFUNDED", "VOIDED", "refund_pending"])
def test_a_sale_taken_back_is_no_sale(tmp_path, status):
    market = market_of_shares({"a": 400, "b": 300, "c": 300}, trades=1)
    market.trade("undone", "a", "buyer0", 1_000, status=status)
    assert not of_rule(market.supervise(tmp_path), "AML24-1")


def test_the_window_is_the_last_twelve_months_without_its_first_moment(tmp_path):
    edge = on(11, 21, 4, year=2025)
    for at, found in (
        (edge, False),
        (edge + timedelta(microseconds=1), True),
        (AS_OF, True),
        (AS_OF + timedelta(seconds=1), False),
    ):
        market = market_of_shares({"a": 300, "b": 300, "c": 300}, trades=1)
        market.trade("t", "a", "buyer0", 1_000, at=at)
        assert bool(of_rule(market.supervise(tmp_path), "AML24-1")) is found, at


def test_markets_are_category_and_geography(tmp_path):
    market = market_of_shares({"a": 300, "b": 300, "c": 300}, trades=1)
    market.trade("t", "a", "buyer0", 1_000, geo="guangdong")
    (finding,) = of_rule(market.supervise(tmp_path), "AML24-1")
    assert finding.market.geo == "guangdong"


@pytest.mark.parametrize(
    ("trades", "buyers", "confidence"),
    [(10, 5, Confidence.HIGH), (9, 5, Confidence.LOW), (10, 4, Confidence.LOW)],
)
def test_few_trades_or_buyers_make_a_clue_only_and_few_sellers_do_not(tmp_path, trades, buyers, confidence):
    result = market_of_shares({"a": 700, "b": 200, "c": 100}, trades=trades, buyers=buyers).supervise(
        tmp_path
    )
    (finding,) = of_rule(result, "AML24-1")
    assert finding.confidence is confidence
    thin = next(e for e in finding.innocent_explanations if e.code == "thin-market")
    assert thin.result is (Checked.APPLIES if confidence is Confidence.LOW else Checked.RULED_OUT)


def test_buyers_are_counted_by_controller(tmp_path):
    market = market_of_shares({"a": 700, "b": 200, "c": 100}, trades=12, buyers=6)
    for row in market.rows["orgs"][:6]:
        row["controller_id"] = "one"
    (finding,) = of_rule(market.supervise(tmp_path), "AML24-1")
    assert finding.statistic["buyers"] == 1
    assert finding.confidence is Confidence.LOW
