"""Members admitted and brokers certified by the pages alone: who comes in can sign in, and act."""

from dataclasses import replace

from brokers.repository import certificate_by_no
from identity.repository import list_organisations, list_people
from ledger.reader import statements_of
from tests.houses import some_id_number, some_uscc
from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def admitted(market: Market, name: str, role: str, lang: str = "en") -> tuple[Browser, str]:
    browser = Browser(market.served, market.operator, lang)
    page = await browser.get("/ops/members")
    await market.served.prove(market.operator)
    await browser.send(page, "/ops/members", {"name": name, "uscc": some_uscc(), "roles": role})
    return browser, browser.location.rpartition("/")[2]


async def test_a_member_is_admitted_and_its_person_signs_in(market: Market) -> None:
    browser, org_id = await admitted(market, "前海数科", "BUYER", "zh")
    page = await browser.follow()
    assert "前海数科" in page.words
    assert "尚无人可代表该会员登录" in page.words
    form = f"/ops/members/{org_id}/people"
    person = {"login": "qianhai", "name": "陈晓", "password": "a long and quiet sentence"}
    page = await browser.send(page, form, person | {"login": "no login"}, expect=422)
    assert page.form(form).values["password"] == ""
    await browser.send(page, form, person)
    assert "陈晓" in (await browser.follow()).words
    async with market.served.node.database.read() as s:
        assert [one.login for one in await list_people(s, org_id=org_id)] == ["qianhai"]
        assert [one.event for one in await statements_of(s, object_id=org_id)] == ["ORG.ADMIT"]
    visitor = Browser(market.served)
    page = await visitor.get("/login")
    await visitor.send(page, "/login", {"login": "qianhai", "password": person["password"]})
    assert "No key yet" in (await visitor.get("/account")).words


async def test_the_operator_records_whose_login_it_is(market: Market) -> None:
    browser, org_id = await admitted(market, "南沙数科", "BUYER")
    page = await browser.follow()
    people, identity = (f"/ops/members/{org_id}/{part}" for part in ("people", "people/identity"))
    person = {"login": "nansha", "name": "陈晓", "password": "a long and quiet sentence"}
    await browser.send(page, people, person)
    page = await browser.follow()
    assert "Whose login it is" in page.words
    page = await browser.send(page, identity, {"id_number": "44010019900101001"}, expect=422)
    assert "id-number-invalid" in page.words
    assert page.form(identity).values["id_number"] == ""
    await browser.send(page, identity, {"id_number": some_id_number()})
    page = await browser.follow()
    assert "identified" in page.words
    assert "Whose login it is" in page.words  # another person confirms it
    async with market.served.node.database.read() as s:
        (one,) = await list_people(s, org_id=org_id)
    assert one.mark is not None


async def test_the_operator_enters_who_controls_a_member_by_now(market: Market) -> None:
    browser, org_id = await admitted(market, "横琴数科", "PROVIDER")
    form = f"/ops/members/{org_id}/controller"
    page = await browser.follow()
    page = await browser.send(page, form, {"controller_id": "横琴集团", "reason": ""}, expect=422)
    page = await browser.send(page, form, {"controller_id": org_id, "reason": "an extract"}, expect=422)
    await browser.send(page, form, {"controller_id": "横琴集团", "reason": "an extract of the register"})
    assert "横琴集团" in (await browser.follow()).words
    path = f"/organisations/{org_id}/controllers"
    told = await market.served.api(market.operator, "GET", path)
    assert [(one["controller_id"], one["known"]) for one in told] == [(None, True), ("横琴集团", True)]
    refused = await market.served.api(market.buyer, "GET", path, expect=403)
    assert refused["code"] == "forbidden"


async def test_a_wrong_credit_code_comes_back_with_the_form_and_admits_nobody(market: Market) -> None:
    browser = Browser(market.served, market.operator)
    async with market.served.node.database.read() as s:
        before = len(await list_organisations(s))
    page = await browser.get("/ops/members")
    await market.served.prove(market.operator)
    sent = {"name": "某公司", "uscc": "91440100MA0000001B", "roles": "BUYER"}
    page = await browser.send(page, "/ops/members", sent, expect=422)
    assert "uscc-invalid" in page.words
    assert page.form("/ops/members").values["name"] == "某公司"
    page = await browser.send(page, "/ops/members", {"roles": None}, expect=422)
    assert "Choose at least one." in page.words
    async with market.served.node.database.read() as s:
        assert len(await list_organisations(s)) == before


