"""Authorised operation over HTTP: SC-9 end to end, and what is refused on the way."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from base.clock import rfc3339
from cli.exporting import export_bundle
from ledger.bundle import Bundle, Edition
from ledger.reader import statements_of
from supervision.audit import audit
from supervision.context import Context
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries
from supervision.finding import RuleClass
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.rules import ALL
from supervision.runner import carry_out
from tests.market.listings.goods import DECLARED
from tests.web.api import goods
from tests.web.api.refusing import nothing_stored, only_refused, problem
from tests.web.nodes import Served
from tests.web.operating import YUAN, Operation, operating, table

RULES = ("AM1", "AM3", "CO7", "SCOPE", "REDEV", "REVENUE", "DISCLOSURE_MISSING", "MUST_TRADE")


@pytest.fixture
async def room(served: Served) -> AsyncIterator[Operation]:
    async with served.client() as http:
        yield await operating(served, http)


async def refused(
    room: Operation, name: str, path: str, body: object, code: str, *, status: int = 409
) -> dict[str, Any]:
    """An act that is refused on the record, and moves nothing else."""
    desk = await room.desk(name)
    async with only_refused(room.served.node.database, code):
        answer = await desk.call("POST", path, body)
    return problem(answer, status, code)


async def test_sc9_an_operator_is_bound_to_its_grant_and_falls_with_it(
    room: Operation, tmp_path: Path
) -> None:
    path = await room.drafted()
    await decided_and_selected(room, path)
    grant_id = path.rpartition("/")[2]

    # R01: a grant that is not active yet carries no listing, and another venue's number no institution.
    for cited in (grant_id, "AOG-2026-03"):
        assert (await room.draft_listing(cited, table("10")))["code"] == "grant-not-live"
    scenario_id = await room.activated(path)
    uses = f"{path}/scenarios/{scenario_id}/uses"
    used = await room.act("operator", uses, room.use())
    assert (used["calls"], used["fields"]) == (4_000_000, ["登记状态"])

    # Scope creep: each respect is named, nothing is counted, the refusal stands on the ledger (R02).
    for change, outside in (
        ({"user_id": room.id_of("marketing")}, ["user"]),
        ({"fields": ["登记状态", "法定代表人身份证"]}, ["fields"]),
        ({"purpose": "营销", "environment": "自有机房"}, ["purpose", "environment"]),
    ):
        said = await refused(room, "operator", uses, room.use(**change), "grant-outside-scope")
        assert said["outside"] == outside
        room.served.clock.advance(timedelta(hours=2))  # the same refusal within an hour is one statement

    told = {"value": "小微企业授信时间由五天缩短为一天", "risk": "区间数据可能被反推"}
    agency = await room.desk("agency")
    problem(await agency.call("POST", f"{path}/scenarios/{scenario_id}/outcome", told), 403, "forbidden")
    await room.act("operator", f"{path}/scenarios/{scenario_id}/outcome", told)
    (register,) = (await room.http.get("/api/v1/scenarios")).json()
    assert (register["uses"], register["calls"], register["operator_id"]) == (
        1,
        4_000_000,
        room.id_of("operator"),
    )
    assert {name: register[name] for name in told} == told

    listing_id, product_id = await priced_and_offered(room, path, scenario_id)
    made = await room.draft_listing(grant_id, table("30"), derived_from=[product_id])
    assert made["code"] == "grant-redevelopment"
    await tied(room, listing_id)
    await accounted(room, path)
    await breached(room, path, listing_id)
    await supervised(room, grant_id, tmp_path)


async def decided_and_selected(room: Operation, path: str) -> None:
    meeting = {"meeting_sha256": "4" * 64, "meeting_on": room.day(), "filed_with": room.id_of("province")}
    missing = await refused(room, "chief", f"{path}/decide", meeting, "grant-consent-missing")
    assert missing["agencies"] == [room.id_of("social")]
    await refused(room, "agency", f"{path}/decide", meeting, "chief-data-officer-wanted", status=403)
    assert (await room.http.get(f"/api/v1{path}")).status_code == 404  # a draft is nobody's to read
    await room.granted(path)
    seen = (await room.http.get(f"/api/v1{path}")).json()
    assert (seen["status"], seen["selection"]["method"]) == ("GRANTED", "OPEN_TENDER")
    assert [one["score"] for one in seen["selection"]["bidders"]] == [921, 873, 850]
    assert (seen["scheme"], seen["agreement"]) == (None, None)
    assert "traces" not in str(seen)
    listed = (await room.http.get("/api/v1/operating-institutions")).json()
    assert sorted(len(one["grants"]) for one in listed) == [0, 0, 1]


async def held_back_fields(room: Operation, grant_id: str, product_id: str, public: dict[str, Any]) -> None:
    """A file of the product with a field of the data that the scenario leaves out is not submitted (R02)."""
    creeping = table("43").replace(b"index", "法定代表人电话".encode())
    creeping_id = (await room.draft_listing(grant_id, creeping, product_id=product_id))["listing_id"]
    declared = orjson.loads(
        orjson.dumps(DECLARED.document()).replace(b'"index"', '"法定代表人电话"'.encode())
    )
    await room.act("operator", f"/listings/{creeping_id}/measure", declared)
    said = await refused(room, "operator", f"/listings/{creeping_id}/submit", public, "grant-outside-scope")
    assert (said["outside"], said["columns"]) == (["fields"], ["法定代表人电话"])


async def priced_and_offered(room: Operation, path: str, scenario_id: str) -> tuple[str, str]:
    """104 is refused under a cap of 80 wherever it is said; at the cap it is offered."""
    grant_id = path.rpartition("/")[2]
    drafted = await room.draft_listing(grant_id, table("20"))
    listing_id, product_id = drafted["listing_id"], drafted["product_id"]
    product = {"product_id": product_id, "scenario_id": scenario_id, "title": "小微授信接口"}
    product |= {"product_class": "PAID", "unit": "THOUSAND_CALLS"}
    await room.act("operator", f"{path}/products", product)
    await refused(room, "operator", f"{path}/products", product, "grant-product-repeated")
    price = f"{path}/products/{product_id}/price"
    await refused(room, "operator", price, {"price_minor": 80 * YUAN}, "grant-product-unpriced")
    costs = {"cost_minor": 1_200_000_000, "subsidy_minor": 200_000_000, "bond_yield": "0.0175"}
    decision = costs | {"margin": "0.06", "document_sha256": "6" * 64}
    cap = {"product_id": product_id, "cap_minor": 80 * YUAN, "expected_units": 134_688}
    beyond = {"caps": [cap], **decision}  # 134,688 × 8,000 is a cap too much for 1,077,500,000
    said = await refused(room, "agency", f"{path}/caps", beyond, "grant-caps-above-revenue")
    assert (said["at_caps_minor"], said["permitted_minor"]) == ("1077504000", "1077500000")
    await room.act("agency", f"{path}/caps", {"caps": [cap | {"expected_units": 134_687}], **decision})
    said = await refused(room, "operator", price, {"price_minor": 104 * YUAN}, "grant-price-above-cap")
    assert (said["price_minor"], said["cap_minor"]) == ("10400", "8000")
    await room.act("operator", price, {"price_minor": 80 * YUAN})

    dear = {"list_price_minor": 104 * YUAN, "cap_minor": 104 * YUAN, "product_id": product_id}
    over = (await room.draft_listing(grant_id, table("40"), **dear))["listing_id"]
    applied = room.registration("小微授信接口", "e" * 64, "AUTHORISED_OPERATION")
    row = await room.act("operator", "/registrations", applied, databourse_role="OPERATING_INSTITUTION")
    registered = f"/registrations/{row['registration_id']}"
    await room.act("officer", f"{registered}/accept")
    await room.act("officer", f"{registered}/publish", {})
    room.served.clock.advance(timedelta(days=18))
    await room.served.node.run_jobs()
    number = (await room.act("officer", f"{registered}/issue"))["number"]
    coded = await room.act("operator", f"{path}/products/{product_id}/code", {"code": number})
    assert coded["code"] == number
    await room.act("operator", f"/listings/{over}/measure", DECLARED.document())
    public = goods.SUBMITTED | {"source": "AUTHORISED_OPERATION", "public_registration_no": number}
    public |= {"basis_ref": "SJ3112026090001"}
    await refused(room, "operator", f"/listings/{over}/submit", public, "grant-price-above-cap")
    by_call = (await room.draft_listing(grant_id, table("41"), product_id=product_id, unit="次"))[
        "listing_id"
    ]
    await room.act("operator", f"/listings/{by_call}/measure", DECLARED.document())
    await refused(room, "operator", f"/listings/{by_call}/submit", public, "grant-unit-differs")
    await held_back_fields(room, grant_id, product_id, public)
    for plain in ({"cap_minor": None}, {"list_price_minor": 1_040 * YUAN}):  # not said to be public: no cap
        said = await room.draft_listing(grant_id, table("42"), public_data=False, **plain)
        assert said["code"] == "grant-listing-not-public"
    waiting = (await room.draft_listing(None, table("20"), public_data=False, cap_minor=None))["listing_id"]
    await room.offered(listing_id, number)
    # The very bytes under another name, said to be nobody's public data: no cap would bind them.
    said = await room.draft_listing(None, table("20"), public_data=False, cap_minor=None)
    assert (said["code"], said["grant_id"]) == ("grant-listing-not-public", grant_id)
    await room.act("operator", f"/listings/{waiting}/measure", DECLARED.document())
    await refused(
        room, "operator", f"/listings/{waiting}/submit", goods.SUBMITTED, "grant-listing-not-public"
    )
    return listing_id, product_id


async def tied(room: Operation, listing_id: str) -> None:
    """Two merchants ask for the interface alone, and are refused: what the authority will cite."""
    asked = {"purpose": "p", "scenario": "s", "quantity": 1}
    inquiries = f"/listings/{listing_id}/inquiries"
    stranger = await refused(room, "marketing", inquiries, asked, "grant-outside-scope")
    assert stranger["outside"] == ["user"]  # the scenario of the product names its users
    for name in ("merchant", "bank"):
        trade = await room.act(name, inquiries, asked)
        offers = f"/trades/{trade['trade_id']}/offers"
        until = rfc3339(room.served.clock.now() + timedelta(days=2))
        by_call = goods.offer(80 * YUAN, until) | {"unit": "次"}  # the cap is for a thousand
        await refused(room, "operator", offers, by_call, "grant-unit-differs")
        dear = goods.offer(80 * YUAN + 1, until) | {"unit": "千次"}
        await refused(room, "operator", offers, dear, "price-above-cap")
        refusal = {"reason_code": "INTERNAL_POLICY", "note": "须同时购买分析套件"}
        await room.act("operator", f"/trades/{trade['trade_id']}/refuse", refusal)


async def accounted(room: Operation, path: str) -> None:
    """Of 2026 nothing is said by 31 March: the clock states it. Then +19.72 %: the caps must change."""
    early = {"cost_minor": 1, "actual_minor": 1, "document_sha256": "7" * 64}
    await refused(room, "operator", f"{path}/years/2026/disclose", early, "grant-year-unfit")
    room.served.clock.move_to(datetime(2027, 4, 1, 1, 0, tzinfo=UTC))
    await room.served.node.run_jobs()
    assert (await statements(room, path))[-1] == "AOG.OVERDUE"
    accounts = {"cost_minor": 1_200_000_000, "subsidy_minor": 200_000_000, "actual_minor": 1_290_000_000}
    await room.act("operator", f"{path}/years/2026/disclose", accounts | {"document_sha256": "7" * 64})
    rates = {"bond_yield": "0.0175", "margin": "0.06", "document_sha256": "8" * 64}
    tested = await room.act("agency", f"{path}/years/2026/report", rates)
    assert (tested["permitted_minor"], tested["deviation_bp"]) == (1_077_500_000, 1_972)
    assert tested["caps_must_change"] is True
    assert (await room.http.get(f"/api/v1{path}")).json()["caps_due"] is True


async def breached(room: Operation, path: str, listing_id: str) -> None:
    """Found, not rectified, suspended by the clock: the listing falls at once; ended with its proofs."""
    found = {"kind": "EXCLUSION", "text": "两家数商单独要接口被拒", "evidence": ["9" * 64]}
    found |= {"rectify_by": rfc3339(room.served.clock.now() + timedelta(days=30))}
    breach = await room.act("province", f"{path}/breaches", found)
    await refused(room, "agency", f"{path}/clear", {"reason": "已整改"}, "grant-not-rectified")
    told = {"text": "接口可单独购买", "evidence": ["a" * 64]}
    room.served.clock.advance(timedelta(days=31))
    await room.served.node.run_jobs()
    assert (await room.http.get(f"/api/v1{path}")).json()["status"] == "SUSPENDED"
    await room.act("operator", f"{path}/breaches/{breach['breach_id']}/rectified", told)
    await refused(room, "agency", f"{path}/resume", {"reason": "已整改"}, "grant-wrong-role", status=403)
    assert (await room.act("province", f"{path}/resume", {"reason": "已整改"}))["status"] == "ACTIVE"
    operator = await room.desk("exchange")
    assert (await operator.get(f"/listings/{listing_id}"))["status"] == "SUSPENDED"
    await operator.act(f"/listings/{listing_id}/resume", {"reason_code": "CAUSE_CLEARED"})

    room.served.clock.advance(timedelta(hours=1))
    scope = found | {"kind": "SCOPE", "rectify_by": rfc3339(room.served.clock.now() + timedelta(days=9))}
    await room.act("agency", f"{path}/breaches", scope)
    await room.act("agency", f"{path}/suspend", {"reason": "超范围使用"})
    inquiry = {"purpose": "p", "scenario": "s", "quantity": 1}
    await refused(room, "bank", f"/listings/{listing_id}/inquiries", inquiry, "grant-not-live")
    await room.served.node.run_jobs()
    exchange = await room.desk("exchange")
    fallen = await exchange.get(f"/listings/{listing_id}")
    assert (fallen["status"], fallen["reasons"]) == ("SUSPENDED", ["GRANT_LOST"])
    uses = f"{path}/scenarios/{(await operator_scenario(room, path))}/uses"
    await refused(room, "operator", uses, room.use(), "grant-not-live")
    proofs = {"reason": "拒不改正", "destruction_sha256": "b" * 64, "handover_sha256": "c" * 64}
    assert (await room.act("agency", f"{path}/terminate", proofs))["status"] == "TERMINATED"


async def supervised(room: Operation, grant_id: str, folder: Path) -> None:
    """The bundle is clean; from it alone supervision finds what went wrong, and nothing else."""
    served = room.served
    await served.settle_down()
    await export_bundle(served.node, folder / "bundle", Edition.REGULATOR)
    assert audit(folder / "bundle", [served.node.publisher.signer.vkey]).clean
    with Bundle(folder / "bundle") as bundle:
        derive(opened_entries(bundle.records()), folder / "evidence")
    now = served.clock.now()
    rules = tuple(rule for rule in ALL if rule.rule_id in RULES)
    plan = make_plan(Context(as_of=now, rules=in_force(now)), rules)
    told = {one.rule_id: one for one in carry_out(plan, folder / "evidence").findings}
    assert sorted(told) == ["DISCLOSURE_MISSING", "REVENUE", "SCOPE"]
    assert told["SCOPE"].rule_class is RuleClass.SCREEN  # all were refused
    assert told["SCOPE"].statistic["refused"] == 4
    assert told["REVENUE"].statistic["deviation_bp"] == 1_972
    assert told["DISCLOSURE_MISSING"].statistic == {
        "year": 2026,
        "missing": [],
        "late": ["disclosure", "report"],
    }
    assert all(one.objects[0] == grant_id for one in told.values())


async def test_what_the_authority_found_is_its_own_and_each_breach_has_its_date(room: Operation) -> None:
    path = await room.drafted()
    await room.granted(path)
    scenario_id = await room.activated(path)

    def found(days: int) -> dict[str, Any]:
        by = rfc3339(room.served.clock.now() + timedelta(days=days))
        return {"kind": "SECURITY", "text": "t", "evidence": ["9" * 64], "rectify_by": by}

    async def due() -> tuple[str, str | None]:
        await room.served.node.run_jobs()
        told = (await room.http.get(f"/api/v1{path}")).json()
        by = told["rectify_by"]
        return told["status"], by and rfc3339(datetime.fromisoformat(by))

    # The agency suspends over the data authority's breach: it may not clear it by putting the grant back.
    rectified = {"text": "已整改", "evidence": ["a" * 64]}
    first = await room.act("province", f"{path}/breaches", found(30))
    await room.act("agency", f"{path}/suspend", {"reason": "r"})
    await room.act("operator", f"{path}/breaches/{first['breach_id']}/rectified", rectified)
    await refused(room, "agency", f"{path}/resume", {"reason": "r"}, "grant-wrong-role", status=403)
    await room.act("province", f"{path}/resume", {"reason": "r"})

    # The first is rectified and never cleared; the second has its own date, and silence suspends.
    second = await room.act("province", f"{path}/breaches", found(10))
    await room.act("operator", f"{path}/breaches/{second['breach_id']}/rectified", rectified)
    assert await due() == ("RECTIFYING", None)
    room.served.clock.advance(timedelta(days=12))
    assert (await due())[0] == "RECTIFYING"
    third, fourth = found(10), found(20)
    for one in (fourth, third):
        last = await room.act("province", f"{path}/breaches", one)
    assert await due() == ("RECTIFYING", third["rectify_by"])
    await room.act("operator", f"{path}/breaches/{last['breach_id']}/rectified", rectified)
    assert await due() == ("RECTIFYING", fourth["rectify_by"])
    room.served.clock.advance(timedelta(days=19))
    assert (await due())[0] == "RECTIFYING"
    room.served.clock.advance(timedelta(days=2))
    assert await due() == ("SUSPENDED", None)
    for one in (await room.http.get(f"/api/v1{path}")).json()["breaches"]:
        if not one["rectified_at"]:
            await room.act("operator", f"{path}/breaches/{one['breach_id']}/rectified", rectified)
    await room.act("province", f"{path}/resume", {"reason": "r"})
    await priced_without_trial(room, path, scenario_id)


async def priced_without_trial(room: Operation, path: str, scenario_id: str) -> None:
    """A free product is not for sale; trial prices end with the first full year, reported or not."""
    drafted = await room.draft_listing(path.rpartition("/")[2], table("20"))
    product = {"product_id": drafted["product_id"], "scenario_id": scenario_id, "title": "公益查询"}
    await room.act("operator", f"{path}/products", product | {"product_class": "FREE", "unit": "CALL"})
    await room.act("operator", f"/listings/{drafted['listing_id']}/measure", DECLARED.document())
    public = goods.SUBMITTED | {"source": "AUTHORISED_OPERATION", "public_registration_no": "SJ3112026090001"}
    submit = f"/listings/{drafted['listing_id']}/submit"
    await refused(room, "operator", submit, public | {"basis_ref": "SJ3112026090001"}, "grant-product-free")
    paid = {"product_id": "prd_" + "0" * 26, "scenario_id": scenario_id, "title": "小微授信接口"}
    await room.act("operator", f"{path}/products", paid | {"product_class": "PAID", "unit": "CALL"})
    cap = {"product_id": paid["product_id"], "cap_minor": 10**12, "expected_units": 10**6}
    decision = {"cost_minor": 1, "subsidy_minor": 0, "bond_yield": "0", "margin": "0", "trial": True}
    decision |= {"caps": [cap], "document_sha256": "6" * 64}
    room.served.clock.move_to(datetime(2027, 12, 31, 15, 30, tzinfo=UTC))  # of 2027 the last half hour
    await room.act("agency", f"{path}/caps", decision)
    room.served.clock.advance(timedelta(minutes=30))
    said = await refused(room, "agency", f"{path}/caps", decision, "grant-trial-over")
    assert said["year"] == 2027


async def statements(room: Operation, path: str) -> list[str]:
    async with room.served.node.database.read() as s:
        return [one.event for one in await statements_of(s, object_id=path.rpartition("/")[2])]


async def operator_scenario(room: Operation, path: str) -> str:
    return str((await room.http.get(f"/api/v1{path}")).json()["scenarios"][0]["scenario_id"])


async def test_wrong_input_is_named_and_stores_nothing(room: Operation) -> None:
    agency, operator = await room.desk("agency"), await room.desk("operator")
    database, unknown = room.served.node.database, "dat_" + "0" * 26
    control = room.scenario(fields={room.data["登记"]: ["a\x00b"]})
    async with nothing_stored(database):
        for change in ({"need": "x" * 2_001}, {"term_months": 61}, {"data_ids": ["登记"]}, {"mode": "ALL"}):
            answer = await agency.call("POST", "/grants", {"scheme": room.scheme(**change)})
            assert answer.status_code == 422, answer.text
        path = f"/grants/aog_{'0' * 26}"
        agreed = room.agreement(term_from="0001-01-01")
        for place, body in (
            (f"{path}/sign", agreed),
            (f"{path}/sign", room.agreement(clauses={"OTHER": "x"})),
            (f"{path}/select", room.selection(bidders=[])),
            (f"{path}/scenarios", control),
            (f"{path}/caps", {"caps": [], "cost_minor": -1, "bond_yield": "2", "margin": "x"}),
            (f"{path}/years/99999/disclose", {}),
            (f"{path}/breaches", {"kind": "SCOPE", "text": "t", "evidence": [], "rectify_by": "2026"}),
        ):
            desk = operator if place.endswith(("scenarios", "disclose")) else agency
            answer = await desk.call("POST", place, body)
            assert answer.status_code == 422, (place, answer.text)
    for said, code in (
        ({"data_ids": [unknown]}, "grant-data-not-listed"),
        ({"exit": ""}, "grant-scheme-incomplete"),
    ):
        await refused(room, "agency", "/grants", {"scheme": room.scheme(**said)}, code)
    problem(await operator.call("POST", f"{path}/consent"), 403, "forbidden")
