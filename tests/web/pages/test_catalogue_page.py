"""The catalogue as a page: what its filters say."""

import csv
import io

from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def test_counts_beside_the_filters_follow_what_was_chosen(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/products?category=transport")
    assert "No product" in page.words or "0 products" in page.words
    chosen = [a for a in page.named("a") if a.get("aria-current") == "true"]
    assert [a["href"] for a in chosen] == ["/en/products"]  # a choice that finds nothing is taken back there
    assert "Energy" in page.words
    page = await browser.get("/products")  # one listing: nothing narrows it, so nothing is offered that would
    assert "1 product ·" in page.words
    assert "Nothing to filter by." in page.words


async def test_the_results_are_a_sheet_too_and_the_address_is_the_search(market: Market) -> None:
    page = await Browser(market.served).get("/products?category=energy")
    assert "The address of this page is the search" in page.words
    link = next(a["href"] for a in page.named("a") if "format=csv" in a.get("href", ""))
    async with market.served.client() as client:
        rows = list(csv.DictReader(io.StringIO((await client.get(link)).text)))
    assert [(row["listing_id"], row["list_price_minor"]) for row in rows] == [
        (market.ids["listed"], "76000000")
    ]


async def test_tags_narrow_with_counts_pills_and_a_sheet(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get(
        "/products?delivery=api&purpose=RESEARCH&grade=90-up&frequency=none&registered=yes"
    )
    shown = [a["href"] for a in page.named("a") if a.get("aria-current") == "true"]
    assert "No product fits" in page.words  # its right is not registered
    assert "/en/products?delivery=api&purpose=RESEARCH&grade=90-up" in shown  # without `registered`
    page = await browser.get("/products?delivery=api&purpose=RESEARCH&grade=90-up")
    assert "1 product · 1 on this page" in page.words
    for words in ("By an interface, with a quota", "Research", "90 points and more", "Measured quality"):
        assert words in page.words
    pills = [a["href"] for a in page.named("a") if a.get("href", "").startswith("/en/products?")]
    assert "/en/products?delivery=api&grade=90-up" in pills
    link = next(a["href"] for a in page.named("a") if "format=csv" in a.get("href", ""))
    assert "delivery=api&purpose=RESEARCH&grade=90-up" in link
    for narrowed, found in ((link, 1), (link.replace("delivery=api", "delivery=query"), 0)):
        answer = await browser.client.get(narrowed)
        assert len(list(csv.DictReader(io.StringIO(answer.text)))) == found


async def test_a_search_is_kept_under_a_name_found_again_and_forgotten(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    page = await browser.get("/products?q=用电&delivery=api&after=lst_x")
    await browser.send(page, "/products/saved", {"name": "  供电  指数 "})
    page = await browser.follow()
    assert "供电 指数" in page.words
    address = "/en/products?q=%E7%94%A8%E7%94%B5&delivery=api"
    assert address in [a["href"] for a in page.named("a") if "供电" not in a.get("href", "")]
    assert "供电 指数" not in (await Browser(market.served, market.provider).get("/products?q=x")).words
    page = await browser.send(page, "/products/saved", {"name": "x" * 61, "forget": None}, expect=422)
    assert "search-malformed" in page.words
    page = await browser.get("/products")
    await browser.send(page, "/products/saved", {"forget": "yes"})
    assert "供电" not in (await browser.follow()).words
    nobody = Browser(market.served)
    assert "/products/saved" not in [form.action for form in (await nobody.get("/products?q=x")).forms]
