"""Supervision and cases, by the pages: from a finding to an order that bites."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import pytest
from httpx import Response

from cases.repository import cases, flags_of, get_case, orders_of
from cases.rules import CaseState
from market.orders.repository import get_trade
from market.orders.states import TradeState
from tests.forks import forks
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.findings import with_findings
from web import supervising


async def test_the_dashboard_shows_markets_thresholds_and_findings_in_both_languages(market: Market) -> None:
    with_findings(market)
    page = await Browser(market.served, market.samr, "zh").get("/reg")
    for words in ("能源", "广东", "3,814", "高集中度", "100.00 %", "¥2,040,000.00", "粤能数科", "56.00 %"):
        assert words in page.words, words
    assert "1000 起为中等,高于 1800 为高".replace(",", "，") in page.words
    assert "涉嫌虚假交易" in page.words
    assert "WT2 ：未运行 缺少 lineage" in page.words
    page = await Browser(market.served, market.auditor).get("/reg")
    assert "seller and buyer under one control" in page.words
    assert not [form for form in page.forms if form.action.endswith("/reg/run")]
    page = await Browser(market.served, market.auditor).get("/reg/findings?rule=WT1")
    links = [a["href"] for a in page.named("a") if re.search(r"/ledger/[0-9]", a.get("href", ""))]
    assert links == ["/en/ledger/58", "/en/ledger/72", "/en/ledger/87"]


async def test_without_a_run_the_dashboard_says_what_a_run_would_do(market: Market) -> None:
    page = await Browser(market.served, market.samr).get("/reg")
    assert "Supervision has not run yet" in page.words
    await Browser(market.served, market.samr).get("/reg/findings/fnd_none", expect=404)
    page = await Browser(market.served, market.samr).get("/reg/run")
    assert "Supervision has not run yet" in page.words


async def test_findings_are_filtered_by_rule_severity_and_what_became_of_them(market: Market) -> None:
    finding_id = with_findings(market)
    browser = Browser(market.served, market.samr)
    for query, wash, price in (
        ("", True, True),
        ("?rule=WT1", True, False),
        ("?severity=medium", False, True),
        ("?state=new", True, True),
        ("?state=case", False, False),
    ):
        words = (await browser.get(f"/reg/findings{query}")).words
        assert ("under one control" in words, "unfair price" in words) == (wash, price), query
    assert "No finding." in (await browser.get("/reg/findings?rule=AML24-1")).words
    await market.served.api(market.samr, "POST", f"/findings/{finding_id}/case")
    page = await browser.get("/reg/findings?state=case")
    assert ("under one control" in page.words, "unfair price" in page.words) == (True, False)
    assert "under one control" not in (await browser.get("/reg/findings?state=new")).words
    assert "/api/v1/findings" in [a.get("href") for a in page.named("a")]


async def posted(browser: Browser, page: Page, path: str) -> Response:
    """A step sent without a form for it."""
    token = page.form("/logout").values["csrf"]
    return await browser.client.post(
        browser.address(path),
        content=f"csrf={token}&idempotency_key=abc".encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )


async def is_for_another(browser: Browser, path: str, event: str) -> None:
    """A step is not offered to who handles the case, and refused where it is sent all the same."""
    page = await browser.get(path)
    assert not [form for form in page.forms if form.action.endswith(f"/steps/{event}")]
    assert "For another officer, who has had no part in it:" in page.words
    answer = await posted(browser, page, f"{path}/steps/{event}")
    assert answer.status_code == 403
    assert "case-same-officer" in answer.text


async def test_a_finding_becomes_a_case_once_and_an_order_in_it_freezes_the_trade(market: Market) -> None:
    finding_id = with_findings(market)
    browser = Browser(market.served, market.samr)
    page = await browser.get(f"/reg/findings/{finding_id}")
    assert "WT1@1.trades_from" in page.words
    assert "Open: a person must ask" in page.words
    again = await browser.get(f"/reg/findings/{finding_id}")
    await market.served.prove(market.samr)
    await browser.send(page, "/case")
    path = browser.location
    case_id = path.rpartition("/")[2]
    page = await browser.send(again, "/case", expect=409)
    assert "finding-filed-before" in page.words

    page = await browser.get(path)
    assert not [form for form in page.forms if form.action.endswith("/orders")]
    await browser.send(page, "/steps/TRIAGE", {"matter": "UNFAIR_COMPETITION"})
    await browser.send(await browser.get(path), "/steps/VERIFY")
    colleague = await market.served.colleague(market.samr, "samr-2")
    await market.served.prove(colleague)
    second = Browser(market.served, colleague)
    await is_for_another(browser, path, "OPEN_CASE")
    await second.send(await second.get(path), "/steps/OPEN_CASE")
    async with market.served.node.database.read() as s:
        assert (await get_case(s, case_id=case_id)).status is CaseState.INVESTIGATING
        assert [flag.trade_id for flag in await flags_of(s, case_id=case_id)] == [market.ids["settled"]]

    page = await browser.get(path)
    sent = {"measure": "FREEZE_TRADE", "object_id": market.ids["delivered"], "reason_code": "SUSPECTED"}
    page = await browser.send(page, "/orders", sent | {"reason_code": "not a code"}, expect=422)
    assert page.form("/orders").values["object_id"] == market.ids["delivered"]
    await browser.send(page, "/orders", sent)
    page = await browser.follow()
    assert "Waiting for a second officer" in page.words
    assert not [form for form in page.forms if form.action.endswith("/confirm")]
    assert "another officer of the authority puts it into force" in page.words
    await is_refused_at_once(browser, page, sent | {"object_id": market.ids["settled"]})
    await second.send(await second.get(path), "/confirm")
    async with market.served.node.database.read() as s:
        assert (await get_trade(s, trade_id=market.ids["delivered"])).status is TradeState.FROZEN
        assert [order.measure.value for order in await orders_of(s, case_id=case_id)] == ["FREEZE_TRADE"]
    room = await Browser(market.served, market.buyer).get(f"/trades/{market.ids['delivered']}")
    assert "Frozen by Market regulator" in room.words

    page = await browser.get(path)
    options = [tag["value"] for name, tag in page.tags if name == "option"]
    assert "SUSPEND_CERTIFICATE" not in options  # the data authority's alone
    await second.send(await second.get(path), "/steps/NO_CASE")
    page = await second.follow()
    assert "Closed without result" in page.words
    assert "Freeze a trade" in page.words
    listed = await Browser(market.served, market.auditor, "zh").get("/reg/cases")
    assert "未立案结束" in listed.words
    assert "WT1" in listed.words


async def is_refused_at_once(browser: Browser, page: Page, order: dict[str, str]) -> None:
    """What the object's state does not take is not even proposed, and what it takes is said in words."""
    page = await browser.send(page, "/orders", order, expect=409)
    assert "Its state: Settled What can come next: Invoice issued, Trade filed" in page.words
    assert "does not take FREEZE" not in page.words


