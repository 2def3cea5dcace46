"""One case as its people live it, by the pages: who reports it, two officers, the firm, and the court."""

import re
from datetime import timedelta

from cases.repository import cases
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page

CODE = re.compile(r"[A-Z2-7]{6}(-[A-Z2-7]{6}){3}")


def steps(page: Page) -> set[str]:
    """The steps and words that a page offers."""
    found = [re.search(r"/(?:steps|my-cases/cse_\w+)/([A-Z_]+)$", form.action) for form in page.forms]
    return {one.group(1) for one in found if one is not None}


async def test_from_an_anonymous_report_to_publication_and_an_appeal(  # noqa: PLR0915 - one case, whole
    market: Market,
) -> None:
    served = market.served
    public = Browser(served)
    sent = {
        "report": "虚假宣传成交量",
        "matter": "UNFAIR_COMPETITION",
        "about": market.broker.org_id,
        "objects": market.ids["settled"],
        "acted_on": "2026-11-10",
    }
    page = await public.send(await public.get("/report"), "/report", sent, expect=201)
    assert "within fifteen" in page.words  # what comes next, and until when
    code = CODE.search(page.words).group()  # type: ignore[union-attr]
    async with served.node.database.read() as s:
        (case,) = await cases(s)
    path, mine = f"/reg/cases/{case.case_id}", f"/my-cases/{case.case_id}"
    court = await served.admit("广州互联网法院", {"COURT"}, login="court", custody="custodial")
    chief = await served.colleague(market.samr, "samr-2")
    for one in (market.samr, chief, court):
        await served.prove(one)
    handler, second = Browser(served, market.samr), Browser(served, chief)
    firm, judge = Browser(served, market.broker), Browser(served, court)

    page = await handler.get(path)
    assert steps(page) == {"TRIAGE"}  # nobody is told of a name that nobody gave: TELL comes with its state
    await handler.send(page, "/steps/TRIAGE", {"matter": "UNFAIR_COMPETITION"})
    page = await handler.get(path)
    assert steps(page) == {"TRANSFER", "REFUSE", "VERIFY", "TELL"}  # a report is not mediated
    await handler.send(page, "/steps/VERIFY")
    page = await handler.get(path)
    assert steps(page) == {"TELL"}
    assert "For another officer" in page.words
    assert "市场监督管理行政处罚程序规定" in page.words
    page = await second.get(path)
    assert steps(page) == {"EXTEND", "NO_CASE", "OPEN_CASE", "TELL"}
    await second.send(page, "/steps/OPEN_CASE")
    page = await public.send(await public.get("/report/follow"), "/report/follow", {"code": code}, expect=200)
    assert "Under investigation" in page.words
    assert "No officer has written yet" in page.words

    page = await handler.get(path)
    assert "PROPOSE_PENALTY" not in steps(page)
    assert "order that evidence is pinned first" in page.words
    asked = {"measure": "FREEZE_EVIDENCE", "object_id": case.case_id, "reason_code": "EVIDENCE", "seqs": "3"}
    await handler.send(page, "/orders", asked)
    await second.send(await second.get(path), "/confirm")
    assert "You were told of no case" in (await firm.get("/my-cases")).words
    page = await handler.get(path)
    norm = (
        "False promotion or sham trades · Anti-Unfair Competition Law (2025), art. 9 · up to CN¥2,000,000.00"
    )
    assert f"{norm} (PN-AUCL-9)" in page.words
    broker = market.broker.org_id
    notice = {
        f"code-{broker}": "PN-AUCL-9",
        f"on-{broker}": "2026-11-10",
        f"fine_minor-{broker}": "500000",
        "evidence_seqs": "3",
        "reasons": "虚构交易",
    }
    await handler.send(page, "/steps/PROPOSE_PENALTY", notice)
    assert "nothing is decided before. Until 2026-11-" in (await handler.get(path)).words

    page = await firm.get(mine)
    assert steps(page) == {"STATEMENT", "REQUEST_HEARING"}
    assert "行政处罚法" in page.words
    await firm.send(page, "/STATEMENT", {"text": "并未虚构"})
    assert "DECIDE" not in steps(await second.get(path))  # the five days run
    served.clock.advance(timedelta(days=9))
    for browser in (handler, second, firm, judge):
        assert browser.persona is not None
        browser.sign_in(browser.persona)
        await served.prove(browser.persona)
    assert steps(await firm.get(mine)) == set()
    assert "DECIDE" not in steps(await handler.get(path))
    page = await second.get(path)
    await second.send(page, "/steps/DECIDE", {"outcome": "PENALTY", "reasons": "事实清楚"})
    page = await handler.get(path)
    paid = {"receipt": "电子回单 1", "paid_by": market.broker.org_id}
    await handler.send(page, "/steps/EXECUTE", paid)
    await handler.send(await handler.get(path), "/steps/PUBLISH")

    page = await firm.get(mine)
    assert steps(page) == {"APPEAL"}  # executed and published within the hour: the time runs all the same
    letters = [link["href"] for link in page.named("a") if "/letters/" in link.get("href", "")]
    assert "行政复议法第20条" in (await firm.get(letters[-1])).words
    await judge.get(path, expect=404)
    await firm.send(page, "/APPEAL", {"way": "LAWSUIT", "text": "请求撤销"})
    assert steps(await firm.get(mine)) == set()
    assert "Under review or in court" in (await public.get("/published-decisions")).words
    assert not steps(await second.get(path)) & {"UPHOLD", "CHANGE", "REVOKE"}
    assert case.case_id[-6:] in str((await judge.get("/reg/cases")).words)
    page = await judge.get(path)
    assert steps(page) == {"UPHOLD", "CHANGE", "REVOKE"}
    await judge.send(page, "/steps/REVOKE", {"ruling": "撤销处罚决定"})
    page = await public.get("/published-decisions")
    assert "Withdrawn" in page.words
    assert market.broker.name not in page.words
    page = await firm.get(mine)
    assert "撤销处罚决定" in page.words
    assert "Nothing can be said in this case at present" in page.words
