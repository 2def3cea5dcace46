"""A registration from the form to the certificate, by clicks: applicant, registrar, objector."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.web.api.desk import Desk
from tests.web.api.test_registrations import SEAT
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure

FIELDS = {
    "kind": "PROPERTY_RIGHT",
    "name": "2025年广东省工业用电指数",
    "abstract": "按行业汇总",
    "industry": "D44",
    "source": "SELF_COLLECTED",
    "region": "440000",
    "covers_from": "2025-01-01",
    "covers_to": "2025-12-31",
    "update": "MONTHLY",
    "form": "STRUCTURED",
    "volume_rows": "252000",
    "volume_bytes": "18000000",
    "sample_sha256": "A" * 64,
    "source_proof_sha256": "b" * 64,
    "claimed": ["HOLD", "USE", "OPERATE"],
}


async def submit(browser: Browser, page: Page, action: str, expect: int = 303, **fields) -> Page:
    """Send a form, with every value of a name that has several, and go on to where it leads."""
    form = next(one for one in page.forms if one.method == "post" and one.action.endswith(action))
    await browser.served.prove(browser.persona)
    body = urlencode(form.values | fields, doseq=True).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "referer": str(browser.place)}
    answer = await browser.client.post(form.action, content=body, headers=headers)
    assert answer.status_code == expect, (answer.status_code, answer.text[-3000:])
    return await browser.get(answer.headers["location"]) if expect == 303 else Page(answer.text)


@pytest.fixture
async def registrar(market: Market):
    """A recognised registrar with an officer who can sign in."""
    party = await market.served.admit("广东数据登记中心", {"REGISTRAR"}, login="registrar")
    officer = await market.served.colleague(party, "officer-lin")
    async with market.served.client() as http:
        authority = market.people["authority"]
        desk = Desk(http, authority.login, authority.org_id, token=market.served.token(authority))
        await market.served.prove(authority)
        await desk.act(f"/registrars/{party.org_id}", SEAT)
    return officer


async def asks_of_a_public_resource_what_it_needs(browser: Browser, page: Page) -> None:
    """Its form has the sources of public data alone, and says at its fields what is lacking."""
    assert "/en/registry/registrations?kind=PUBLIC_RESOURCE#apply" in {a["href"] for a in page.named("a")}
    page = await browser.get("/registry/registrations?kind=PUBLIC_RESOURCE")
    form = next(one for one in page.forms if one.method == "post" and "source" in one.values).values
    assert (form["kind"], form["source"]) == ("PUBLIC_RESOURCE", "PUBLIC_DUTY")
    assert not [one for one in page.named("input") if one.get("name") == "claimed"]
    named = {one.get("name"): one for one in (*page.named("input"), *page.named("textarea"))}
    assert "required" in named["scenario"]
    assert "required" in named["risk_assessment_sha256"]
    sent = {name: value for name, value in FIELDS.items() if name not in {"kind", "source", "claimed"}}
    page = await submit(browser, page, "/registry/registrations", 422, **sent)
    assert "SHA-256 of the risk assessment : Fill in this field." in page.words
    assert "registration-malformed" not in page.words
    wrong = {"scenario": "能耗分析", "risk_assessment_sha256": "c" * 64, "source": "SELF_COLLECTED"}
    page = await submit(browser, page, "/registry/registrations", 422, **wrong)
    assert "Source : this source is no public data" in page.words


async def test_from_the_form_to_the_certificate(market: Market, registrar) -> None:
    buyer = Browser(market.served, market.people["buyer"], "en")
    page = await buyer.get("/registry/registrations")
    assert "Nothing is registered here yet" in page.words
    assert structure(page, "en") == []
    await asks_of_a_public_resource_what_it_needs(buyer, page)
    page = await submit(buyer, page, "/registry/registrations", **FIELDS)
    assert "Submitted" in page.words
    assert structure(page, "en") == []
    path = buyer.place.path.removeprefix("/en")
    officer = Browser(market.served, registrar, "zh")
    desk = await officer.get(path)
    assert structure(desk, "zh") == []
    desk = await submit(officer, desk, f"{path}/accept")
    desk = await submit(officer, desk, f"{path}/publish")
    assert "公示" in desk.words
    nobody = await Browser(market.served, None, "en").get("/notices")
    assert FIELDS["name"] in nobody.words
    nobody = await Browser(market.served, None, "en").get(path)
    assert FIELDS["abstract"] in nobody.words
    assert "SHA-256 of a sample" not in nobody.words
    assert [form for form in nobody.forms if "/registry/" in form.action] == []
    market.served.clock.advance(timedelta(days=8))
    officer = Browser(market.served, registrar, "zh")
    desk = await submit(officer, await officer.get(path), f"{path}/deposit_and_issue")
    assert "SJ4412026110001" in desk.words
    assert "已登记" in desk.words
    buyer = Browser(market.served, market.people["buyer"], "en")
    page = await buyer.get(path)
    page = await submit(buyer, page, f"{path}/ask", wish="CANCEL")
    assert "Cancellation" in page.words
    assert structure(page, "en") == []
    desk = await officer.get(path)
    assert structure(desk, "zh") == []


async def test_what_is_wrong_with_a_declaration_stands_at_its_field(market: Market, registrar) -> None:
    buyer = Browser(market.served, market.people["buyer"], "en")
    page = await buyer.get("/registry/registrations")
    wrong = FIELDS | {"industry": "电力", "volume_rows": "many"}
    page = await submit(buyer, page, "/registry/registrations", 422, **wrong)
    assert page.text.count("This does not have the form asked for.") >= 1
    assert "industry" in page.words
    assert FIELDS["abstract"] in page.text  # what was written is kept


async def test_a_stranger_sees_nothing_before_the_notice(market: Market, registrar) -> None:
    buyer = Browser(market.served, market.people["buyer"], "en")
    await submit(buyer, await buyer.get("/registry/registrations"), "/registry/registrations", **FIELDS)
    for who in (None, market.people["second"]):
        answer = await Browser(market.served, who, "en").client.get(buyer.place.path)
        assert answer.status_code == 404


async def test_a_registrar_tells_that_it_leaves_and_is_ended_with_its_successor(
    market: Market, registrar
) -> None:
    next_one = await market.served.admit("粤西登记中心", {"REGISTRAR"}, login="next")
    async with market.served.client() as http:
        person = market.people["authority"]
        desk = Desk(http, person.login, person.org_id, token=market.served.token(person))
        await market.served.prove(person)
        await desk.act(f"/registrars/{next_one.org_id}", SEAT | {"agency": "2"})
    place = "/registry/registrars"
    officer = Browser(market.served, registrar, "zh")
    page = await officer.get(place)
    assert structure(page, "zh") == []
    leave = {"kind": "LEAVE", "effective_on": "2027-06-30", "text": "业务调整", "document_sha256": "A" * 64}
    page = await submit(officer, page, f"{place}/tell", **leave)
    assert "2027-06-30" in page.words
    authority = Browser(market.served, person, "en")
    page = await authority.get(place)
    assert structure(page, "en") == []
    page = await submit(authority, page, f"{place}/decide", agreed="yes", reason="同意")
    ended = {"org_id": registrar.org_id, "successor_id": next_one.org_id, "reason_code": "LEFT"}
    page = await submit(authority, page, f"{place}/end", 409, **ended)
    assert "It does not leave yet" in page.words
    market.served.clock.advance(timedelta(days=230))
    authority = Browser(market.served, person, "en")
    page = await submit(authority, await authority.get(place), f"{place}/end", **ended)
    nobody = await Browser(market.served, None, "en").get(place)
    assert [form for form in nobody.forms if "/registry/" in form.action] == []
    assert "Leaving" in nobody.words
