"""The regulator's acts over HTTP."""

from tests.web.market import Market
from tests.web.pages.findings import with_findings
from tests.web.proceeding import opened_case


async def test_a_finding_goes_to_an_order_over_the_api(market: Market) -> None:
    finding_id = with_findings(market)
    served = market.served
    (found,) = await served.api(market.samr, "GET", "/findings?rule=WT1")
    assert found["finding_id"] == finding_id
    assert await served.api(market.samr, "GET", f"/findings?rule=WT1&after={finding_id}") == []
    overview = await served.api(market.auditor, "GET", "/supervision")
    assert (overview["findings"], overview["by_rule"], overview["run"]) == (2, {"WT1": 1}, None)
    assert overview["markets"][0]["hhi"] == 3814

    case = await served.api(market.samr, "POST", f"/findings/{finding_id}/case")
    assert case["status"] == "RECEIVED"
    again = await served.api(market.samr, "POST", f"/findings/{finding_id}/case", expect=409)
    assert again["code"] == "finding-filed-before"
    path = f"/cases/{case['case_id']}"
    early = {"measure": "FREEZE_TRADE", "object_id": market.ids["delivered"], "reason_code": "X_Y"}
    assert (await served.api(market.samr, "POST", f"{path}/orders", early, expect=409))[
        "code"
    ] == "case-wrong-state"
    await served.api(market.samr, "POST", f"{path}/triage", {})
    await served.api(market.samr, "POST", f"{path}/verify")
    alone = await served.api(market.samr, "POST", f"{path}/open", expect=403)
    assert alone["code"] == "case-same-officer"
    second = await served.colleague(market.samr, "samr-2")
    washed = {"washed": [market.ids["delivered"]]}  # beside what the finding names
    assert (await served.api(second, "POST", f"{path}/open", washed))["status"] == "INVESTIGATING"
    order = await served.api(market.samr, "POST", f"{path}/orders", early)
    assert order["measure"] == "FREEZE_TRADE"
    room = await served.api(market.auditor, "GET", path)
    assert [one["order_id"] for one in room["proposals"]] == [order["order_id"]]
    assert room["orders"] == []
    confirm = f"/orders/{order['order_id']}/confirm"
    alone = await served.api(market.samr, "POST", confirm, expect=403)
    assert alone["code"] == "order-same-officer"
    assert (await served.api(second, "POST", confirm))["order_id"] == order["order_id"]
    room = await served.api(market.auditor, "GET", path)
    assert [one["order_id"] for one in room["orders"]] == [order["order_id"]]
    assert room["proposals"] == []
    assert (await served.api(second, "POST", confirm, expect=409))["code"] == "order-confirmed-before"
    assert {flag["trade_id"] for flag in room["flags"]} == {market.ids["settled"], market.ids["delivered"]}
    lift = early | {"measure": "UNFREEZE_TRADE"}
    lifting = await served.api(second, "POST", f"{path}/orders", lift)
    await served.api(market.samr, "POST", f"/orders/{lifting['order_id']}/confirm")
    assert (await served.api(second, "POST", f"{path}/dismiss"))["status"] == "CLOSED_NO_CASE"
    assert [one["case_id"] for one in await served.api(market.samr, "GET", "/cases")] == [case["case_id"]]


async def test_what_is_beyond_a_role_or_unknown_is_refused(market: Market) -> None:
    finding_id = with_findings(market)
    served = market.served
    for method, path in (
        ("GET", "/findings"),
        ("GET", "/cases"),
        ("GET", "/supervision"),
        ("POST", "/supervision/run"),
        ("POST", f"/findings/{finding_id}/case"),
    ):
        problem = await served.api(market.buyer, method, path, expect=403)
        assert problem["code"] == "forbidden", path
    unknown = await served.api(market.samr, "POST", f"/findings/fnd_{'0' * 64}/case", expect=404)
    assert unknown["code"] == "not-found"
    unknown = await served.api(market.samr, "GET", f"/cases/cse_{'0' * 26}", expect=404)
    assert unknown["code"] == "case-unknown"
    chief = await served.colleague(market.samr, "samr-2")
    case = await opened_case(served, market.samr, finding_id, chief)
    order = {
        "measure": "SUSPEND_CERTIFICATE",
        "object_id": market.ids["certificate"],
        "reason_code": "NOT_MINE",
    }
    problem = await served.api(market.samr, "POST", f"/cases/{case['case_id']}/orders", order, expect=403)
    assert problem["code"] == "order-beyond-power"
    done = await served.api(market.authority, "POST", f"/cases/{case['case_id']}/orders", order)
    confirm = f"/orders/{done['order_id']}/confirm"
    assert (await served.api(market.samr, "POST", confirm, expect=403))["code"] == "case-wrong-role"
    done = await served.api(await served.colleague(market.authority, "authority-2"), "POST", confirm)
    assert done["measure"] == "SUSPEND_CERTIFICATE"
    register = await served.api(market.buyer, "GET", "/brokers/GZ-DB-2026-0001")
    assert register["certificate"]["status"] == "SUSPENDED"
