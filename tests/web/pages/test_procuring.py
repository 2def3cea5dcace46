"""Two agencies buy the same product: the form, the warning before the second order, the disclosed prices."""

from datetime import timedelta

from base.clock import rfc3339
from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.web.api import goods
from tests.web.api.desk import Desk
from tests.web.api.refusing import only_refused, problem
from tests.web.market import Market
from tests.web.nodes import Persona
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

BASIS = {
    "method": "SINGLE_SOURCE",
    "budget_reference": "2026-014",
    "budget_minor": "700,000.00",
    "document_sha256": "BA" * 32,
}


async def offered(market: Market, seller: Desk, agency: Desk, price_minor: int) -> str:
    asked = {"purpose": "planning", "scenario": "roads", "quantity": 1}
    trade = await agency.act(f"/listings/{market.ids['listed']}/inquiries", asked)
    expires_at = rfc3339(market.served.clock.now() + timedelta(days=3))
    terms = goods.offer(price_minor, expires_at, unit="set", licence_class="internal-use")
    await seller.act(f"/trades/{trade['trade_id']}/offers", terms)
    return str(trade["trade_id"])


async def test_the_second_agency_is_warned_on_the_page(market: Market, tmp_path) -> None:
    served, roles = market.served, {"PUBLIC_AGENCY", "BUYER"}

    def desk(http, who: Persona) -> Desk:
        return Desk(http, who.login, who.org_id, who.key, token=served.token(who))

    first = await served.admit("市交通局", roles, login="first")
    second = await served.admit("市统计局", roles, login="second-agency")
    nobody = await Browser(served, None, "en").get("/procurements")
    assert "No public agency has bought anything here yet" in nobody.words
    async with served.client() as http:
        seller, one, two = desk(http, market.provider), desk(http, first), desk(http, second)
        mine = await offered(market, seller, one, 68_000_000)
        theirs = await offered(market, seller, two, 60_000_000)
        async with only_refused(served.node.database, "procurement-basis-missing"):
            answer = await one.call("POST", f"/trades/{mine}/accept", {"offer_no": 1})
        problem(answer, 409, "procurement-basis-missing")
        problem(await seller.call("GET", f"/trades/{mine}/procurement"), 404, "procurement-unknown")

        browser = Browser(served, first, "zh")
        room = await browser.get(f"/trades/{mine}")
        assert "贵单位尚未说明采购依据" in room.words
        page = await browser.get(f"/trades/{mine}/procurement")
        assert structure(page, "zh") == []
        wrong = BASIS | {"budget_minor": "much"}
        page = await submit(browser, page, f"/trades/{mine}/procurement", expect=422, **wrong)
        await submit(browser, page, f"/trades/{mine}/procurement", **BASIS)
        await one.act(f"/trades/{mine}/accept", {"offer_no": 1})
        for party in (seller, one):
            trade = await party.act(f"/trades/{mine}/sign")
        assert trade["status"] == "CONTRACTED"

        browser = Browser(served, second, "en")
        page = await browser.get(f"/trades/{theirs}/procurement")
        assert structure(page, "en") == []
        assert "市交通局" in page.words
        assert "680,000.00" in page.words
        page = await submit(browser, page, f"/trades/{theirs}/procurement", expect=409, **BASIS)
        assert "Another public agency has bought this product" in page.words
        await submit(browser, page, f"/trades/{theirs}/procurement", **BASIS, reason_code="OTHER_PERIOD")
        seen = await two.get(f"/trades/{theirs}/procurement")
        assert [d["trade_id"] for d in seen["duplicates"]] == seen["stated"]["seen"] == [mine]
        assert (await two.act(f"/trades/{theirs}/accept", {"offer_no": 1}))["status"] == "CONTRACT_READY"
        public = (await http.get("/api/v1/procurements")).json()
    told = [(one["buyer"], one["price_minor"], one["method"], one["outcome"]) for one in public]
    assert told == [("市交通局", 68_000_000, "SINGLE_SOURCE", "STANDING")]
    page = await Browser(served, None, "zh").get("/procurements")
    assert structure(page, "zh") == []
    assert "单一来源采购" in page.words
    await served.settle_down()
    await export_bundle(served.node, tmp_path / "bundle", Edition.REGULATOR)
    assert audit(tmp_path / "bundle", [served.node.publisher.signer.vkey]).clean
