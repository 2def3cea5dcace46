"""Data requests by forms alone: publish, answer, inquire from the answer, say that it was the right one."""

from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_trade_room import by_own_key

WANTED = {
    "title": "珠三角用电指数",
    "description": "按县区汇总",
    "category": "energy",
    "geo": "440000",
    "product_type": "",
    "purpose": "RISK_CONTROL",
    "period": "2025",
    "volume": "1000 行",
    "budget_max_minor": "800,000.00",
    "until": "2026-12-10T18:00",
}


async def test_a_request_by_forms_alone(market: Market) -> None:
    buyer, provider = Browser(market.served, market.buyer), Browser(market.served, market.provider)
    await market.served.prove(market.buyer)
    page = await buyer.get("/requests")
    assert "No request is open." in page.words
    page = await buyer.get("/requests/new")
    page = await buyer.send(page, "/requests/new", WANTED | {"title": ""}, expect=422)
    await buyer.send(page, "/requests/new", WANTED)
    place = buyer.location
    assert place.startswith("/en/requests/req_")

    visitor = Browser(market.served)
    seen = (await visitor.get(place)).words
    assert "珠三角用电指数" in seen
    assert "湾区普惠银行" in seen
    assert "CN¥800,000.00" not in seen  # a budget is no public price
    assert "珠三角用电指数" in (await visitor.get("/requests?category=energy")).words
    assert "珠三角用电指数" not in (await visitor.get("/requests?category=finance")).words

    page = await provider.get(place)
    assert "CN¥800,000.00" not in page.words
    await provider.send(page, "/answers", {"listing_id": market.ids["listed"], "note": "覆盖全省"})
    await by_own_key(market, provider)
    assert "CN¥800,000.00" in (await provider.get(place)).words

    page = await buyer.get(place)
    assert "覆盖全省" in page.words
    assert "覆盖全省" not in (await visitor.get(place)).words
    address = next(a["href"] for a in page.named("a") if "request=" in a.get("href", ""))
    await market.served.prove(market.buyer)
    product = await buyer.get(address.partition("#")[0])
    await buyer.send(product, "/inquire", {"purpose": "信贷模型", "scenario": "信贷", "quantity": "1"})
    assert buyer.location.startswith("/en/trades/trd_")
    await market.served.prove(market.buyer)
    await buyer.send(page, "/fulfil")
    page = await buyer.get(place)
    assert "Fulfilled" in page.words
    assert not [form for form in page.forms if form.action.endswith(("/fulfil", "/withdraw"))]
