"""Who issues credentials, on a page; the data authority appoints the next key there."""

from brokers.credential.repository import issuers
from tests.web.market import Market
from tests.web.pages.browsing import Browser

PATH = "/issuing-key"


async def test_the_data_authority_appoints_a_key_and_every_broker_s_page_has_a_code(market: Market) -> None:
    stranger = Browser(market.served)
    page = await stranger.get(PATH)
    assert "No issuing key has been appointed yet" in page.words
    assert page.forms == [] or all(form.action != f"/en{PATH}" for form in page.forms)
    broker = "/brokers/GZ-DB-2026-0001"
    assert "QR code" not in str((await stranger.get(broker)).tags)

    browser = Browser(market.served, market.authority)
    page = await browser.get(PATH)
    page = await browser.send(page, PATH, expect=403)
    assert "Confirm your password" in page.words
    await market.served.prove(market.authority)
    await browser.send(await browser.get(PATH), PATH)
    assert browser.location.endswith(PATH)
    await market.served.settle_down()
    await market.served.node.run_jobs()

    async with market.served.node.database.read() as s:
        (issuer,) = await issuers(s)
    page = await stranger.get(PATH)
    assert issuer.did in page.words
    page = await stranger.get(broker)
    assert issuer.did in page.words
    (code,) = [image for image in page.named("img") if image["src"].startswith("data:image/svg+xml")]
    assert code["alt"] == "QR code of the credential’s address"
    chinese = await Browser(market.served, lang="zh").get(broker)
    assert "电子凭证" in chinese.words


async def test_nobody_else_appoints_a_key(market: Market) -> None:
    for who in (market.samr, market.operator, market.broker):
        browser = Browser(market.served, who)
        page = await browser.get(PATH)
        assert all(form.action != f"/en{PATH}" for form in page.forms)
        token = next(form.values for form in page.forms if form.method == "post")
        answer = await browser.client.post(f"/en{PATH}", data=token)
        assert answer.status_code == 403
    async with market.served.node.database.read() as s:
        assert await issuers(s) == []
