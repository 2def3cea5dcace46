"""Data is opened by clicks: proposed, signed by the chief, seen and taken by everybody; users agree."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cli.exporting import export_bundle
from ledger.acts import perform
from ledger.bundle import Edition
from ledger.recording import Act, Actor
from registry.lists.cataloguing import enter_data, mount
from registry.lists.files import keep_list_file
from registry.lists.rules import DataEntry, DataKind, ShareKind
from registry.registration.rules import Update
from registry.rules import Level
from supervision.audit import audit
from tests.web.market import Market
from tests.web.nodes import Persona
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

ROWS = "站点,线路\n体育中心,B1\n".encode()


async def listed(market: Market, agency: Persona, name: str, level: Level) -> str:
    """A data entry with a file mounted on it, as the lists' own pages leave it."""
    node = market.served.node
    act = node.house.act(
        Actor(agency.org_id, frozenset({"PUBLIC_AGENCY"}), agency.user_id),
        "PUBLIC_AGENCY",
        node.house.exchange.pen,
    )

    async def quietly(verb: Any, /, **facts: Any) -> Any:
        async def bound(s: Any, act: Act) -> Any:
            return await verb(s, act, **facts)

        return await perform(node.house, act, bound, attempted="DAT.ENTER", object_id=agency.org_id)

    async def pieces() -> AsyncIterator[bytes]:
        yield ROWS

    said = DataEntry(
        name=name,
        abstract="线路与站点",
        kind=DataKind.TABLE,
        region="440100",
        update=Update.MONTHLY,
        level=level,
        share=ShareKind.UNCONDITIONAL,
        theme="交通运输",
    )
    row = await quietly(enter_data, entry=said)
    stored = await node.files.put(pieces(), limit_bytes=10**6)
    await quietly(keep_list_file, file=stored, name="stops.csv", media_type="text/csv")
    await quietly(mount, data_id=row.data_id, file_id=stored.file_id)
    return row.data_id


@pytest.fixture
async def agency(market: Market) -> tuple[Persona, Persona]:
    """An agency's officer and its chief data officer, who is appointed on the agency's page."""
    clerk = await market.served.admit("市交通运输局", {"PUBLIC_AGENCY"}, login="clerk")
    chief = await market.served.colleague(clerk, "chief")
    browser = Browser(market.served, clerk, "zh")
    page = await browser.get("/registry/agencies")
    today = market.served.clock.now().date().isoformat()
    seat = {"user_id": chief.user_id, "document_sha256": "d" * 64, "appointed_on": today, "until": ""}
    await submit(browser, page, "/registry/agencies", **seat)
    return clerk, chief


async def test_from_the_proposal_to_everybodys_download(market: Market, agency) -> None:
    clerk, chief = agency
    data_id = await listed(market, clerk, "公交站点", Level.GENERAL_1)
    officer, signer = Browser(market.served, clerk, "zh"), Browser(market.served, chief, "en")
    page = await officer.get("/registry/open")
    assert "开放清单尚无条目" in page.words
    proposal = {"data_id": data_id, "mode": "OPEN", "licence": "CC-BY-4.0", "conditions": "注明来源"}
    page = await submit(officer, page, "/registry/open", expect=422, **proposal, covers_from="2026-01-01")
    assert "请填写此项" in page.words
    page = await submit(officer, page, "/registry/open", **proposal, covers_from="", law="开放管理办法")
    path = officer.place.path.removeprefix("/zh")
    assert "已提出开放" in page.words
    assert structure(page, "zh") == []
    page = await signer.get(path)
    page = await submit(signer, page, f"{path}/review")
    assert "Reviewed, not open yet" in page.words
    page = await officer.get(path)
    page = await submit(officer, page, f"{path}/open")
    assert "无条件开放" in page.words
    nobody = Browser(market.served, None, "en")
    page = await nobody.get("/open")
    assert "公交站点" in page.words
    assert structure(page, "en") == []
    for asked, found in [
        ("q=公交", True),
        ("q=学校", False),
        ("mode=TARGETED", False),
        ("theme=交通运输", True),
    ]:
        assert ("公交站点" in (await nobody.get(f"/open?{asked}")).words) is found
    public = path.removeprefix("/registry")
    page = await nobody.get(public)
    assert "Opened to everybody" in page.words
    assert structure(page, "en") == []
    (href,) = [known["href"] for _, known in page.tags if known.get("href", "").endswith("/download")]
    assert (await nobody.client.get(href)).content == ROWS
    authority = Browser(market.served, market.people["authority"], "zh")
    page = await authority.get("/registry/open")
    page = await submit(authority, page, "/registry/open/check")
    assert "全部可下载，无越级开放" in page.words
    assert structure(page, "zh") == []
    page = await submit(officer, await officer.get(path), f"{path}/suspend", reason="CORRECTION", text="更正")
    assert "更正" in page.words
    assert (await nobody.client.get(f"/en{public}")).status_code == 404
    assert (await nobody.client.get(f"/en{path}")).status_code in {303, 401}


async def test_an_agreement_is_offered_and_signed_and_the_plan_is_published(
    market: Market, agency, tmp_path: Path
) -> None:
    clerk, chief = agency
    data_id = await listed(market, clerk, "公交刷卡", Level.GENERAL_3)
    officer, signer = Browser(market.served, clerk, "en"), Browser(market.served, chief, "en")
    page = await signer.get("/registry/open/plan")
    assert "Livelihood +" in page.words
    page = await submit(signer, page, "/registry/open/plan/publish", top="1")
    assert "Rank the plan anew" in page.words
    assert structure(page, "en") == []
    page = await officer.get("/registry/open")
    proposal = {"data_id": data_id, "mode": "AUTHORISED", "licence": "AGREEMENT"}
    page = await submit(officer, page, "/registry/open", **proposal)
    path = officer.place.path.removeprefix("/en")
    await submit(signer, await signer.get(path), f"{path}/review")
    page = await submit(officer, await officer.get(path), f"{path}/authorise")
    buyer = market.people["buyer"]
    page = await submit(officer, page, f"{path}/offer", user_id=buyer.org_id, purposes=["RESEARCH"])
    assert "Offered" in page.words
    user = Browser(market.served, buyer, "en")
    page = await submit(user, await user.get(path), f"{path}/sign")
    assert "Signed by both" in page.words
    assert structure(page, "en") == []
    other = Browser(market.served, market.people["second"], "en")
    assert (await other.client.get(f"/en{path}")).status_code == 404
    # What was said of it all follows step by step, to an auditor who has the bundle alone.
    await market.served.settle_down()
    bundle = tmp_path / "bundle"
    await export_bundle(market.served.node, bundle, Edition.REGULATOR)
    report = audit(bundle, [market.served.node.publisher.signer.vkey])
    # `listed` lets the exchange's key sign for the agency's lists, which the audit finds, and nothing else.
    assert {problem.why.partition(" of ")[0] for problem in report.problems} == {"the key"}
    assert all("speaks for" in problem.why for problem in report.problems)