async def test_an_operator_files_but_opens_nothing_and_an_auditor_only_reads(market: Market) -> None:
    finding_id = with_findings(market)
    operator = Browser(market.served, market.operator)
    await market.served.prove(market.operator)
    await operator.send(await operator.get(f"/reg/findings/{finding_id}"), "/case")
    page = await operator.follow()
    steps = [form.action.rpartition("/")[2] for form in page.forms if "/reg/cases/" in form.action]
    assert steps == ["TRIAGE"]  # whoever receives a paper says whose it is
    auditor = Browser(market.served, market.auditor)
    page = await auditor.get(operator.last.url.path.removeprefix("/en"))
    assert [form.action for form in page.forms if "/reg/cases/" in form.action] == []
    async with market.served.node.database.read() as s:
        (case,) = await cases(s)
    answer = await posted(auditor, page, f"/reg/cases/{case.case_id}/steps/OPEN_CASE")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["/reg", "/reg/findings", "/reg/run", "/reg/cases", "/reg/findings/fnd_x", "/reg/cases/cse_x"]
)
async def test_supervision_is_not_for_members(market: Market, path) -> None:
    with_findings(market)
    await Browser(market.served, market.buyer).get(path, expect=403)
    await Browser(market.served).get(path, expect=303)


async def forked(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """A child that need not import the program anew; `test_supervising` starts one as it really is."""
    done = await asyncio.to_thread(forks().run, ["databourse", *arguments], environment)
    return done.stderr if done.returncode else ""


@pytest.mark.soak
async def test_supervision_runs_in_child_processes_and_its_findings_appear(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_child", forked)
    browser = Browser(market.served, market.samr)
    page = await browser.get("/reg")
    await browser.send(page, "/reg/run")
    assert browser.location == "/en/reg/run"
    page = await browser.follow()
    assert browser.last.headers["refresh"] == "2"
    assert "Exporting the ledger" in page.words
    await browser.send(await browser.get("/reg"), "/reg/run")  # a second wish joins the run under way
    runs = market.served.app.state.supervising
    await runs.wait()
    page = await browser.get("/reg/run")
    assert "refresh" not in browser.last.headers
    assert "Finished" in page.words
    page = await browser.get("/reg")
    assert "AML24-1@2" in page.words
    assert "粤能数科 100.00 %" in page.words
    assert sorted(path.name for path in runs.folder.iterdir()) == [
        "analysis.json",
        "findings.json",
        "run.json",
        "run.lock",
    ]
