"""The public register of brokers over HTTP: for anybody, as of any day, as JSON and as CSV."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from base.clock import rfc3339
from base.db import WriteSession
from cli.exporting import export_bundle
from ledger import reader
from ledger.acts import perform
from ledger.bundle import Edition
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from market.orders.tables import Trade
from supervision.audit import audit
from tests.identity.unmoved import statements
from tests.web.market import Market
from tests.web.pages.findings import with_findings
from tests.web.proceeding import opened_case

NO = "GZ-DB-2026-0001"


async def get(market: Market, path: str, expect: int = 200) -> Any:
    async with market.served.client() as client:
        answer = await client.get(f"/api/v1/brokers{path}")
    assert answer.status_code == expect, answer.text
    return answer.json()


async def rows(market: Market, path: str) -> list[dict[str, str]]:
    async with market.served.client() as client:
        answer = await client.get(f"/api/v1/brokers{path}", headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.text.count("\r\n") == answer.text.count("\n")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def discipline(market: Market, measure: str, reason_code: str = "SEVERE_FINDING") -> None:
    market.served.clock.advance(timedelta(days=1))
    path = f"/certificates/{market.ids['certificate']}/{measure}"
    await market.served.api(market.authority, "POST", path, {"reason_code": reason_code})


async def test_the_register_tells_each_broker_and_its_order(market: Market) -> None:
    page = await get(market, "?q=珠江&grade=2&sector=energy&level=general-1&in_force=true&order=name")
    assert (page["as_of"], page["order"], page["found"], page["next_after"]) == (
        "2026-11-17",
        "name",
        1,
        None,
    )
    assert "for what it pays" in page["order_told"]
    (line,) = page["brokers"]
    assert (line["cert_no"], line["name"], line["status"], line["in_force"]) == (
        NO,
        "珠江数据经纪",
        "ACTIVE",
        True,
    )
    for narrower in ("grade=3", "q=岭南", "cross_border=true", "status=SUSPENDED", "on=2026-11-15"):
        assert (await get(market, f"?{narrower}"))["found"] == 0, narrower
    (row,) = await rows(market, "?q=珠江")
    assert (row["cert_no"], row["sectors"], row["in_force"], row["valid_from"]) == (
        NO,
        "energy;transport",
        "true",
        "2026-04-30T01:00:00.000Z",
    )


async def test_what_the_register_does_not_know_is_refused_and_nothing_is_stored(market: Market) -> None:
    before = await statements(market.served.node.database)
    for path, status, code in (
        ("?on=2026-11-18", 422, "register-day-ahead"),
        (f"?after=crt_{'0' * 26}", 422, "register-cursor-unknown"),
        ("?grade=4", 422, "malformed"),
        ("?nonsense=1", 422, "malformed"),
        ("/GZ-DB-2026-0002", 404, "certificate-unknown"),
        (f"/{NO}?on=2026-11-15", 404, "certificate-unknown"),  # it was not there yet
        (f"/{NO}?on=2026-11-18", 422, "register-day-ahead"),
        ("/statistics?on=2026-11-18", 422, "register-day-ahead"),
    ):
        assert (await get(market, path, status))["code"] == code, path
    assert await statements(market.served.node.database) == before


async def test_pages_follow_each_other_over_http(market: Market) -> None:
    org = await market.served.admit('=岭南,数据"经纪"', {"BROKER"}, login="lingnan")
    now = market.served.clock.now()
    await market.served.api(
        market.authority,
        "POST",
        "/certificates",
        {
            "org_id": org.org_id,
            "cert_no": "GZ-DB-2026-0002",
            "broker_type": "T",
            "grade": 3,
            "sectors": ["*"],
            "max_level": "general-1",
            "valid_from": rfc3339(now),
            "valid_to": rfc3339(now + timedelta(days=365)),
            "decided_on": "2025-12-01",
            "decision_sha256": "de" * 32,
        },
    )
    first = await get(market, "?limit=1")
    second = await get(market, f"?limit=1&after={first['next_after']}")
    assert [first["brokers"][0]["cert_no"], second["brokers"][0]["cert_no"]] == [NO, "GZ-DB-2026-0002"]
    assert second["next_after"] is None
    told = {row["cert_no"]: row["name"] for row in await rows(market, "?order=newest")}
    assert told == {NO: "珠江数据经纪", "GZ-DB-2026-0002": '\'=岭南,数据"经纪"'}  # no formula begins a cell


async def test_who_has_the_bytes_is_told_so_until_something_happens(market: Market) -> None:
    async with market.served.client() as client:
        for path in ("", f"/{NO}", "/statistics", "?format=csv"):
            answer = await client.get(f"/api/v1/brokers{path}")
            assert answer.headers["cache-control"] == "public, no-cache"
            asked = {"if-none-match": answer.headers["etag"]}
            again = await client.get(f"/api/v1/brokers{path}", headers=asked)
            assert (again.status_code, again.content) == (304, b"")
    await discipline(market, "suspend")
    async with market.served.client() as client:
        answer = await client.get(f"/api/v1/brokers/{NO}", headers=asked)
        assert (answer.status_code, answer.json()["certificate"]["status"]) == (200, "SUSPENDED")


async def test_a_record_tells_what_was_decided_and_the_audit_agrees(market: Market, tmp_path: Path) -> None:
    for measure in ("suspend", "reinstate", "suspend", "revoke"):
        await discipline(market, measure)
    await market.served.settle_down()
    record = await get(market, f"/{NO}")
    assert [step["event"] for step in record["history"]] == [
        *("CERTIFY", "SUSPEND", "REINSTATE", "SUSPEND", "REVOKE")
    ]
    states = [(step["before"], step["after"]) for step in record["history"]]
    assert [after for _, after in states[:-1]] == [before for before, _ in states[1:]]
    for step in record["history"]:
        async with market.served.client() as client:
            receipt = await client.get(step["receipt"])
        assert receipt.text.startswith("c2sp.org/tlog-proof@v1"), receipt.text[:40]
    measures = [(one["kind"], one["until"] is None, one["ended_by"]) for one in record["conduct"]["measures"]]
    assert measures == [
        ("SUSPENSION", False, "BRK.REINSTATE"),
        ("SUSPENSION", False, "BRK.REVOKE"),
        ("REVOCATION", False, None),
    ]
    assert record["conduct"]["barred_until"].startswith("2029-11-2")
    assert record["mandates"] == {"in_force": 0, "frozen": 0, "ended": 1}
    assert record["certificate"]["in_force"] is False
    then = await get(market, f"/{NO}?on=2026-11-19")  # between reinstatement and second suspension
    assert (then["certificate"]["status"], len(then["history"]), then["conduct"]["barred_until"]) == (
        "ACTIVE",
        3,
        None,
    )
    assert len(await rows(market, f"/{NO}?format=csv")) == 5
    by_month = await rows(market, "/statistics")
    assert [(one["month"], one["suspended"], one["revoked"]) for one in by_month] == [("2026-11", "2", "1")]
    node = market.served.node
    await export_bundle(node, tmp_path / "bundle", Edition.PUBLIC)
    assert audit(tmp_path / "bundle", [node.publisher.signer.vkey]).clean


async def test_what_a_broker_told_is_in_its_record_but_not_whom_it_suspects(market: Market) -> None:
    say = market.served.api
    party = {"party_id": market.second.org_id, "kind": "OWNERSHIP", "share_bp": 730}
    await say(market.broker, "POST", "/broker-interests", party)
    soon = rfc3339(market.served.clock.now() + timedelta(days=1))
    told = {"change": "CAPITAL", "takes_effect_at": soon, "text": "增资"}
    await say(market.broker, "POST", "/broker-notices/changes", told)
    noticed = {
        "about": market.ids["listed"],
        "noticed_at": rfc3339(market.served.clock.now()),
        "text": "来源可疑",
    }
    await say(market.broker, "POST", "/broker-notices/suspicions", noticed)
    async with market.served.client() as client:
        record = (await client.get(f"/api/v1/brokers/{NO}")).text
    conduct = (await get(market, f"/{NO}"))["conduct"]
    (interest,), (change,) = conduct["interests"], conduct["changes"]
    assert (interest["party_name"], interest["kind"], interest["ended_at"]) == ("岭南征信", "OWNERSHIP", None)
    assert (change["about"], change["late"]) == ("CAPITAL", True)
    for private in ("730", "增资", "来源可疑", market.ids["listed"]):
        assert private not in record


async def test_a_suspicion_is_in_no_record_and_a_decision_is(market: Market) -> None:
    finding_id = with_findings(market)
    before = await get(market, f"/{NO}")
    chief = await market.served.colleague(market.samr, "samr-2")
    await opened_case(market.served, market.samr, finding_id, chief)
    assert await get(market, f"/{NO}") == before
    assert set(before["conduct"]) == {"measures", "barred_until", "interests", "changes", "confirmed"}
    assert not any(before["conduct"].values())

    async def decided(s: WriteSession, act: Act) -> Recorded:
        public = {"case_id": "cse_1", "rule_id": "BR4", "org_ids": [market.broker.org_id]}
        return await record(s, act, Draft("CSE.PUBLISH", "cse_1", public=public))

    house = market.served.node.house
    await perform(house, house.exchange_act(), decided, attempted="CSE.PUBLISH", object_id="cse_1")
    (confirmed,) = (await get(market, f"/{NO}"))["conduct"]["confirmed"]
    assert (confirmed["case_id"], confirmed["rule_id"]) == ("cse_1", "BR4")


@pytest.mark.parametrize("flagged", [False, True])
async def test_mediated_trades_are_told_after_the_quarter_without_those_flagged(
    market: Market, flagged
) -> None:
    figures = await get(market, "/statistics")
    assert figures["mediated"] == []  # the quarter lasts
    if flagged:
        chief = await market.served.colleague(market.samr, "samr-2")
        await opened_case(market.served, market.samr, with_findings(market), chief)
    async with market.served.node.database.read() as s:
        (trade,) = (await s.exec(select(Trade).where(col(Trade.settled_at).is_not(None)))).all()
    market.served.clock.advance(timedelta(days=60))
    (broker,) = (await get(market, "/statistics"))["mediated"]
    assert broker["name"] == "珠江数据经纪"
    told = {
        "quarter": "2026-Q4",
        "trades": 0 if flagged else 1,
        "value_minor": None,
        "withheld": "few-trades",
    }
    assert broker["quarters"] == [told]
    assert (await get(market, f"/{NO}"))["mediated"] == [told]
    async with market.served.node.database.read() as s:
        said = await reader.statements_about(s, object_ids=[trade.trade_id], events=["TRD.SETTLE"])
        (opened,) = [await reader.opening(s, sha256=one.opening_sha256 or "") for one in said]
    (settled,) = said
    assert settled.predicate["broker_id"] == trade.broker_id == market.broker.org_id
    assert settled.occurred_at == trade.settled_at  # the quarter, and below what the sum is made of
    assert opened is not None
    assert int(opened["amount_minor"]) == trade.price_minor
