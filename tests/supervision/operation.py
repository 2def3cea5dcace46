"""SC-9 from the ledger on: a bundle of statements, its evidence, `databourse supervise` and its findings.

The exchange blocks most of this where it can (`tests/web/api/test_operation.py`). Here it slipped through, as
at a venue that looks away, and the signed statements alone tell it.
"""

GRANT, SCENARIO = "aog_1", "scn_1"
CAP, ASKED, UNITS = 8_000, 10_400, 48_000  # fen for a thousand calls; 48,000,000 calls
PARTIES = {"grant_id": GRANT, "authority_id": "org_agency", "operator_id": "org_operator"}
FIELDS = ("登记", "参保月数区间", "纳税等级")


def says(ledger, actor, role, event, **more):
    return ledger.say(event, GRANT, actor=f"org_{actor}", role=role, **PARTIES, **more)


def operated(ledger):
    """Granted in March 2027: one scenario, one user, one product under its cap."""
    agency, operator = ("agency", "PUBLIC_AGENCY"), ("operator", "OPERATING_INSTITUTION")
    bidders = [{"org_id": "org_operator", "score": 921}, {"org_id": "org_second", "score": 870}]
    chosen = {"selection_method": "OPEN_TENDER", "winner_id": "org_operator", "bidders": bidders}
    says(ledger, *agency, "AOG.SELECT", **chosen, opening={"conditions": [], "traces": []})
    says(ledger, *operator, "AOG.COUNTERSIGN", ends_at="2030-02-28T15:59:59.999Z")
    says(ledger, *agency, "AOG.REGISTER_RESOURCES")
    scenario = {
        "fields": {"dat_1": list(FIELDS)},
        "users": ["org_bank"],
        "purpose": "普惠金融",
        "environment": "政务云",
    }
    days = {"scenario_id": SCENARIO, "starts": "2027-03-01", "ends": "2030-02-28"}
    says(ledger, *agency, "AOG.APPROVE_SCENARIO", **days, opening=scenario)
    added = {"scenario_id": SCENARIO, "product_id": "prd_interface", "class": "PAID"}
    says(ledger, *operator, "AOG.ADD_PRODUCT", **added)
    says(ledger, *agency, "AOG.SET_CAPS", caps={"prd_interface": str(CAP)})


def used(ledger, no, user):
    how = {"user_id": user, "fields": list(FIELDS), "purpose": "普惠金融", "environment": "政务云"}
    about = {"use_id": f"use_{no}", "scenario_id": SCENARIO, "data_id": "dat_1"}
    role = ("operator", "OPERATING_INSTITUTION")
    says(ledger, *role, "AOG.USE", **about, opening=how | {"calls": 24_000_000})


def offered(ledger, name, price, **more):
    opening = {"list_price_minor": str(price), "cap_minor": str(CAP) if "grant_id" in more else None}
    about = {"listing_id": f"lst_{name}", "product_id": f"prd_{name}", "seller_id": "org_operator"}
    sort = {"category": "finance", "geo": "440000", "level": "general-2", "public_data": True}
    ledger.say("LST.DRAFT", about["listing_id"], opening=opening, **about, **sort, **more)
    ledger.say("LST.LIST", about["listing_id"], to="LISTED", **about)


def dealt(ledger, trade_id, buyer, *, price=None, units=1):
    """The interface asked for by somebody: sold at a price, or refused."""
    trade = {"trade_id": trade_id, "listing_id": "lst_interface", "seller_id": "org_operator"}
    trade |= {"buyer_id": buyer, "broker_id": None}
    asked = {"actor": buyer, "role": "BUYER", "opening": {"purpose": "信贷"}, "product_id": "prd_interface"}
    ledger.say("TRD.INQUIRE", trade_id, to="INQUIRED", **asked, **trade)
    if price is None:
        ledger.say("TRD.REFUSE", trade_id, to="REFUSED", reason_code="SUITE_ONLY", **trade)
        return
    terms = {"amount_minor": str(price * units), "quantity": units, "unit": "千次"}
    terms |= {"commission_minor": "0", "platform_fee_minor": "0"}
    ledger.say("TRD.CONTRACT", trade_id, to="CONTRACTED", opening=terms, product_id="prd_interface", **trade)


def sc9(ledger):
    """SC-9 in 2027 and 2028, appended to a ledger that has begun before."""
    ledger.until(2027, 3, 1, 1)
    for name in ("agency", "operator", "second", "bank", "marketing", "merchant_1", "merchant_2"):
        known = {"org_id": f"org_{name}", "name": name, "roles": []}
        ledger.say("ORG.ADMIT", f"org_{name}", opening={"controller_id": None, "is_ciio": False}, **known)
    operated(ledger)
    offered(ledger, "interface", ASKED, grant_id=GRANT)
    offered(ledger, "score", 500_000, derived_from=["prd_interface"])
    ledger.until(2028, 5, 6, 2)
    used(ledger, 1, "org_bank")
    used(ledger, 2, "org_marketing")
    dealt(ledger, "trd_sold", "org_bank", price=ASKED, units=UNITS)
    for no in (1, 2):
        dealt(ledger, f"trd_refused_{no}", f"org_merchant_{no}")
    ledger.until(2028, 6, 30, 2)
    earned = {"actual_minor": "1290000000", "off_exchange_minor": "0"}
    says(ledger, "operator", "OPERATING_INSTITUTION", "AOG.DISCLOSE", year=2027, opening=earned)
    permitted = {"permitted_minor": "1077500000"}
    says(ledger, "agency", "PUBLIC_AGENCY", "AOG.REPORT", year=2027, opening=permitted)
    return ledger


def check_sc9(told):
    """The findings of SC-9 with their numbers, among those by rule."""
    assert told["PRICE_CAP"].statistic["overcharge_minor"] == "115200000"  # 1,152,000 yuan
    assert told["PRICE_CAP"].statistic["highest_over_bp"] == 3_000
    assert told["PRICE_CAP"].objects == ("lst_interface", "trd_sold")
    assert (told["SCOPE"].statistic["left"], told["SCOPE"].statistic["calls"]) == (["user"], 24_000_000)
    assert told["SCOPE"].statistic["users"] == ["org_marketing"]
    assert told["REDEV"].objects == (GRANT, "lst_score", "prd_score")
    assert told["AML24-1"].statistic["presumed"] == ["org_operator"]
    assert told["AB3"].objects == ("trd_refused_1", "trd_refused_2")
    assert told["AB3"].statistic["served_are"] == "one-agent"
    assert told["REVENUE"].statistic["deviation_bp"] == 1_972
    late = {"year": 2027, "missing": [], "late": ["disclosure", "report"]}
    assert told["DISCLOSURE_MISSING"].statistic == late


SC9_RULES = {"PRICE_CAP", "SCOPE", "REDEV", "AML24-1", "AB3", "REVENUE", "DISCLOSURE_MISSING"}
