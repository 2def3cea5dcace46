"""What a broker discloses and tells, and mandates with limits, by their forms."""

from datetime import timedelta

from base.clock import SHANGHAI
from brokers.conduct.repository import interests_in, notices_of
from brokers.mandates.repository import limits_of, terms_of
from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def test_a_broker_discloses_and_reports_and_a_late_report_says_so(market: Market) -> None:
    broker = Browser(market.served, market.broker)
    page = await broker.get("/conduct")
    assert "Nothing is disclosed." in page.words
    await market.served.prove(market.broker)
    sent = {"party_id": market.provider.org_id, "kind": "OWNERSHIP", "share_bp": "5.00"}
    await broker.send(page, "/conduct/interests", sent)
    page = await broker.follow()
    assert "5.00 %" in page.words
    noticed = market.served.clock.now() - timedelta(hours=25)
    sent = {"about": market.ids["listed"], "text": "来源可疑"}
    sent["noticed_at"] = noticed.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")
    await market.served.prove(market.broker)
    await broker.send(page, "/conduct/suspicions", sent)
    assert "late" in (await broker.follow()).words
    async with market.served.node.database.read() as s:
        (interest,) = await interests_in(s, broker_id=market.broker.org_id, parties=[market.provider.org_id])
        (notice,) = await notices_of(s, broker_id=market.broker.org_id)
    assert (interest.share_bp, notice.late) == (500, True)
    for who in (market.samr, market.authority, market.operator):
        page = await Browser(market.served, who).get("/reg/notices")
        assert "来源可疑" in page.words
        assert "late" in page.words
    for who in (market.auditor, market.buyer):
        await Browser(market.served, who).get("/reg/notices", expect=403)


async def test_a_client_sets_limits_on_the_form_and_sees_them(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    page = await buyer.get("/mandates")
    await market.served.prove(market.buyer)
    sent = {"scope": "代为询价", "fee_bp": "1.00", "side": "BUYER", "price_ceiling_minor": "900.00"}
    await buyer.send(page, "/mandates", sent | {"territories": "CN, 440000"})
    page = await buyer.follow()
    assert "The signed document" in page.words
    link = next(a["href"] for a in page.named("a") if a.get("href", "").endswith("/document"))
    answer = await buyer.client.get(link)
    assert answer.status_code == 200
    assert answer.json()["limits"]["price_ceiling_minor"] == "90000"
    async with market.served.node.database.read() as s:
        terms = await terms_of(s, mandate_id=link.split("/")[-2])
    assert limits_of(terms).territories == {"CN", "440000"}
