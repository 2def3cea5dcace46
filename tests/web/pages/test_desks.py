"""A buyer's data and a provider's desk: exact content, whose it is, and what others are refused."""

import csv
import io

from tests.web.market import Market
from tests.web.pages.browsing import Browser

KEY = "CN23BANK0000000003"


async def entitlement_of(market: Market, name: str) -> str:
    """The right of one of the market's trades."""
    answer = await market.served.api(market.buyer, "GET", "/entitlements")
    return next(one["entitlement_id"] for one in answer if one["trade_id"] == market.ids[name])


async def test_a_buyer_sees_its_rights_and_each_with_hash_quota_uses_and_licence_end(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    listed = await buyer.get("/buy/data")
    rights = {a["href"] for a in listed.named("a") if "/buy/data/" in a.get("href", "")}
    assert len(rights) == 3  # delivering, delivered, settled
    assert "粤能数科" in listed.words
    assert "3 / 3" in listed.words

    right = await entitlement_of(market, "delivering")
    page = await buyer.get(f"/buy/data/{right}")
    assert "SHA-256" in page.words
    shas = await market.served.api(market.buyer, "GET", "/entitlements")
    sha256 = next(one["sha256"] for one in shas if one["entitlement_id"] == right)
    assert sha256 in page.words
    assert "2027-11-" in page.words  # twelve months
    assert "No use yet" in page.words
    form = page.form("/file")
    assert form.method == "get"

    raw = await buyer.client.get(form.action)
    assert raw.status_code == 200
    page = await buyer.get(f"/buy/data/{right}")
    assert "2 / 3" in page.words
    assert "complete" in page.words
    assert "湾区普惠银行" in page.words


async def test_a_right_is_nobody_elses_business(market: Market) -> None:
    right = await entitlement_of(market, "settled")
    for who, expected in (("second", 404), ("provider", 403), ("operator", 403)):
        await Browser(market.served, market.people[who]).get(f"/buy/data/{right}", expect=expected)
    answer = await Browser(market.served).client.get("/en/buy/data")
    assert answer.status_code == 303
    assert "/login" in answer.headers["location"]


async def test_what_the_map_calls_orders_and_quotes_are_trades(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    for path, to in (
        ("/buy/orders", "/en/trades"),
        (f"/buy/orders/{market.ids['settled']}", f"/en/trades/{market.ids['settled']}"),
        ("/sell/products/new", "/en/sell/new"),
        (f"/sell/products/{market.ids['draft']}/quality", f"/en/sell/{market.ids['draft']}#quality"),
    ):
        answer = await buyer.client.get(f"/en{path}")
        assert (answer.status_code, answer.headers["location"]) == (301, to)


async def test_a_provider_sees_its_year_and_what_waits_for_it(market: Market) -> None:
    page = (await Browser(market.served, market.provider).get("/sell")).words
    sale = await market.served.api(market.provider, "GET", f"/my/sales/{market.ids['settled']}")
    net = f"CN¥{sale['net_minor'] // 100:,}.{sale['net_minor'] % 100:02d}"
    assert f"Trades 1 Paid by buyers CN¥680,000.00 You received {net} of it this month {net}" in page
    waiting = page.partition("Your turn")[2].partition("Drafts to be finished")[0]
    assert "The provider answers with an offer" in waiting
    assert "2025年广东省工业企业月度用电指数数据集" in waiting
    assert "The side that was asked last accepts" in waiting
    assert "The provider issues the invoice" in waiting
    assert "downloads the file" not in waiting
    assert "2024年东莞市制造业能耗明细" in page.partition("Drafts to be finished")[2]


async def test_a_buyer_is_not_waited_for_where_the_other_side_is(market: Market) -> None:
    page = (await Browser(market.served, market.buyer).get("/buy")).words
    waiting = page.partition("Your turn")[2].partition("My data")[0]
    assert "The provider answers with an offer" not in waiting
    assert "The side that was asked last" not in waiting  # its own offer stands
    assert "Every party signs the same contract" in waiting
    assert "The buyer downloads the file" in waiting
    assert "The buyer accepts the goods" in waiting


async def test_sales_and_one_settlement_to_the_fen_as_page_and_csv(market: Market) -> None:
    provider = Browser(market.served, market.provider)
    page = await provider.get("/sell/sales")
    assert page.words.count("CN¥680,000.00") == 3
    settled = market.ids["settled"]
    sale = await market.served.api(market.provider, "GET", f"/my/sales/{settled}")
    assert (sale["price_minor"], sale["refund_minor"]) == (68_000_000, 0)
    net = 68_000_000 - sale["commission_minor"] - sale["platform_fee_minor"]
    assert sale["net_minor"] == net
    one = (await provider.get(f"/sell/settlements/{settled}")).words
    assert f"You receive CN¥{net // 100:,}.{net % 100:02d}" in one
    assert KEY in one
    assert "BANK0000000004" not in one  # the broker's account is not the provider's business
    assert "No invoice is told yet." in one
    only = await provider.get("/sell/sales?status=SETTLED")
    assert only.words.count("CN¥680,000.00") == 1
    link = next(a["href"] for a in only.named("a") if "format=csv" in a.get("href", ""))
    rows = list(csv.DictReader(io.StringIO((await provider.client.get(link)).text)))
    assert [(row["trade_id"], row["net_minor"]) for row in rows] == [(settled, str(net))]


async def test_a_settlement_is_nobody_elses_business(market: Market) -> None:
    path = f"/sell/settlements/{market.ids['settled']}"
    for who, expected in (("buyer", 403), ("broker", 403), ("operator", 403)):
        await Browser(market.served, market.people[who]).get(path, expect=expected)
    for path in (f"/sell/settlements/{market.ids['inquired']}", "/sell/settlements/trd_none"):
        await Browser(market.served, market.provider).get(path, expect=404)
    async with market.served.client() as client:
        token = {"authorization": f"Bearer {market.served.token(market.buyer)}"}
        assert (await client.get("/api/v1/my/sales", headers=token)).status_code == 403


async def test_an_inquiry_is_refused_with_its_reason_from_the_list(market: Market) -> None:
    provider = Browser(market.served, market.provider)
    page = await provider.get("/sell/requests")
    assert "信贷风险模型的特征" in page.words
    assert len([form for form in page.forms if form.action.endswith("/refuse")]) == 2
    action = f"/trades/{market.ids['inquired']}/refuse"
    await provider.send(page, action, {"reason_code": page.form(action).values["reason_code"]})
    assert provider.location.startswith("/en/prepared/")  # the provider signs at home


async def test_a_party_of_a_trade_sees_its_own_account_alone(market: Market) -> None:
    path = f"/trades/{market.ids['settled']}"
    for who, own, others in (
        ("provider", "0000000003", "0000000004"),
        ("broker", "0000000004", "0000000003"),
    ):
        page = (await Browser(market.served, market.people[who]).get(path)).words
        assert f"BANK{own}" in page
        assert f"BANK{others}" not in page
    page = (await Browser(market.served, market.operator).get(path)).words
    assert "BANK0000000003" in page
    assert "BANK0000000004" in page
