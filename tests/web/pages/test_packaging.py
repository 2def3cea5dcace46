"""A bought file as an encrypted package, by a browser alone: fetched ahead, opened with the released key."""

import hashlib

from base.age import Identity
from tests.market.delivery.packages.test_packages import opened
from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def test_a_package_is_downloaded_and_its_key_released_for_an_age_key(market: Market) -> None:
    served, me = market.served, Identity.generate()
    buyer = Browser(served, market.buyer)
    trade = await buyer.get(f"/trades/{market.ids['delivering']}")
    (link,) = [one["href"] for one in trade.named("a") if one.get("href", "").endswith("/package")]
    page = await buyer.get(link)
    await buyer.send(
        page, "/package", {"age_recipient": str(me)}, expect=422
    )  # the secret half is no recipient
    page = await buyer.get(link)
    refused = await buyer.send(page, "/package", {"age_recipient": me.recipient}, expect=404)
    assert "fetch" in refused.words
    entitlement = link.split("/")[-2]
    (right,) = [
        one
        for one in await served.api(market.buyer, "GET", "/entitlements")
        if one["entitlement_id"] == entitlement
    ]
    assert right["used"] == 0
    address = f"/api/v1/entitlements/{entitlement}/package"
    assert address in {one.get("href") for one in page.named("a")}
    package = (await buyer.client.get(address)).content
    page = await buyer.get(link)
    assert "SHA-256" in page.words
    await buyer.send(page, "/package", {"age_recipient": me.recipient}, expect=200)
    assert buyer.last is not None
    assert buyer.last.headers["content-disposition"] == f'attachment; filename="{entitlement}.key"'
    plain = opened(buyer.last.content, package, me)
    assert hashlib.sha256(plain).hexdigest() == right["sha256"]
    assert "1 of" in (await buyer.get(link)).words


async def test_the_page_of_a_package_is_for_whoever_may_take_the_file(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    trade = await buyer.get(f"/trades/{market.ids['delivering']}")
    (link,) = [one["href"] for one in trade.named("a") if one.get("href", "").endswith("/package")]
    await Browser(market.served, market.second).get(link, expect=404)
    await Browser(market.served, market.provider).get(link, expect=403)
