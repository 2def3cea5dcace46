"""Other venues' words for what our own evidence calls otherwise: a fact is found whatever it is called."""

from tests.supervision.tables import Market, of_rule, on

CALLS = {
    "call": 1, "API calls": 1, "per call": 1, "api_request": 1, "次调用": 1,
    "1,000 calls": 1_000, "1k calls": 1_000, "千次": 1_000, "万次": 10_000,
}  # fmt: skip
OF_ANOTHER = ("set", "calls a month", "12 months of calls", "次下载")


def test_more_calls_than_were_bought_in_any_unit_of_calls(tmp_path):
    market = Market("orgs", "trades", "usage")
    market.only = ("S24",)
    for unit in (*CALLS, *OF_ANOTHER):
        for more in (0, 1):
            market.trade(f"{unit}+{more}", "seller", "buyer", 100, unit=unit, quantity=2)
            calls = 2 * CALLS.get(unit, 1_000) + more
            market.used(f"{unit}+{more}", on(6, 5).date(), calls=calls, downloads=0)
    found = {
        finding.objects[0]: finding.statistic["breaches"]
        for finding in of_rule(market.supervise(tmp_path), "S24")
    }
    assert found == {
        f"{unit}+1": [{"kind": "over-use", "bought": 2 * size, "used": 2 * size + 1}]
        for unit, size in CALLS.items()
    }


STANDING = {
    "cleared": False, "Approved": False, "已放行": False, "审核通过": False, "PASSED": False,
    "UNDER_CHECK": True, "pending review": True, "awaiting-assessment": True, "审核中": True, "待放行": True,
    "未通过": True, "已驳回": True, "denied": True,
}  # fmt: skip


def test_what_has_no_clearance_yet_in_any_words(tmp_path):
    market = Market("orgs", "exports", "export_transfers")
    market.only = ("XB5",)
    for n, status in enumerate(STANDING):
        market.add(
            "exports", declaration_id=status, exporter_id="e", country="SG", declared_at=on(6, 1),
            status=status, route="EXEMPT", sensitive=False, persons_declared=1, seq=n,
        )  # fmt: skip
        market.add(
            "export_transfers", declaration_id=status, transferred_at=on(6, 2), recipient_id="r", seq=50 + n
        )
    found = {finding.objects[0] for finding in of_rule(market.supervise(tmp_path), "XB5")}
    assert found == {status for status, guilty in STANDING.items() if guilty}


NO_ROUTE = ("EXEMPT", "none", "豁免", "无需申报", "not required")


def test_no_route_is_the_lightest_whatever_it_is_called(tmp_path):
    market = Market("orgs", "exports")
    market.only = ("XB1",)
    for route in NO_ROUTE:
        for persons in (100_000, 99_999):
            market.add(
                "exports", declaration_id=f"{route} {persons}", exporter_id=f"{route} {persons}",
                country="SG", declared_at=on(6, 1), status="CLEARED", route=route, sensitive=False,
                persons_declared=persons,
            )  # fmt: skip
    found = of_rule(market.supervise(tmp_path), "XB1")
    assert {finding.objects[0] for finding in found} == {f"{route} 100000" for route in NO_ROUTE}
    assert {finding.statistic["route_due"] for finding in found} == {"contract-or-certification"}


GRANTED = {
    ("direct", None): True, ("DIRECT_GRANT", "none"): True, ("直接授予", "无"): True,
    ("designated", ""): True,
    ("direct", "emergency"): False, ("open_tender", None): False, ("竞争性磋商", None): False,
    ("negotiation", None): False,
}  # fmt: skip


def test_a_direct_grant_without_an_exception_in_any_words(tmp_path):
    market = Market("orgs", "grants")
    market.only = ("AM1",)
    for method, exception in GRANTED:
        market.add(
            "grants", grant_id=method + str(exception), authority_id="a", operator_id="o",
            granted_at=on(6, 1), selection_method=method, exception=exception,
        )  # fmt: skip
    found = {finding.objects[0] for finding in of_rule(market.supervise(tmp_path), "AM1")}
    assert found == {method + str(exception) for (method, exception), guilty in GRANTED.items() if guilty}