async def test_the_data_authority_certifies_a_broker_and_suspends_it(market: Market) -> None:
    _, org_id = await admitted(market, "岭南数据经纪", "BROKER")
    browser = Browser(market.served, market.authority)
    page = await browser.get("/brokers")
    assert "Certify a broker" in page.words
    page = await browser.get("/certify")
    sent = {"org_id": org_id, "cert_no": "GZ-DB-2026-0002", "grade": "2"}
    sent |= {"decided_on": "2025-12-01", "decision_sha256": "DE" * 32}
    page = await browser.send(page, "/certify", sent, expect=422)
    assert "Choose at least one." in page.words
    page = await browser.send(page, "/certify", {"sectors": "energy"}, expect=403)
    assert "Confirm your password" in page.words
    await market.served.prove(market.authority)
    await browser.send(page, "/certify")
    assert browser.location.endswith("/brokers/GZ-DB-2026-0002")
    page = await browser.follow()
    assert "岭南数据经纪" in page.words
    await market.served.prove(market.authority)
    await browser.send(page, "/suspend", {"reason_code": "EMERGENCY"})
    async with market.served.node.database.read() as s:
        row = await certificate_by_no(s, cert_no="GZ-DB-2026-0002")
    assert (row.org_id, row.status.value, row.grade, row.sectors) == (org_id, "SUSPENDED", 2, ["energy"])


async def test_these_pages_are_for_whose_act_it_is(market: Market) -> None:
    for who in (market.provider, market.samr):
        await Browser(market.served, who).get("/ops/members", expect=403)
        await Browser(market.served, who).get("/certify", expect=403)
    await Browser(market.served, market.operator).get("/certify", expect=403)
    await Browser(market.served, market.operator).get("/ops/members/org_unknown", expect=404)


async def test_a_member_enrols_its_own_colleague_and_closes_the_login(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/account/people")
    person = {"login": "newcomer", "name": "陈晓", "password": "a long and quiet sentence"}
    page = await browser.send(page, "/account/people", person | {"login": "no login"}, expect=422)
    assert "login-malformed" in page.words
    await browser.send(page, "/account/people", person)
    page = await browser.follow()
    org_id = market.provider.org_id
    async with market.served.node.database.read() as s:
        (one,) = [one for one in await list_people(s, org_id=org_id) if one.login == "newcomer"]
    assert (one.name, one.active, one.roles) == ("陈晓", True, {"PROVIDER"})
    await browser.send(page, f"/account/people/{one.user_id}/close")
    assert "closed" in (await browser.follow()).words
    async with market.served.node.database.read() as s:
        told = [said.event for said in await statements_of(s, object_id=one.user_id)]
        (one,) = [row for row in await list_people(s, org_id=org_id) if row.user_id == one.user_id]
    assert (one.active, told) == (False, ["PPL.ENROL", "PPL.CLOSE"])


async def test_nobody_closes_a_login_of_another_member(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/account/people")
    path = f"/account/people/{market.buyer.user_id}/close"
    page.forms.append(replace(page.form("/account/people"), action=f"/en{path}"))
    await browser.send(page, path, expect=404)
    async with market.served.node.database.read() as s:
        assert all(one.active for one in await list_people(s, org_id=market.buyer.org_id))


async def test_the_operator_enrols_nobody_more_for_an_authority(market: Market) -> None:
    browser = Browser(market.served, market.operator)
    page = await browser.get(f"/ops/members/{market.authority.org_id}")
    people = f"/ops/members/{market.authority.org_id}/people"
    assert "who is overseen makes no overseer" in page.words
    assert people not in {form.action.removeprefix("/en") for form in page.forms}
    said = {"login": "mole", "name": "某人", "password": "a long and quiet sentence"}
    path = f"/organisations/{market.authority.org_id}/people"
    refused = await market.served.api(market.operator, "POST", path, said, expect=403)
    assert refused["code"] == "overseer-stays-apart"
    async with market.served.node.database.read() as s:
        assert "mole" not in [one.login for one in await list_people(s, org_id=market.authority.org_id)]
