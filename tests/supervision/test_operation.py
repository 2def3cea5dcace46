"""SC-9 as evidence: what the exchange blocks where it can, had it slipped through (`scenarios.md`)."""

from datetime import date, timedelta

from cases.penalties import fine_range, read_offence
from supervision.finding import RuleClass, Severity
from tests.supervision.tables import Market, of_rule, on

CAP, ASKED, UNITS = 8_000, 10_400, 48_000  # fen for a thousand calls; 48,000,000 calls
GRANT = {"grant_id": "AOG-2026-03", "authority_id": "数据局", "operator_id": "粤公数运营"}
WAN = 10_000_00


def sc9():
    """One operator with a cap, a scenario, a product; what it sells to whom, and its year."""
    market = Market("orgs", "flags", "trades", "requests", "listings", "refusals", "lineage", "quotes")
    market.only = ("PRICE_CAP", "SCOPE", "REDEV", "REVENUE", "DISCLOSURE_MISSING", "AML24-1", "AB3", "AB5")
    for org in ("粤公数运营", "湾区普惠银行", "云图营销", "甲数商", "乙数商", "小数"):
        market.org(org)
    market.add(
        "grants",
        **GRANT,
        selection_method="open_tender",
        conditions=[],
        granted_at=on(3, 1, year=2025),
        active_at=on(3, 1, year=2025),
        ends_at=on(3, 1, year=2028),
        seq=1,
    )
    fields = ["dat_x.登记", "dat_x.参保月数区间", "dat_x.纳税等级"]
    about = {"grant_id": GRANT["grant_id"], "scenario_id": "普惠金融"}
    market.add(
        "grant_scenarios",
        **about,
        fields=fields,
        users=["湾区普惠银行"],
        purpose="普惠金融",
        environment="政务云",
        starts=date(2025, 4, 1),
        ends=date(2028, 2, 28),
        approved_at=on(4, 1, year=2025),
        seq=2,
    )
    for n, user in enumerate(("湾区普惠银行", "云图营销")):
        used = {
            "fields": fields[: n + 2],
            "purpose": "普惠金融",
            "environment": "政务云",
            "calls": 24_000_000,
        }
        market.add(
            "grant_uses",
            **about,
            use_id=f"use{n}",
            operator_id="粤公数运营",
            user_id=user,
            used_at=on(5, 1),
            seq=3 + n,
            **used,
        )
    sold = {"category": "finance", "geo": "440000"}
    offered = {"seller_id": "粤公数运营", "listed_at": on(2, 1), "public_data": True, **sold}
    market.add(
        "listings",
        listing_id="lst-接口",
        product_id="prd-接口",
        list_price_minor=ASKED,
        cap_minor=CAP,
        grant_id="AOG-2026-03",
        seq=5,
        **offered,
    )
    market.add("listings", listing_id="lst-评分", product_id="prd-评分", seq=6, **offered)
    market.add("grant_products", grant_id="AOG-2026-03", product_id="prd-接口", cap_minor=CAP, seq=5)
    market.add("lineage", product_id="prd-评分", source_product_id="prd-接口", seq=6)
    market.trade(
        "t1",
        "粤公数运营",
        "湾区普惠银行",
        UNITS * ASKED,
        on(5, 2),
        listing_id="lst-接口",
        product_id="prd-接口",
        quantity=UNITS,
        **sold,
    )
    for n in range(6):  # the interface is sold with the operator's own suite, and never alone
        for product in ("接口", "分析套件"):
            tied = {"listing_id": f"lst-{product}", "product_id": f"prd-{product}", **sold}
            market.org(f"用户{n}") if product == "接口" else None
            market.trade(f"s{n}{product}", "粤公数运营", f"用户{n}", CAP, on(7, 1 + n), **tied)
    for n in range(24):  # what others sell is bought one at a time
        one = {"product_id": f"prd-小{n % 4}", "listing_id": f"lst-小{n % 4}", **sold}
        market.trade(f"x{n}", "小数", f"用户{n % 6}", WAN, on(2 + n % 4, 1 + n), **one)
    for n, merchant in enumerate(("甲数商", "乙数商")):  # the interface alone: refused
        market.add(
            "requests",
            request_id=f"req{n}",
            listing_id="lst-接口",
            seller_id="粤公数运营",
            buyer_id=merchant,
            buyer_qualified=True,
            asked_at=on(6, 1 + n),
            answered_at=on(6, 3 + n),
            outcome="refused",
            reason="SUITE_ONLY",
            seq=10 + n,
        )
    market.add(
        "grant_years",
        **GRANT,
        year=2025,
        disclosed_at=None,
        reported_at=on(6, 30),
        permitted_minor=1_077_500_000,
        actual_minor=1_290_000_000,
        seq=20,
    )
    return market


def test_sc9_gives_every_finding_with_its_numbers(tmp_path):
    result = sc9().supervise(tmp_path)
    (price,) = of_rule(result, "PRICE_CAP")
    assert price.statistic["overcharge_minor"] == "115200000"  # 1,152,000 yuan
    assert price.statistic["highest_over_bp"] == 3_000
    (scope,) = of_rule(result, "SCOPE")
    assert (scope.rule_class, scope.severity) == (RuleClass.HARD, Severity.HIGH)
    assert scope.statistic == {
        "left": ["user"],
        "uses": 1,
        "calls": 24_000_000,
        "users": ["云图营销"],
        "refused": 0,
    }
    (made,) = of_rule(result, "REDEV")
    assert made.objects == ("AOG-2026-03", "lst-评分", "prd-评分")
    (revenue,) = of_rule(result, "REVENUE")
    assert revenue.statistic["deviation_bp"] == 1_972
    (late,) = of_rule(result, "DISCLOSURE_MISSING")
    assert late.statistic == {"year": 2025, "missing": ["disclosure"], "late": ["report"]}
    assert late.subjects == ("数据局", "粤公数运营")
    assert of_rule(result, "AML24-1")
    (tied,) = of_rule(result, "AB5")
    assert tied.subjects == ("粤公数运营",)
    (refusal,) = of_rule(result, "AB3")  # public data under a grant has no other source: two are enough
    assert refusal.subjects == ("粤公数运营",)
    assert refusal.objects == ("req0", "req1")
    told = ("buyers_refused", "refused", "unanswered", "asked", "served_are")
    assert [refusal.statistic[name] for name in told] == [2, 2, 0, 2, "others"]


