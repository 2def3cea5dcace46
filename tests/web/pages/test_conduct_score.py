"""A broker's conduct score: on its page, over HTTP, and out of a bundle, the same to the byte."""

from datetime import timedelta

import orjson
import pytest
from typer.testing import CliRunner

from base.clock import rfc3339
from brokers.conduct.repository import source_check_of
from cli.exporting import export_bundle
from cli.main import app
from ledger.bundle import Edition
from tests.web.market import PAPERS, Market, _trade
from tests.web.pages.browsing import Browser

ADDRESS = "/brokers/GZ-DB-2026-0001/conduct"


async def troubled(market: Market) -> None:
    """The broker is warned, reports late, and its trade in delivery is flagged with nothing decided."""
    served = market.served
    certificate = f"/certificates/{market.ids['certificate']}"
    await served.api(market.authority, "POST", f"{certificate}/warn", {"reason_code": "LATE", "text": "提醒"})
    noticed = served.clock.now() - timedelta(hours=25)
    about = {"about": market.ids["listed"], "noticed_at": rfc3339(noticed), "text": "来源可疑"}
    await served.api(market.broker, "POST", "/broker-notices/suspicions", about)
    await served.settle_down()


@pytest.mark.parametrize("edition", [Edition.PUBLIC, Edition.REGULATOR])
async def test_a_bundle_gives_the_same_bytes_as_the_exchange(market: Market, tmp_path, edition) -> None:
    await troubled(market)
    await export_bundle(market.served.node, tmp_path / "bundle", edition)
    async with market.served.client() as http:
        answer = await http.get(f"/api/v1{ADDRESS}")
        assert answer.status_code == 200, answer.text
        said = orjson.loads(answer.content)
        await market.served.api(
            market.authority,
            "POST",
            f"/certificates/{market.ids['certificate']}/warn",
            {"reason_code": "AGAIN", "text": "又一次"},
        )
        await market.served.settle_down()
        later = orjson.loads((await http.get(f"/api/v1{ADDRESS}")).content)
        again = await http.get(f"/api/v1{ADDRESS}", params={"size": said["size"]})
        unknown = await http.get(f"/api/v1{ADDRESS}", params={"size": later["size"] + 1})
    told = CliRunner().invoke(app, ["conduct", market.broker.org_id, str(tmp_path / "bundle")])
    assert told.exit_code == 0, told.output
    assert told.stdout_bytes == answer.content == again.content
    assert (unknown.status_code, unknown.json()["code"]) == (404, "checkpoint-unknown")
    assert (said["score"], said["band"], said["held"]) == (91, "B", "short-record")  # 100 − 5 − 5 + 1
    assert [item["kind"] for item in said["items"]] == ["warned", "suspicion_late", "client_served"]
    assert all(cite["seq"] is not None for item in said["items"] for cite in item["cites"])
    assert said["mandates"] | {"median_days_to_contract": None} == {
        "accepted": 1,
        "running": 1,
        "fulfilled": 1,
        "unfulfilled": 0,
        "clients_served": 1,
        "median_days_to_contract": None,
    }
    assert (later["score"], later["size"] > said["size"]) == (86, True)


async def test_the_broker_sees_why(market: Market) -> None:
    await troubled(market)
    page = await Browser(market.served, market.broker).get(ADDRESS)
    for word in ("91 / 100", "Warning", "Suspicion reported late", "A client's mandate was fulfilled", "-5"):
        assert word in page.words
    assert market.broker.org_id in page.words
    assert any("/ledger/" in str(link.get("href", "")) for link in page.named("a"))
    anybody = await Browser(market.served).get(ADDRESS)
    assert "91 / 100" in anybody.words


async def test_the_command_says_what_it_cannot_tell(market: Market, tmp_path) -> None:
    await export_bundle(market.served.node, tmp_path / "bundle", Edition.PUBLIC)
    bundle, out = str(tmp_path / "bundle"), str(tmp_path / "score.json")
    for arguments, code in (
        (["org_nobody", bundle], 1),
        ([market.buyer.org_id, bundle], 1),
        ([market.broker.org_id, str(tmp_path / "nothing")], 2),
        ([market.broker.org_id, bundle, "--out", str(tmp_path / "no" / "where")], 2),
    ):
        assert CliRunner().invoke(app, ["conduct", *arguments]).exit_code == code, arguments
    told = CliRunner().invoke(app, ["conduct", market.broker.org_id, bundle, "--out", out])
    assert "100 points, band B; 1 reasons" in told.output


async def test_a_check_is_recorded_by_its_form_and_the_contract_waits_for_it(market: Market) -> None:
    trade_id = await _trade(market, "NEGOTIATING")
    await market.served.api(market.provider, "POST", f"/trades/{trade_id}/accept", {"offer_no": 2})
    refused = await market.served.api(market.broker, "POST", f"/trades/{trade_id}/sign", expect=409)
    assert (refused["code"], refused["rule_id"]) == ("source-check-missing", "BR3")
    broker = Browser(market.served, market.broker)
    room = await broker.get(f"/trades/{trade_id}")
    assert "Sign the contract" not in room.words
    (link,) = {one["href"] for one in room.named("a") if "/conduct?trade=" in one.get("href", "")}
    page = await broker.get(link.partition("#")[0])
    assert page.form("/conduct/checks").values["source_sha256"] == PAPERS["source_sha256"]  # as it was filed
    sent = {name: value for name, value in PAPERS.items() if name != "documents"} | {"trade_id": trade_id}
    sent |= {"source_paper": "来源说明.pdf", "seller_paper": "卖方.pdf", "buyer_paper": "买方.pdf"}
    await market.served.prove(market.broker)
    wrong = await broker.send(page, "/conduct/checks", sent | {"source_sha256": "ab" * 32}, expect=409)
    assert "source-statement-differs" in wrong.words
    await market.served.prove(market.broker)
    await broker.send(wrong, "/conduct/checks", sent)
    async with market.served.node.database.read() as s:
        row = await source_check_of(s, trade_id=trade_id, broker_id=market.broker.org_id)
    assert row is not None
    assert row.documents == ["来源说明.pdf", "卖方.pdf", "买方.pdf"]
    assert row.keep_until.year == row.checked_at.year + 20
    signed = await market.served.api(market.broker, "POST", f"/trades/{trade_id}/sign")
    assert signed["status"] == "CONTRACT_READY"
