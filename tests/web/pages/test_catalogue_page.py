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


async def test_the_results_are_a_sheet_too_and_the_address_is_the_search(market: Market) -> None:
    page = await Browser(market.served).get("/products?category=energy")
    assert "The address of this page is the search" in page.words
    link = next(a["href"] for a in page.named("a") if "format=csv" in a.get("href", ""))
    async with market.served.client() as client:
        rows = list(csv.DictReader(io.StringIO((await client.get(link)).text)))
    assert [(row["listing_id"], row["list_price_minor"]) for row in rows] == [
        (market.ids["listed"], "76000000")
    ]