def test_two_refused_of_other_data_or_one_of_granted_data_are_no_pattern(tmp_path):
    market = sc9()
    for row in market.rows["listings"]:
        row["grant_id"] = None
    assert not of_rule(market.supervise(tmp_path), "AB3")
    market = sc9()
    market.rows["requests"].pop()
    assert not of_rule(market.supervise(tmp_path), "AB3")


def test_the_overcharge_is_paid_back_and_fined_up_to_five_times():
    facts = {
        "on": "2026-11-23",
        "counts": [{"act": "price", "code": "PN-PRICE-9", "gains_minor": 115_200_000}],
    }
    found = fine_range(read_offence(facts)[0])
    assert found.confiscate_minor == 115_200_000
    assert found.high_minor == 576_000_000  # 5,760,000 yuan
    assert found.low_minor == 0


def test_refused_attempts_alone_are_a_clue_and_nobody_elses_refusals_are_told(tmp_path):
    market = Market("orgs", "grants", "grant_uses", "grant_scenarios", "refusals")
    market.only = ("SCOPE",)
    tried = {"actor": "粤公数运营", "object_id": "AOG-2026-03", "code": "grant-outside-scope"}
    market.add("refusals", seq=7, at=on(5, 1), attempted="AOG.USE", **tried)
    market.add("refusals", seq=8, at=on(5, 1) + timedelta(days=1), attempted="AOG.ASK_SCENARIO", **tried)
    (clue,) = of_rule(market.supervise(tmp_path), "SCOPE")
    assert (clue.rule_class, clue.statistic["refused"], clue.evidence_seqs) == (RuleClass.SCREEN, 1, (7,))


def test_a_grants_cap_binds_what_its_listing_leaves_open_from_the_moment_it_was_set(tmp_path):
    market = Market("orgs", "flags", "trades", "listings", "refusals")
    market.only = ("PRICE_CAP",)
    market.org("粤公数运营").org("湾区普惠银行")
    under = {"grant_id": GRANT["grant_id"], "product_id": "prd-接口", "seller_id": "粤公数运营"}
    product = {"grant_id": GRANT["grant_id"], "product_id": "prd-接口", "seq": 5}
    market.add("grant_caps", **product, cap_minor=CAP, from_at=on(4, 1))
    sold = {"category": "finance", "geo": "440000"}
    for name, said in (("无限价", {"public_data": False}), ("高限价", {"cap_minor": ASKED})):
        market.add(
            "listings", listing_id=name, listed_at=on(2, 1), list_price_minor=ASKED, seq=6, **under, **said
        )
        for when, price in ((on(3, 1), ASKED), (on(5, 1), ASKED), (on(5, 2), CAP)):
            about = {"listing_id": name, "product_id": "prd-接口", "quantity": 1, **sold}
            market.trade(f"{name}{when}{price}", "粤公数运营", "湾区普惠银行", price, when, **about)
    told = of_rule(market.supervise(tmp_path), "PRICE_CAP")
    assert sorted(one.objects[0] for one in told) == ["无限价", "高限价"]
    for one in told:  # what was sold before the cap was set, and at it, is no matter
        assert (one.statistic["trades"], one.statistic["overcharge_minor"]) == (1, str(ASKED - CAP))
        assert (one.statistic["cap_minor"], one.statistic["list_price_minor"]) == (str(CAP), None)


def test_a_sale_is_held_against_the_cap_of_its_day(tmp_path):
    market = Market("orgs", "flags", "trades", "listings", "refusals")
    market.only = ("PRICE_CAP",)
    market.org("粤公数运营").org("湾区普惠银行")
    under = {"grant_id": GRANT["grant_id"], "product_id": "prd-接口"}
    higher = CAP + 500
    for cap, since, until in ((CAP, on(4, 1), on(6, 1)), (higher, on(6, 1), None)):
        market.add("grant_caps", **under, cap_minor=cap, from_at=since, until_at=until, seq=5)
    about = {"listing_id": "lst-接口", "product_id": "prd-接口", "category": "finance", "geo": "440000"}
    said = {
        "seller_id": "粤公数运营",
        "category": "finance",
        "geo": "440000",
        "listed_at": on(2, 1),
        "seq": 6,
    }
    market.add("listings", listing_id="lst-接口", **under, **said)
    sold = ((on(5, 31), higher), (on(6, 1), higher), (on(6, 2), higher + 1))
    for n, (when, price) in enumerate(sold):  # above the first cap, at the second, above it
        market.trade(f"t{n}", "粤公数运营", "湾区普惠银行", price, when, quantity=1, **about)
    (told,) = of_rule(market.supervise(tmp_path), "PRICE_CAP")
    assert told.objects == ("lst-接口", "t0", "t2")
    assert told.statistic["overcharge_minor"] == str(500 + 1)
