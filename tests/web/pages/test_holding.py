"""A quote is held on the calculator's page and ordered in three steps; the provider sees it was its price."""

from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_product_pages import second_version


async def test_a_buyer_holds_a_quote_and_orders_at_its_price_after_it_changed(market: Market) -> None:
    served, listing_id = market.served, market.ids["listed"]
    buyer = Browser(served, market.buyer)
    calculator = f"/products/{listing_id}/quote"
    assert "Hold this quote" not in (await Browser(served, market.provider).get(calculator)).words
    page = await buyer.get(f"{calculator}?rows=1&use=RISK_CONTROL&months=6")
    page.forms = [form for form in page.forms if form.method == "post"]
    back = await buyer.send(page, calculator, {"months": "90"}, expect=422)
    assert "This is too large: at most 60." in back.words
    assert any("autofocus" in tag for name, tag in back.tags if tag.get("role") == "alert")
    await buyer.send(page, calculator)
    quote = buyer.location.rpartition("/")[2]
    held = await buyer.follow()
    for told in ("Held", "Risk control", "VAT 6.00 % CN¥43,018.87", "You pay CN¥760,000.00"):
        assert told in held.words
    assert "CN¥760,000.00" in (await buyer.get("/buy/quotes")).words
    await Browser(served, market.second).get(f"/buy/quotes/{quote}", expect=404)
    await Browser(served, market.provider).get(f"/buy/quotes/{quote}", expect=404)
    assert (await served.api(market.second, "GET", f"/held-quotes/{quote}", expect=404))["code"] == (
        "held-quote-unknown"
    )

    newer = await second_version(market)
    await served.api(
        market.provider, "POST", f"/listings/{listing_id}/withdraw", {"reason_code": "NEW_VERSION"}
    )
    path = "/buy/orders/new"
    page = await buyer.get(f"{path}?quote={quote}")
    assert "a newer version on offer" in page.words
    missing = await buyer.send(page, path, {"scenario": "授信"}, expect=422)
    assert "Fill in this field." in missing.words
    summary = await buyer.send(page, path, {"purpose": "授信模型", "scenario": "授信"}, expect=200)
    assert "授信模型" in summary.words
    assert (await served.api(market.buyer, "GET", f"/held-quotes/{quote}"))["standing"] == "HELD"
    await served.prove(market.buyer)
    await buyer.send(summary, path)
    trade = buyer.location.rpartition("/")[2]
    for who in (market.buyer, market.provider):
        page = await Browser(served, who).get(f"/trades/{trade}")
        assert "at the provider's own list price, CN¥760,000.00" in page.words
        assert "The same is listed today at CN¥700,000.00" in page.words
    await Browser(served, market.provider).get(f"/buy/quotes/{quote}")
    told = await served.api(market.buyer, "GET", f"/trades/{trade}")
    assert (told["listing_id"], told["status"]) == (newer, "NEGOTIATING")

    body = {"purpose": "授信模型", "scenario": "授信"}
    again = await served.api(market.buyer, "POST", f"/held-quotes/{quote}/order", body, expect=409)
    assert again["code"] == "quote-used"
    asked = {"quantity": 2, "purpose": "RESEARCH", "term_months": 12}
    other = await served.api(market.buyer, "POST", f"/listings/{newer}/held-quotes", asked)
    listed = await served.api(market.buyer, "GET", "/held-quotes")
    assert [(one["quote_id"], one["standing"]) for one in listed] == [
        (other["quote_id"], "HELD"),
        (quote, "USED"),
    ]
    assert other["document"]["quote"]["inputs_sha256"] != listed[1]["document"]["quote"]["inputs_sha256"]
    refused = await served.api(market.provider, "POST", f"/listings/{newer}/held-quotes", asked, expect=403)
    assert refused["code"] == "forbidden"
