"""A guide price on a seller's own page and by HTTP: from others' sales, sham ones left out, nobody named."""

from datetime import timedelta

import pytest

from ledger.recording import record
from ledger.statement import Draft
from market.listings.repository import get_file, get_listing
from market.listings.tables import Listing, ListingFile
from market.orders.repository import get_trade
from market.orders.states import TradeState
from market.orders.tables import Trade
from tests.web.market import Market
from tests.web.pages.browsing import Browser

# In yuan; the median is 100,000 and, to two digits, the median deviation 10,000.
PRICES = (90_000, 95_000, 100_000, 105_000, 110_000)


async def sold(market: Market, prices, sellers=("second", "buyer", "samr"), **changed) -> list[str]:
    """Sales of others' listings of the same kind as the listed one, at these prices in yuan; their ids."""
    node, trade_ids = market.served.node, []
    async with node.database.write() as s:
        listing = await get_listing(s, listing_id=market.ids["listed"])
        file = await get_file(s, file_id=listing.file_id)
        trade = await get_trade(s, trade_id=market.ids["settled"])
        at = node.clock.now() - timedelta(days=40)
        for n, price in enumerate(prices):
            seller = market.people[sellers[n % len(sellers)]].org_id
            name = f"{n:02}{price}{len(changed)}"
            copy = listing.model_dump() | {"listing_id": f"lst_{name}", "file_id": f"fil_{name}"}
            s.add(ListingFile(**file.model_dump() | {"file_id": f"fil_{name}", "owner_id": seller}))
            await s.flush()
            s.add(Listing(**copy | {"seller_id": seller, "broker_id": None, "mandate_id": None}))
            await s.flush()
            trade_ids.append(f"trd_{name}")
            sale = {"trade_id": f"trd_{name}", "listing_id": f"lst_{name}", "seller_id": seller}
            sale |= {"buyer_id": market.broker.org_id, "broker_id": None, "price_minor": price * 100}
            sale |= {"contracted_at": at, "payment_reference": None, "declaration_id": None}
            s.add(Trade(**trade.model_dump() | sale | changed))
    return trade_ids


async def guide(market: Market, who: str = "provider", listing: str = "listed", **asked):
    token = market.served.token(market.people[who])
    address = f"/api/v1/listings/{market.ids[listing]}/guide-price"
    async with market.served.client() as http:
        return await http.get(address, params=asked, headers={"authorization": f"Bearer {token}"})


async def test_five_comparable_sales_give_a_range_and_four_are_too_few(market: Market) -> None:
    await sold(market, PRICES[:4])
    page = await Browser(market.served, market.provider).get(f"/sell/{market.ids['listed']}")
    assert "Too few comparable sales: 4, and a guide price needs 5." in page.words
    refused = await guide(market)
    assert refused.json()["code"] == "comparables-too-few"
    await sold(market, (110_000,), sellers=("buyer",), quantity=1)
    found = (await guide(market)).json()["quote"]
    assert (found["mid_minor"], found["mechanism"]) == (10_000_000, "M8")
    assert found["low_minor"] == 10_000_000 - 1_482_600
    assert found["high_minor"] == 10_000_000 + 1_482_600
    twice = (await guide(market, quantity=2, quality="0.5")).json()["quote"]
    assert twice["mid_minor"] == 10_000_000


async def test_a_listing_page_shows_the_range_the_sales_and_a_drawing_with_its_table(market: Market) -> None:
    await sold(market, PRICES)
    address = f"/sell/{market.ids['listed']}"
    browser = Browser(market.served, market.provider)
    page = await browser.get(address)
    for shown in ("¥85,174.00", "¥100,000.00", "¥114,826.00", "¥90,000.00", "¥110,000.00", "2026-10"):
        assert shown in page.words
    drawing = next(attrs for tag, attrs in page.tags if tag == "svg")
    assert drawing["role"] == "img"
    assert drawing["aria-label"].startswith("Guide price")
    assert drawing["aria-describedby"] == "guide-says"
    for person in ("second", "buyer", "broker"):
        assert market.people[person].org_id not in page.words
    assert "湾区普惠银行" not in page.words.split("Guide price")[1]

    page = await browser.get(f"{address}?quantity=2&quality=50&price=150,000")
    assert page.form(f"{address}#guide").values == {"quantity": "2", "quality": "50", "price": "150000.00"}
    assert "¥150,000.00" in page.words  # 75 % of the quality, or what was asked
    assert "above the range" in page.words
    page = await browser.get(f"{address}?quantity=-1&quality=x&price=1e9")
    assert "What could not be read was taken from the listing." in page.words
    assert page.form(f"{address}#guide").values["quantity"] == "1"


async def test_sham_related_undone_and_own_sales_move_nothing(market: Market) -> None:
    await sold(market, PRICES)
    base = (await guide(market)).json()["quote"]
    flagged = await sold(market, (900_000,) * 1 + (800_000,), sellers=("second",), quantity=1)
    await sold(market, (700_000, 710_000), status=TradeState.VOIDED, quantity=1)
    await sold(market, (600_000, 610_000), sellers=("provider",), quantity=1, buyer_id=market.buyer.org_id)
    await sold(market, (500_000,), sellers=("buyer",), quantity=1, buyer_id=market.buyer.org_id)
    await sold(market, (400_000,), unit="call", quantity=1)
    await sold(market, (300_000,), level="general-3", quantity=1)
    old = market.served.clock.now() - timedelta(days=400)
    await sold(market, (200_000,), contracted_at=old, quantity=1, licence_class="x")
    node = market.served.node
    async with node.database.write() as s:
        for trade_id in flagged:
            act = node.house.exchange_act()
            await record(
                s, act, Draft("FLG.SET", trade_id, public={"trade_id": trade_id, "case_id": "cse_1"})
            )
    found = (await guide(market)).json()["quote"]
    assert found["approaches"]["market"].pop("excluded") == 3
    assert base["approaches"]["market"].pop("excluded") == 0
    for name in ("low_minor", "mid_minor", "high_minor", "approaches"):
        assert found[name] == base[name]
    async with node.database.write() as s:
        act = node.house.exchange_act()
        said = {"trade_id": flagged[0], "case_id": "cse_1"}
        await record(s, act, Draft("FLG.CLEAR", flagged[0], public=said))
    assert (await guide(market)).json()["quote"]["approaches"]["market"]["comparables"] == 6


async def test_of_one_or_two_rivals_nothing_is_told(market: Market) -> None:
    await sold(market, PRICES, sellers=("second", "buyer"))
    answer = await guide(market)
    assert (answer.status_code, answer.json()["code"]) == (409, "comparables-too-few")
    page = await Browser(market.served, market.provider).get(f"/sell/{market.ids['listed']}?price=100,000")
    assert "Fewer than three providers stand behind the comparable sales" in page.words
    assert "guide-says" not in [attrs.get("aria-describedby") for _, attrs in page.tags]
    for hidden in ("¥90,000.00", "below the range", "within the range"):
        assert hidden not in page.words


@pytest.mark.parametrize("who", ["buyer", "second", "samr"])
async def test_the_guide_price_of_a_listing_is_its_sellers(market: Market, who: str) -> None:
    answer = await guide(market, who=who)
    assert (answer.status_code, answer.json()["code"]) == (404, "listing-unknown")
