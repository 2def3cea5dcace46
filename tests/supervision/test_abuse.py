"""SC-3: an exclusive agent refuses competitors and sets a minimum purchase."""

from datetime import timedelta

from supervision.finding import RuleClass, Severity
from tests.supervision.tables import Market, of_rule, on

WAN = 10_000_00


def sc3():
    """港讯 has 56 % by value; five vendors asked in 177 days, none was served; orders begin at 500,000."""
    market = Market("orgs", "flags", "trades", "requests", "listings")
    market.only = ("AML24-1", "AB1", "AB2", "AB3", "AB5", "AB6")
    market.org("港讯", "G").org("港讯分析", "G")
    for org in ("二", "三", "四", *(f"user{n}" for n in range(12)), *(f"vendor{n}" for n in range(5))):
        market.org(org)
    market.add("listings", listing_id="lst-港讯", seller_id="港讯", category="transport", geo="nationwide")
    for n in range(10):
        market.trade(f"g{n}", "港讯", f"user{n}", 50 * WAN, on(1 + n, 5), quantity=50)
    market.trade("own", "港讯", "港讯分析", 21 * WAN, on(3, 1), quantity=21)
    for seller, orders in (("二", 20), ("三", 15), ("四", 11)):
        for n in range(orders):
            market.trade(f"{seller}{n}", seller, f"user{n % 12}", 9 * WAN, on(2 + n % 8, 9), quantity=9)
    for n in range(5):
        asked = on(5, 6) + timedelta(days=177 * n / 4 if n < 4 else 177)
        market.add(
            "requests",
            request_id=f"req{n}",
            listing_id="lst-港讯",
            seller_id="港讯",
            buyer_id=f"vendor{n}",
            buyer_qualified=True,
            asked_at=min(asked, on(10, 1)) if n > 2 else asked,
            outcome="refused" if n < 3 else None,
            answered_at=asked + timedelta(days=2) if n < 3 else None,
            seq=n,
        )
    return market


def test_sc3_gives_the_presumption_the_refusal_and_the_minimum_order(tmp_path):
    result = sc3().supervise(tmp_path)
    assert {f.rule_id for f in result.findings} == {"AML24-1", "AB3", "AB5"}
    (refusal,) = of_rule(result, "AB3")
    assert refusal.subjects == ("港讯",)
    assert refusal.objects == tuple(f"req{n}" for n in range(5))
    assert refusal.statistic["asked"] == refusal.statistic["buyers_refused"] == 5
    assert (refusal.statistic["refused"], refusal.statistic["unanswered"]) == (3, 2)
    assert refusal.statistic["served"] == ["港讯分析"]
    assert refusal.severity is Severity.HIGH
    (condition,) = of_rule(result, "AB5")
    assert condition.statistic["times_bp"] == 55_556  # 500,000 beside a median of 90,000
    assert {f.rule_class for f in (refusal, condition)} == {RuleClass.SCREEN}


def test_without_dominance_there_is_no_abuse(tmp_path):
    market = sc3()
    for n in range(40):  # eight more sellers
        market.trade(f"more{n}", f"seller{n % 8}", f"user{n % 12}", 50 * WAN, on(2 + n % 8, 9), quantity=50)
    result = market.supervise(tmp_path)
    assert not [f for f in result.findings if f.rule_id.startswith("AB")]
