"""A reward without a seat, as the sides are shown it, contest it, and as the exchange decides."""

from datetime import timedelta

from base.clock import rfc3339
from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.web.market import Market
from tests.web.pages.browsing import Browser


def offer_of(market: Market, price: int) -> dict[str, object]:
    return {
        "price_minor": price,
        "quantity": 1,
        "unit": "set",
        "licence_class": "internal-use",
        "term_months": 12,
        "purpose": "建模",
        "territory": "CN",
        "expires_at": rfc3339(market.served.clock.now() + timedelta(days=5)),
    }


async def test_an_audit_finds_nothing_where_a_broker_is_paid_without_its_name(
    market: Market, tmp_path
) -> None:
    """A contract that both principals sign after the mandate, and a purchase around the broker."""
    served = market.served
    ready = f"/trades/{market.ids['ready']}"  # the provider has signed
    await served.api(market.provider, "POST", f"/mandates/{market.ids['mandate']}/revoke")
    trade = await served.api(market.buyer, "POST", f"{ready}/sign")
    assert (trade["status"], trade["broker_id"]) == ("CONTRACTED", market.broker.org_id)
    body = {"purpose": "建模", "scenario": "授信", "quantity": 1}
    bought = await served.api(market.buyer, "POST", f"/listings/{market.ids['listed']}/inquiries", body)
    path = f"/trades/{bought['trade_id']}"
    await served.api(market.provider, "POST", f"{path}/offers", offer_of(market, 90_000_000))
    await served.api(market.buyer, "POST", f"{path}/accept", {"offer_no": 1})
    await served.api(market.buyer, "POST", f"{path}/sign")
    trade = await served.api(market.provider, "POST", f"{path}/sign")
    assert (trade["status"], trade["commission_minor"]) == ("CONTRACTED", 1_800_000)
    await served.settle_down()
    node = served.node
    await export_bundle(node, tmp_path / "bundle", Edition.REGULATOR)
    report = audit(tmp_path / "bundle", [node.publisher.signer.vkey])
    assert report.clean, report.problems


async def test_the_sides_are_shown_it_and_contest_it_on_pages(market: Market) -> None:
    served, more = market.served, 90_000_000  # more than was contracted through the broker
    body = {"purpose": "建模", "scenario": "授信", "quantity": 1}
    trade = await served.api(market.buyer, "POST", f"/listings/{market.ids['listed']}/inquiries", body)
    path = f"/trades/{trade['trade_id']}"
    claim = await served.api(market.buyer, "GET", f"{path}/reward")
    assert (claim["broker_id"], claim["fee_bp"]) == (market.broker.org_id, 200)
    shown = await served.api(market.buyer, "GET", f"{path}/price?price_minor={more}")
    assert shown["commission_bp"] == 200
    await served.api(market.provider, "POST", f"{path}/offers", offer_of(market, more))
    buyer = Browser(served, market.buyer)
    page = await buyer.get(path)
    assert "A broker's reward" in page.words
    assert market.broker.name in page.words
    await served.api(market.buyer, "POST", f"{path}/accept", {"offer_no": 1})
    await served.prove(market.buyer)
    page = await buyer.get(path)
    await buyer.send(page, f"/rewards{path}/contest", {"reasons": "双方早有往来"})
    assert "双方早有往来" in (await buyer.follow()).words
    (row,) = await served.api(market.broker, "GET", "/reward-contests")
    assert row["said"] == {"RWD.CONTEST": "双方早有往来"}
    broker = Browser(served, market.broker)
    await served.prove(market.broker)
    await broker.send(
        await broker.get("/rewards"), f"/rewards/{row['contest_id']}/answer", {"text": "由我方引荐"}
    )
    operator = Browser(served, market.operator)
    page = await operator.get("/rewards")
    assert "由我方引荐" in page.words
    await served.prove(market.operator)
    sent = {"upheld": "yes", "reasons": "确有往来"}
    await operator.send(page, f"/rewards/{row['contest_id']}/decide", sent)
    assert "nothing is owed" in (await operator.follow()).words
    after = await served.api(market.buyer, "GET", path)
    assert (after["status"], after["commission_minor"]) == ("CONTRACT_READY", 0)
    assert await served.api(market.buyer, "GET", f"{path}/reward") is None


async def test_a_reward_that_fell_says_what_to_do_and_the_form_draws_up_anew(market: Market) -> None:
    """The broker is suspended before the last signature: refused with what comes next, and that works."""
    served = market.served
    body = {"purpose": "建模", "scenario": "授信", "quantity": 1}
    trade = await served.api(market.buyer, "POST", f"/listings/{market.ids['listed']}/inquiries", body)
    path = f"/trades/{trade['trade_id']}"
    await served.api(market.provider, "POST", f"{path}/offers", offer_of(market, 90_000_000))
    await served.api(market.buyer, "POST", f"{path}/accept", {"offer_no": 1})
    await served.api(market.provider, "POST", f"{path}/sign")
    certificate = f"/certificates/{market.ids['certificate']}"
    await served.api(market.authority, "POST", f"{certificate}/suspend", {"reason_code": "UNDER_REVIEW"})
    refused = await served.api(market.buyer, "POST", f"{path}/sign", expect=409)
    assert (refused["code"], refused["reason"]) == ("reward-fallen", "certificate")
    assert "contest it" in refused["detail"]
    buyer = Browser(served, market.buyer)
    page = await buyer.get(path)
    assert "The reward in the contract is not owed any more" in page.words
    await served.prove(market.buyer)
    await buyer.send(page, f"/rewards{path}/contest", {"reasons": "经纪人已被暂停"})
    assert "nothing is owed" in (await buyer.follow()).words
    after = await served.api(market.buyer, "GET", path)
    assert (after["status"], after["commission_minor"]) == ("CONTRACT_READY", 0)
    assert "A broker's reward" not in (await buyer.get(path)).words
    await served.api(market.provider, "POST", f"{path}/sign")
    assert (await served.api(market.buyer, "POST", f"{path}/sign"))["status"] == "CONTRACTED"
