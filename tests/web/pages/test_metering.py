"""Interfaces on pages: a seller describes one by a form, both sides read what was used and what it cost."""

from datetime import timedelta

from market.delivery.gateway.repository import latest_interface
from tests.web.api.test_usage import bought, called
from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def test_both_sides_read_what_was_used(market: Market) -> None:
    served = market.served
    right, token = await bought(market)
    for _ in range(2):
        assert (await called(market, right, token, "/columns")).status_code == 200
    buyer = Browser(served, market.buyer)
    path = f"/en/entitlements/{right}/usage"
    page = await buyer.get(path)
    assert "Nothing has been stated yet" in page.words
    assert "2 calls measured by the gateway" in page.words
    served.clock.advance(timedelta(days=1))
    await served.node.run_jobs()
    for side in (market.buyer, market.provider):
        page = await Browser(served, side).get(path)
        assert "1–2" in page.words
        assert "Nothing has been stated yet" not in page.words
    await Browser(served, market.second).get(path, expect=404)


async def test_a_seller_describes_an_interface_and_keeps_its_secret_by_forms(market: Market) -> None:
    served, listing = market.served, market.ids["listed"]
    provider = Browser(served, market.provider)
    page = await provider.get(f"/sell/{listing}")
    assert [link for link in page.named("a") if link.get("href", "").endswith(f"/sell/{listing}/interface")]
    page = await provider.get(f"/sell/{listing}/interface")
    assert "the product's own table" in page.words
    page = await provider.send(
        page, "/interface-secret", {"header": "cookie", "secret_value": "swordfish"}, expect=422
    )
    assert "swordfish" not in str(page.forms) + page.words
    page = await provider.send(
        page, "/interface-secret", {"header": "X-Api-Key", "secret_value": "swordfish"}
    )
    page = await provider.follow()
    assert "swordfish" not in str(page.forms) + page.words
    told = {
        "answered_by": "PROVIDER",
        "base_url": "http://127.0.0.1",
        "paths": "/quotes\n/series/*",
        "methods": "GET",
        "content_types": "application/json",
    }
    page = await provider.send(page, "/interface", told, expect=422)
    assert "interface-malformed" in page.words
    async with served.node.database.read() as s:
        assert await latest_interface(s, listing_id=listing) is None
    page = await provider.send(page, "/interface", told | {"base_url": "https://api.example.com/v1"})
    page = await provider.follow()
    assert "To be signed: Interface described" in page.words  # its key is at home: there it is signed
