"""WT1, WT2 and WT4: the ring of SC-5 on its dates, and everything honest beside it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from supervision.context import Context
from supervision.finding import Checked
from supervision.rule_table import in_force
from supervision.rules import s18
from tests.supervision.tables import AS_OF, Market, objects_of, of_rule, on

RING = ("ring1", "ring2", "ring3")


def sc5():
    """甲→乙→丙→甲 in 60 hours, mediated, accepted at once and never used; six honest sales beside."""
    market = Market("orgs", "flags", "trades", "usage")
    for org in ("甲数", "乙数", "丙数"):
        market.org(org, "陈某")
    for org in ("honest", "b0", "b1", "b2", "b3", "b4", "b5", "速配经纪"):
        market.org(org)
    legs = (
        ("ring1", "甲数", "乙数", 200_000_00, on(10, 12, 0)),
        ("ring2", "乙数", "丙数", 320_000_00, on(10, 13, 6)),
        ("ring3", "丙数", "甲数", 480_000_00, on(10, 14, 12)),
    )
    for trade_id, seller, buyer, amount, at in legs:
        delivered = at + timedelta(hours=1)
        market.trade(
            trade_id,
            seller,
            buyer,
            amount,
            at,
            product_id="跨境电商热销榜",
            broker_id="速配经纪",
            commission_minor=amount // 100,
            delivered_at=delivered,
            accepted_at=delivered + timedelta(minutes=3),
        )
    for n, thousand in enumerate((150, 160, 175, 180, 190, 210)):
        market.trade(f"honest{n}", "honest", f"b{n}", thousand * 1000_00, on(9, 1 + n))
        market.used(f"honest{n}", on(9, 2 + n).date())
    return market


def test_sc5_the_ring_is_a_self_trade_a_loop_and_unused_and_the_honest_are_left_alone(tmp_path):
    result = sc5().supervise(tmp_path)
    assert objects_of(result, "WT1") == [("ring1",), ("ring2",), ("ring3",)]
    assert objects_of(result, "WT2") == [RING]
    assert objects_of(result, "WT4") == [("ring1",), ("ring2",), ("ring3",)]
    (loop,) = of_rule(result, "WT2")
    assert loop.subjects == ("丙数", "乙数", "甲数")
    assert loop.statistic["ring"] == ["丙数", "甲数", "乙数"]
    assert loop.statistic["length"] == 3
    assert loop.statistic["span_s"] == 60 * 3600
    assert loop.statistic["level"] == "organisation"
    assert loop.statistic["brokers"] == ["速配经纪"]
    assert [leg["amount_minor"] for leg in loop.statistic["legs"]] == ["20000000", "32000000", "48000000"]
    assert loop.evidence_seqs == (1000, 1001, 1002)
    assert "涉嫌" in loop.says.zh
    assert "suspected" in loop.says.en
    assert not [
        f for f in result.findings if {"honest", "b0"} & set(f.subjects) and f.rule_id.startswith("WT")
    ]


def test_sc5_gives_exactly_what_the_scenario_expects(tmp_path):
    result = sc5().supervise(tmp_path)
    about_the_ring = {f.rule_id for f in result.findings if set(RING) & set(f.objects)}
    assert about_the_ring == {"WT1", "WT2", "WT4", "WT5", "WT6", "BR11"}
    (ladder,) = of_rule(result, "WT5")
    assert ladder.statistic["steps_bp"] == [6000, 5000]
    assert ladder.objects == RING
    assert objects_of(result, "WT6") == [("ring1",), ("ring2",), ("ring3",)]
    (hub,) = of_rule(result, "BR11")
    assert "速配经纪" in hub.subjects
    # the one honest seller of this market has half of it, and its prices go from 150 to 210 thousand
    assert {f.rule_id for f in result.findings} - about_the_ring <= {"AML24-1", "AML24-2", "AML24-3", "AB6"}


def test_sc5_the_index_comes_back_when_the_ring_is_flagged(tmp_path):
    market = sc5()
    (price,) = market.supervise(tmp_path).statistics["prices"]
    assert price["median_minor"] == "19000000"
    assert price["moved_bp"] == 0
    for trade_id in RING:
        market.add("flags", trade_id=trade_id, case_id="case", from_seq=50)
    (price,) = market.supervise(tmp_path).statistics["prices"]
    assert price == {
        "market": {"category": "transport", "geo": "nationwide"},
        "unit": "set",
        "trades": 6,
        "flagged_left_out": 3,
        "median_minor": "17750000",
        "median_with_flagged_minor": "19000000",
        "moved_bp": 704,
    }


def test_a_flagged_ring_is_still_found(tmp_path):
    market = sc5()
    market.add("flags", trade_id="ring1", case_id="case", from_seq=50)
    assert objects_of(market.supervise(tmp_path), "WT2") == [RING]


def test_a_ring_of_strangers_is_a_loop_but_no_self_trade(tmp_path):
    market = sc5()
    for row in market.rows["orgs"]:
        row["controller_id"] = row["org_id"]
    result = market.supervise(tmp_path)
    assert objects_of(result, "WT1") == []
    assert objects_of(result, "WT2") == [RING]


@pytest.mark.parametrize(
    ("holdings", "held"),
    [
        ([("a", "b", "0.25")], ("a", "0.25")),
        ([("b", "m", "1"), ("m", "a", "0.6")], ("b", "0.6")),
        ([("a", "m", "0.5"), ("m", "b", "0.5")], ("a", "0.25")),
        ([("a", "m", "0.5"), ("m", "b", "0.499999999")], None),
        ([("a", "m", "0.5"), ("m", "b", "0.4"), ("a", "n", "0.1"), ("n", "b", "0.5")], ("a", "0.25")),
        ([("a", "m", "1"), ("m", "n", "1"), ("n", "o", "1"), ("o", "b", "0.3")], ("a", "0.3")),
        ([("a", "m", "1"), ("m", "n", "1"), ("n", "o", "1"), ("o", "p", "1"), ("p", "b", "1")], None),
        ([("p", "m", "1"), ("m", "a", "1"), ("p", "b", "0.9")], ("p", "0.9")),
        # a group's shares are one share, and what its own members hold of each other is no way
        ([("a2", "b", "0.2"), ("a", "b", "0.05")], ("A", "0.25")),
        ([("p1", "a", "0.125"), ("p2", "a", "0.125"), ("p2", "b", "0.25")], ("P", "0.25")),
        ([("p1", "a", "0.125"), ("p2", "a", "0.124999999"), ("p2", "b", "0.25")], None),
        ([("a", "a2", "1"), ("a2", "b", "0.249999999")], None),
        ([("a", "m", "1"), ("m", "a", "1"), ("m", "b", "0.2")], None),
    ],
)
def test_holdings_through_others_and_of_a_group_make_one_control(tmp_path, holdings, held):
    market = Market("orgs", "holdings", "trades").trade("t", "a", "b", 100)
    for org in {name for pair in holdings for name in pair[:2]} & {"a2", "p1", "p2"}:
        market.org(org, org[0].upper())
    if "a2" in {holder for holder, _, _ in holdings}:
        market.org("a", "A")
    for holder, of, share in holdings:
        market.add("holdings", holder_id=holder, held_id=of, share=Decimal(share))
    found = of_rule(market.supervise(tmp_path), "WT1")
    assert [(one.statistic["holder_id"], one.statistic["holding"]) for one in found] == [held] * bool(held)


def test_a_self_trade_is_seen_without_any_register_of_controllers(tmp_path):
    market = Market("orgs", "trades").trade("t", "a", "a", 100)
    (finding,) = of_rule(market.supervise(tmp_path), "WT1")
    assert finding.subjects == ("a",)
    assert finding.statistic["same_organisation"] is True


def test_two_organisations_without_a_controller_are_strangers(tmp_path):
    market = Market("orgs", "trades").org("a").org("b").org("c")
    for row, nobody in zip(market.rows["orgs"], ("", "", None), strict=True):
        row["controller_id"] = nobody
    market.trade("t1", "a", "b", 100).trade("t2", "a", "c", 100)
    assert not of_rule(market.supervise(tmp_path), "WT1")


def test_a_trade_that_came_to_nothing_is_no_self_trade(tmp_path):
    market = Market("orgs", "trades").trade("t", "a", "a", 100, status="CANCELLED")
    assert not of_rule(market.supervise(tmp_path), "WT1")


def test_undoing_a_self_trade_later_does_not_unmake_it(tmp_path):
    market = Market("orgs", "trades").trade("t", "a", "a", 100, status="VOIDED")
    assert of_rule(market.supervise(tmp_path), "WT1")


def test_a_loop_through_an_affiliate_is_closed_at_the_controller(tmp_path):
    market = Market("orgs", "trades").org("a1", "A").org("a2", "A").org("b", "B")
    market.trade("out", "a1", "b", 100, on(6, 1), product_id="p")
    market.trade("home", "b", "a2", 100, on(6, 2), product_id="p")
    (finding,) = of_rule(market.supervise(tmp_path), "WT2")
    assert finding.objects == ("home", "out")
    assert finding.statistic["level"] == "controller"
    assert finding.statistic["ring"] == ["A", "B"]
    assert finding.subjects == ("a1", "a2", "b")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, True),
        ({"product_id": "another"}, False),  # another product went back
        ({"agreed_at": on(6, 8)}, True),  # seven days to the second
        ({"agreed_at": on(6, 8) + timedelta(seconds=1)}, False),
        ({"agreed_at": on(5, 31)}, True),  # then the other trade closes the loop
        ({"status": "LAPSED"}, False),
    ],
)
def test_a_loop_is_of_one_product_within_seven_days(tmp_path, change, found):
    market = Market("orgs", "trades").org("a").org("b")
    market.trade("out", "a", "b", 100, on(6, 1), product_id="p")
    market.trade("home", "b", "a", 100, on(6, 3), product_id="p")
    market.rows["trades"][1] |= change
    assert bool(of_rule(market.supervise(tmp_path), "WT2")) is found


def test_a_derived_product_that_comes_back_closes_the_loop(tmp_path):
    market = Market("orgs", "trades", "lineage").org("a").org("b").org("c")
    market.trade("raw", "a", "b", 100, on(6, 1), product_id="raw")
    market.trade("mixed", "b", "c", 100, on(6, 2), product_id="mixed")
    market.trade("score", "c", "a", 100, on(6, 3), product_id="score")
    assert not of_rule(market.supervise(tmp_path), "WT2")
    market.add("lineage", product_id="mixed", source_product_id="raw")
    market.add("lineage", product_id="score", source_product_id="mixed")
    (finding,) = of_rule(market.supervise(tmp_path), "WT2")
    assert finding.objects == ("mixed", "raw", "score")


def test_the_same_loop_in_two_families_is_one_finding(tmp_path):
    market = Market("orgs", "trades", "lineage").org("a").org("b")
    market.trade("out", "a", "b", 100, on(6, 1), product_id="child")
    market.trade("home", "b", "a", 100, on(6, 2), product_id="child")
    market.add("lineage", product_id="child", source_product_id="parent")
    assert objects_of(market.supervise(tmp_path), "WT2") == [("home", "out")]


def test_a_refund_of_one_leg_is_said_to_be_open(tmp_path):
    market = Market("orgs", "trades").org("a").org("b")
    market.trade("out", "a", "b", 100, on(6, 1), product_id="p", status="REFUNDED")
    market.trade("home", "b", "a", 100, on(6, 2), product_id="p")
    (finding,) = of_rule(market.supervise(tmp_path), "WT2")
    refund = next(e for e in finding.innocent_explanations if e.code == "refund")
    assert refund.result is Checked.OPEN
    assert refund.facts == {"trades_taken_back": ["out"]}


def unused(**more):
    """A trade delivered on 10 June at 10:00 and accepted a day later, as of the moment 30 days after."""
    market = Market("orgs", "trades", "usage", "listings").org("a").org("b")
    market.only = ("WT4",)
    at = on(6, 9, 10)
    market.trade("t", "a", "b", 100, at, **more)
    market.as_of = on(7, 11, 10)
    return market


def test_nothing_used_in_thirty_days_after_acceptance_is_found_when_they_have_passed(tmp_path):
    market = unused()
    assert objects_of(market.supervise(tmp_path), "WT4") == [("t",)]
    assert not of_rule(market.supervise(tmp_path, as_of=market.as_of - timedelta(seconds=1)), "WT4")


@pytest.mark.parametrize(
    ("day", "counts", "found"),
    [
        (on(6, 10), {"downloads": 1}, False),  # the delivery itself
        (on(6, 9), {"downloads": 1}, True),  # a sample before the delivery
        (on(6, 10), {"downloads": 0, "calls": 3}, True),  # the acceptance test
        (on(6, 11), {"downloads": 0, "calls": 3}, False),
        (on(6, 11), {"downloads": 0, "compute_jobs": 1}, False),
        (on(6, 20), {"downloads": 0, "bytes": 5}, True),  # bytes of nothing
        (on(7, 11), {"downloads": 1}, False),  # the thirtieth day
        (on(7, 12), {"downloads": 1}, True),
    ],
)
def test_what_counts_as_use(tmp_path, day, counts, found):
    market = unused().used("t", day.date(), **counts)
    market.as_of = on(8, 1)
    assert bool(of_rule(market.supervise(tmp_path), "WT4")) is found


def test_use_after_the_days_is_told_as_an_explanation(tmp_path):
    market = unused().used("t", on(7, 20).date())
    (finding,) = of_rule(market.supervise(tmp_path, as_of=on(8, 1)), "WT4")
    later = next(e for e in finding.innocent_explanations if e.code == "used-later")
    assert later.result is Checked.APPLIES
    (finding,) = of_rule(market.supervise(tmp_path), "WT4")  # before that use nobody could know of it
    later = next(e for e in finding.innocent_explanations if e.code == "used-later")
    assert later.result is Checked.RULED_OUT


@pytest.mark.parametrize("more", [{"accepted_at": None}, {"status": "REFUNDED"}, {"status": "VOIDED"}])
def test_what_was_not_accepted_or_was_taken_back_need_not_be_used(tmp_path, more):
    assert not of_rule(unused(**more).supervise(tmp_path), "WT4")


def test_a_service_has_no_meter_and_is_left_out(tmp_path):
    market = unused().add("listings", listing_id="lst-a", product_type="SERVICE")
    assert not of_rule(market.supervise(tmp_path), "WT4")
    market.rows["listings"][0]["product_type"] = "DATASET"
    assert of_rule(market.supervise(tmp_path), "WT4")


@pytest.mark.parametrize(
    ("listed", "fetched", "downloads", "found"),
    [
        (100_000_000, None, 1, True),
        (100_000_000, 5, 1, True),  # the listing knows
        (99_999_999, 100_000_000, 1, False),
        (20_000_000, 100_000_000, 5, False),
        (None, 100_000_000, 1, True),
        (None, 100_000_000, 5, False),  # five times 20 MB are no large file
        (None, None, 1, False),
    ],
)
def test_a_file_is_as_large_as_its_listing_says(tmp_path, listed, fetched, downloads, found):
    market = Market("orgs", "trades", "usage", "listings")
    accepted = on(5, 6) + timedelta(seconds=299)
    market.trade("t", "a", "b", 100, on(5, 5), listing_id="l", delivered_at=on(5, 6), accepted_at=accepted)
    market.add("listings", listing_id="l", seller_id="a", product_type="DATASET", bytes=listed)
    market.add("usage", trade_id="t", day=on(5, 6).date(), downloads=downloads, bytes=fetched)
    assert bool(of_rule(market.supervise(tmp_path), "WT6")) == found


@pytest.mark.parametrize(
    ("kind", "views", "found"), [("API", 4, True), ("API", 5, False), ("SERVICE", 4, True)]
)
def test_more_trades_than_views_are_asked_of_every_type(tmp_path, kind, views, found):
    market = Market("orgs", "trades", "usage", "listings", "listing_views")
    for n in range(5):
        market.trade(f"t{n}", "a", f"b{n}", 100, on(5, 5), listing_id="l")
    market.add("listings", listing_id="l", seller_id="a", product_type=kind)
    market.add("listing_views", listing_id="l", day=on(5, 4).date(), views=views)
    assert bool(of_rule(market.supervise(tmp_path), "WT6")) == found


def test_sellers_of_a_market_of_which_nothing_can_be_told_are_looked_at_all_the_same():
    """S18 counts no partners where hardly any amount is round; who is alone in a market is not looked at."""
    context = Context(as_of=AS_OF, rules=in_force(AS_OF))

    def looked_at(*trades):
        sellers = [{"trades": n, "rounded": 1, "partners": None} for n in trades]
        return list(s18._looked_at(sellers, context))

    assert looked_at(100, 49, 50) == [(None, 1), (None, 1)]
    assert looked_at(100) == []
