"""Accounts, keys, mandates and the register of brokers, by their forms."""

from dataclasses import replace

from brokers.repository import get_certificate, get_mandate
from brokers.states import CertificateState, MandateState
from identity.repository import list_keys
from tests.houses import some_id_number
from tests.web.market import Market
from tests.web.nodes import PASSWORD
from tests.web.pages.browsing import Browser
from tests.web.pages.test_trade_room import by_own_key


async def test_an_account_names_where_it_is_paid(market: Market) -> None:
    browser = Browser(market.served, market.second)
    page = await browser.get("/account")
    assert "No account is named yet" in page.words
    await market.served.prove(market.second)
    page = await browser.send(page, "/payee", {"account": "nonsense"}, expect=422)
    assert "account-malformed" in page.words
    await market.served.prove(market.second)
    await browser.send(page, "/payee", {"account": "CN26 BANK 0000 0000 06", "holder": "岭南征信"})
    assert "CN26BANK0000000006" in (await browser.follow()).words


async def test_a_custodial_key_is_replaced_and_the_old_one_revoked(market: Market) -> None:
    browser = Browser(market.served, market.second)
    page = await browser.get("/account")
    await market.served.prove(market.second)
    await browser.send(page, "/account/keys", {"custody": "custodial"})
    async with market.served.node.database.read() as s:
        newest, oldest = await list_keys(s, org_id=market.second.org_id)
    page = await browser.follow()
    await market.served.prove(market.second)
    await browser.send(page, f"/{oldest.key_id}/revoke", {"reason": "superseded"})
    words = (await browser.follow()).words
    assert "Revoked" in words
    assert newest.keyid[:12] in words


async def test_a_self_held_key_is_registered_with_both_signatures_made_at_home(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/account")
    page = await browser.send(page, "/account/keys", {"custody": "self-held", "public_key": "x"}, expect=422)
    assert "malformed" in page.words
    assert page.form("/account/keys").values["public_key"] == "x"


async def test_a_client_mandates_a_broker_which_accepts_until_it_is_taken_back(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    page = await buyer.get("/mandates")
    sent = {"scope": "代为询价与磋商", "fee_bp": "1.50", "side": "BUYER"}
    page = await buyer.send(page, "/mandates", sent, expect=403)  # a mandate asks for the password
    assert "Confirm your password" in page.words
    await market.served.prove(market.buyer)
    await buyer.send(page, "/mandates")
    page = await buyer.follow()
    assert "1.50 %" in page.words
    mandate_id = next(f.action for f in page.forms if f.action.endswith("/revoke")).split("/")[-2]
    broker = Browser(market.served, market.broker)
    page = await broker.get("/mandates")
    await market.served.prove(market.broker)
    await broker.send(page, f"/{mandate_id}/accept")
    async with market.served.node.database.read() as s:
        assert (await get_mandate(s, mandate_id=mandate_id)).status is MandateState.ACTIVE
    page = await buyer.get("/mandates")
    await market.served.prove(market.buyer)
    await buyer.send(page, f"/{mandate_id}/revoke")
    async with market.served.node.database.read() as s:
        assert (await get_mandate(s, mandate_id=mandate_id)).status is MandateState.REVOKED_BY_CLIENT


async def test_a_commission_above_the_cap_is_refused_on_the_form(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    page = await buyer.get("/mandates")
    await market.served.prove(market.buyer)
    page = await buyer.send(page, "/mandates", {"scope": "x", "fee_bp": "9.00"}, expect=409)
    assert "commission-above-cap" in page.words
    assert page.form("/mandates").values["fee_bp"] == "9.00"


async def test_the_register_shows_a_certificate_and_what_happened_to_it(market: Market) -> None:
    page = await Browser(market.served, lang="zh").get("/brokers")
    assert "珠江数据经纪" in page.words
    assert "受托行权型" in page.words
    authority = Browser(market.served, market.authority)
    path = "/brokers/GZ-DB-2026-0001"
    page = await authority.get(path)
    await market.served.prove(market.authority)
    page = await authority.send(page, f"{path}/suspend", {"reason_code": "lower case"}, expect=422)
    await authority.send(page, f"{path}/suspend", {"reason_code": "ANNUAL_REPORT_MISSING"})
    page = await Browser(market.served).get(path)
    assert "Suspended" in page.words
    assert "ANNUAL_REPORT_MISSING" in page.words
    assert "no act of this broker is accepted" in page.words
    async with market.served.node.database.read() as s:
        row = await get_certificate(s, cert_id=market.ids["certificate"])
    assert row.status is CertificateState.SUSPENDED
    page = await authority.get(path)
    assert {f.action.rpartition("/")[2] for f in page.forms if path in f.action} == {"reinstate", "revoke"}
    await Browser(market.served, market.broker).get(f"{path}/suspend", expect=405)


async def test_a_suspended_broker_meets_the_block_in_the_trade_room(market: Market) -> None:
    authority = Browser(market.served, market.authority)
    path = "/brokers/GZ-DB-2026-0001"
    await market.served.prove(market.authority)
    await authority.send(await authority.get(path), f"{path}/suspend", {"reason_code": "UNDER_REVIEW"})
    broker = Browser(market.served, market.broker)
    page = await broker.get(f"/trades/{market.ids['ready']}")
    await market.served.prove(market.broker)
    page = await broker.send(page, "/sign", expect=409)
    assert "broker-not-certified" in page.words
    switch = next(a for a in page.named("a") if a.get("hreflang") == "zh-CN")
    assert switch["href"] == f"/zh/trades/{market.ids['ready']}"


async def test_a_provider_signs_its_mandate_at_home(market: Market) -> None:
    provider = Browser(market.served, market.provider)
    page = await provider.get("/mandates")
    await provider.send(page, f"/{market.ids['mandate']}/revoke")
    await by_own_key(market, provider)
    assert provider.location == "/en/mandates"
    async with market.served.node.database.read() as s:
        row = await get_mandate(s, mandate_id=market.ids["mandate"])
    assert row.status is MandateState.REVOKED_BY_CLIENT


async def test_the_owner_of_a_number_has_it_struck_from_another_member_s_login(market: Market) -> None:
    served, number = market.served, some_id_number()
    said = {"login": "squatter", "name": "冒名者", "password": PASSWORD, "id_number": number}
    path = f"/organisations/{market.second.org_id}/people"
    taken = (await served.api(market.second, "POST", path, said))["user_id"]
    said |= {"login": "the-owner", "name": "王小明"}
    path = f"/organisations/{market.buyer.org_id}/people"
    owner = (await served.api(market.buyer, "POST", path, said))["user_id"]
    person = replace(market.buyer, user_id=owner, login="the-owner")
    contest = await served.api(person, "POST", "/identity-contests")
    assert (await served.api(person, "GET", "/identity-contests", expect=403))["code"] == "forbidden"
    (waiting,) = await served.api(market.operator, "GET", "/identity-contests")
    assert {one["user_id"] for one in waiting["logins"]} == {taken, owner}
    path = f"/identity-contests/{contest['contest_id']}/decide"
    done = await served.api(market.operator, "POST", path, {"struck": [taken]})
    assert done["struck"] == [taken]
    assert await served.api(market.operator, "GET", "/identity-contests") == []
