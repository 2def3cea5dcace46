"""A product of two organisations' data: asked for on a page, agreed to, shown to everybody, withdrawn."""

from base.jobs import run_due
from cli.exporting import export_bundle
from ledger.bundle import Edition
from market.trade.clockwork import handlers
from supervision.audit import audit
from tests.web.api.desk import Desk
from tests.web.api.refusing import only_refused, problem
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

WANTED = {"purpose": "planning", "scenario": "roads", "quantity": 1}


async def test_a_product_of_two_is_sold_while_the_other_agrees(market: Market, tmp_path) -> None:
    served, listing_id = market.served, market.ids["listed"]
    agency = await served.admit("市水务局", {"PUBLIC_AGENCY"}, login="water")
    sells, buyer = market.provider, market.people["buyer"]
    seller = Browser(served, sells, "en")
    page = await seller.get("/joint")
    assert structure(page, "en") == []
    assert "Nobody was asked for data yet" in page.words
    async with served.client() as http:
        product_id = (await http.get(f"/api/v1/listings/{listing_id}")).json()["product_id"]
        shown = f"/api/v1/products/{product_id}/contributors"
        asked = {"product_id": product_id, "contributor_id": agency.org_id, "what": "月度用水量"}
        page = await submit(seller, page, "/joint", expect=422, **asked, share_bp="101")
        selling = Desk(http, sells.login, sells.org_id, sells.key, token=served.token(sells))
        await selling.act("/contributions", asked | {"share_bp": 3_333})
        page = await seller.get("/joint")
        assert "市水务局 gives data to you" in page.words
        assert "33.33" in page.words
        wants = Desk(http, buyer.login, buyer.org_id, buyer.key, token=served.token(buyer))
        async with only_refused(served.node.database, "contribution-open"):
            answer = await wants.call("POST", f"/listings/{listing_id}/inquiries", WANTED)
        assert problem(answer, 409, "contribution-open")["contributors"] == [agency.org_id]
        assert (await http.get(shown)).json() == []

        water = Browser(served, agency, "zh")
        page = await water.get("/joint")
        assert structure(page, "zh") == []
        basis = {"kind": "STATEMENT", "source": "OWN_ACTIVITY", "statement_sha256": "5A" * 32}
        page = await submit(water, page, "/agree", expect=422, **basis | {"statement_sha256": "5A"})
        page = await submit(water, page, "/agree", **basis)
        assert "已同意" in page.words
        (giver,) = (await http.get(shown)).json()
        assert (giver["contributor"], giver["share_bp"], giver["basis_source"]) == (
            "市水务局",
            3_333,
            "OWN_ACTIVITY",
        )
        page = await Browser(served, None, "zh").get(f"/products/{listing_id}")
        assert structure(page, "zh") == []
        assert "市水务局" in page.words
        assert (await wants.act(f"/listings/{listing_id}/inquiries", WANTED))["status"] == "INQUIRED"

        desk = Desk(http, agency.login, agency.org_id, agency.key, token=served.token(agency))
        (mine,) = await desk.get("/contributions")
        assert (mine["status"], mine["what"]) == ("AGREED", "月度用水量")
        assert await desk.get("/contributions/shares") == []
        answer = await wants.call("GET", f"/contributions/{mine['contribution_id']}")
        problem(answer, 404, "contribution-unknown")
        page = await submit(water, await water.get("/joint"), "/withdraw", reason_code="END_OF_COOPERATION")
        assert "已撤回" in page.words
        problem(
            await wants.call("POST", f"/listings/{listing_id}/inquiries", WANTED), 409, "contribution-open"
        )
    await run_due(served.node.database, served.clock.now(), handlers(served.node.house, None, None))
    await served.settle_down()
    page = await seller.get(f"/sell/{listing_id}")
    assert "Suspended" in page.words
    await export_bundle(served.node, tmp_path / "bundle", Edition.REGULATOR)
    assert audit(tmp_path / "bundle", [served.node.publisher.signer.vkey]).clean
