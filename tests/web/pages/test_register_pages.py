"""The register of brokers as pages: found by a plain form, shown as of a day, told in figures."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from cli.node_keys import next_log
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure

NO = "GZ-DB-2026-0001"


async def suspended(market: Market) -> None:
    market.served.clock.advance(timedelta(days=1))
    path = f"/certificates/{market.ids['certificate']}/suspend"
    await market.served.api(market.authority, "POST", path, {"reason_code": "SEVERE_FINDING"})
    await market.served.settle_down()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "珠江", "grade": "2", "sector": "energy", "level": "general-1", "order": "ending"}, True),
        ({"status": "ACTIVE", "in_force": "yes", "cross_border": "no", "broker_type": "M"}, True),
        ({"grade": "3"}, False),
        ({"on": "2026-11-15"}, False),
        ({"grade": "best", "on": "yesterday", "order": "paid", "status": "APPLIED"}, True),  # left out
    ],
)
async def test_the_form_s_address_is_the_whole_question(market: Market, asked, found) -> None:
    page = await Browser(market.served).get(f"/brokers?{urlencode(asked)}")
    assert (NO in page.words) is found
    assert ("1 certificate found" in page.words) is found
    assert structure(page, "en") == []
    form = next(form for form in page.forms if form.action.endswith("/brokers"))
    known = {name: value for name, value in asked.items() if value in page.text and name in form.values}
    assert {name: form.values[name] for name in known} == known
    for label in ("JSON", "CSV"):
        links = [a["href"] for a in page.named("a") if "/api/v1/brokers" in a.get("href", "")]
        assert links, label
        for link in links:
            async with market.served.client() as client:
                answer = await client.get(link)
            assert answer.status_code == 200
            assert (NO in answer.text) is found


async def test_a_page_of_a_day_shows_that_day_and_leads_back(market: Market) -> None:
    await suspended(market)
    browser = Browser(market.served)
    page = await browser.get(f"/brokers/{NO}?on=2026-11-17")
    assert "In force" in page.words
    assert "SEVERE_FINDING" not in page.words
    assert "As the register was at the end of the day" in page.words
    page = await browser.get(f"/brokers/{NO}")
    for said in ("Suspended", "SEVERE_FINDING", "Suspension", "stands", "no act of this broker", "receipt"):
        assert said in page.words
    assert structure(page, "en") == []
    await browser.get(f"/brokers/{NO}?on=2026-11-15", expect=404)
    await browser.get("/brokers?on=2030-01-01", expect=422)
    authority = Browser(market.served, market.authority)
    then = await authority.get(f"/brokers/{NO}?on=2026-11-17")
    assert not [form for form in then.forms if NO in form.action]  # one acts on what is, not on what was
    now = await authority.get(f"/brokers/{NO}")
    assert {form.action.rpartition("/")[2] for form in now.forms if NO in form.action} == {
        *("reinstate", "revoke")
    }


async def test_the_figures_are_a_page_too(market: Market) -> None:
    await suspended(market)
    market.served.clock.advance(timedelta(days=60))
    page = await Browser(market.served, lang="zh").get("/brokers/statistics")
    assert structure(page, "zh") == []
    for said in ("2026-11", "已暂停", "2026-Q4", "不公布：不足五笔", "珠江数据经纪"):
        assert said in page.words


async def test_what_a_closed_log_holds_is_shown_where_it_is(market: Market) -> None:
    await suspended(market)
    origin = market.served.node.publisher.signer.name
    await next_log(market.served.node)
    page = await Browser(market.served).get(f"/brokers/{NO}")
    places = [a["href"] for a in page.named("a") if "/ledger/closed/" in a.get("href", "")]
    assert len(places) == 3  # two steps, and one of them as a measure
    assert all(place.startswith(f"/en/ledger/closed/{origin.rpartition('/')[2]}/") for place in places)
    assert structure(page, "en") == []
    async with market.served.client() as client:
        record = (await client.get(f"/api/v1/brokers/{NO}")).json()
        shown = await client.get(places[0])
    assert "Certificate suspended" in Page(shown.text).words
    assert [(step["log"], step["receipt"]) for step in record["history"]] == [(origin, None)] * 2
    (measure,) = record["conduct"]["measures"]
    assert (measure["log"], measure["seq"]) == (origin, record["history"][1]["seq"])
