"""An agency's chief, its evaluation and its duties by clicks; what is published is for everybody."""

import re
from typing import Any

from tests.web.market import Market
from tests.web.nodes import Persona
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

DOCUMENT = "D" * 64


async def test_from_the_appointment_to_the_published_score(market: Market) -> None:
    served = market.served
    agency = await served.admit("省交通运输厅", {"PUBLIC_AGENCY"}, login="agency-clerk")
    chief = await served.colleague(agency, "agency-chief")
    today = served.clock.now().date()
    clerk = Browser(served, agency, "zh")
    page = await clerk.get("/registry/agencies")
    assert "尚无机构任命首席数据官" in page.words
    seat: dict[str, Any] = {"user_id": chief.user_id, "document_sha256": DOCUMENT}
    seat |= {"appointed_on": today.isoformat(), "until": ""}
    page = await submit(clerk, page, "/registry/agencies", **seat)
    assert "在任" in page.words
    assert structure(page, "zh") == []
    nobody = Browser(served, None, "en")
    page = await nobody.get("/registry/agencies")
    assert "agency-chief" in page.words
    assert [form for form in page.forms if "/registry/" in form.action] == []

    await _evaluated(market, agency, chief)
    page = await clerk.get(f"/registry/agencies/{agency.org_id}")
    assert "全生命周期职责" in page.words
    assert "缺失" in page.words
    assert structure(page, "zh") == []
    page = await nobody.get(f"/registry/agencies/{agency.org_id}")
    assert "Duties along the life cycle" not in page.words
    assert structure(page, "en") == []


async def _evaluated(market: Market, agency: Persona, chief: Persona) -> None:
    """Opened, reported, scored, objected, answered by another officer and published, by clicks."""
    served, nobody = market.served, Browser(market.served, None, "en")
    authority = Browser(served, market.people["authority"], "en")
    page = await authority.get("/registry/evaluation")
    assert structure(page, "en") == []
    year = served.clock.now().year - 1
    period = {"name": "一年", "covers_from": f"{year}-01-01", "covers_to": f"{year}-12-31"}
    page = await submit(authority, page, "/registry/evaluation", **period, agency_ids=[agency.org_id])
    assert "Waits for the agency's report" in page.words
    hrefs = " ".join(known.get("href") or "" for _, known in page.tags)
    found = re.search(r"/registry/evaluation/evp_[0-9a-z]+/evl_[0-9a-z]+", hrefs)
    assert found is not None
    page = await authority.get(found[0])
    path = authority.place.path.removeprefix("/en")
    assert [form for form in page.forms if path in form.action] == []  # the agency still has time
    answer = await nobody.client.get(f"/en{path}")
    assert answer.status_code == 404

    head = Browser(served, chief, "zh")
    page = await head.get(path)
    page = await submit(head, page, f"{path}/self_report", text="自评", document_sha256=DOCUMENT)
    page = await authority.get(path)
    page = await submit(authority, page, f"{path}/score")
    assert "no records, not weighed" in page.words
    assert "the same bytes" in page.words
    assert structure(page, "en") == []
    page = await head.get(path)
    page = await submit(head, page, f"{path}/object", text="有误", document_sha256=DOCUMENT)
    he = Browser(served, await served.colleague(market.people["authority"], "authority-he"), "en")
    page = await submit(he, await he.get(path), f"{path}/dismiss", text="维持")
    page = await he.get(f"/registry/evaluation?period={path.split('/')[3]}")
    page = await submit(he, page, "/publish")
    page = await nobody.get(path)
    assert "Published" in page.words
    assert "维持" not in page.words
    assert structure(page, "en") == []
    table = await nobody.client.get(f"/en/registry/evaluation/{path.split('/')[3]}.csv")
    assert "省交通运输厅" in table.text


async def test_a_maturity_level_is_claimed_and_confirmed(market: Market) -> None:
    buyer, authority = (Browser(market.served, market.people[one], "zh") for one in ("buyer", "authority"))
    today = market.served.clock.now().date()
    page = await buyer.get("/registry/maturity")
    level = {"level": "3", "certificate_sha256": DOCUMENT, "issued_on": f"{today.year - 1}-01-01"}
    page = await submit(buyer, page, "/registry/maturity", **level, valid_until=f"{today.year + 1}-01-01")
    assert "已申报，未确认" in page.words
    page = await authority.get("/registry/maturity")
    assert structure(page, "zh") == []
    form = next(one for one in page.forms if "/registry/maturity/dcm_" in one.action)
    page = await submit(authority, page, form.action.rpartition("/")[2], event="CONFIRM", reason="")
    shown = await Browser(market.served, None, "en").get("/registry/maturity")
    assert "3 robust Confirmed by the data authority" in shown.words


async def test_quality_is_shown_to_agencies_and_supervisors_alone(market: Market) -> None:
    authority = Browser(market.served, market.people["authority"], "zh")
    page = await authority.get("/registry/quality")
    assert "尚无条目经评测" in page.words
    assert structure(page, "zh") == []
    nothing = {"left_id": "dat_" + "0" * 26, "right_id": "dat_" + "1" * 26, "key": "uscc", "columns": ""}
    page = await submit(authority, page, "/registry/quality/check", 404, **nothing)
    assert (
        await Browser(market.served, market.people["buyer"], "zh").client.get("/zh/registry/quality")
    ).status_code == 403
