"""The catalogue as a page: what its filters say."""

from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def test_counts_beside_the_filters_follow_what_was_chosen(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/products?category=transport")
    assert "No product" in page.words or "0 products" in page.words
    chosen = [a for a in page.named("a") if a.get("aria-current") == "true"]
    assert [a["href"] for a in chosen] == ["/en/products"]  # a choice that finds nothing is taken back there
    assert "Energy" in page.words
