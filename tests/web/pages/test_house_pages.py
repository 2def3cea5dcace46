"""The operator's fees, rules and keys; a listing as tasks, and its next version: exact, and refusals."""

from base.rule_table import table_of
from tests.market.listings.goods import CLEAN
from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def test_the_operator_reads_fees_every_version_of_the_rules_and_the_keys(market: Market) -> None:
    operator = Browser(market.served, market.operator)
    fees = (await operator.get("/ops/fees")).words
    assert "Platform fee 1.00 % the whole price Provider" in fees
    assert "CN¥1,000.00" in fees
    assert "CN¥5,660.38" in fees  # 100,000.00 with 6 % inside it
    page = await operator.get("/ops/rules?room=brokers")
    first = min(table_of("brokers"), key=lambda one: (one.rule_id, one.name, one.version))
    assert f"{first.rule_id}@{first.version}" in page.words
    assert "in force" in page.words
    assert "Supervision BR" not in page.words
    keys = (await operator.get("/ops/keys")).words
    assert str(market.served.node.publisher.signer.vkey) in keys
    assert "signs now" in keys
    overview = (await operator.get("/ops")).words
    assert "Database sqlite" in overview
    for path in ("/ops/fees", "/ops/rules", "/ops/keys"):
        await Browser(market.served, market.provider).get(path, expect=403)


async def test_a_listing_tells_what_is_missing_and_a_new_version_begins_with_the_old_terms(
    market: Market,
) -> None:
    provider = Browser(market.served, market.provider)
    draft = (await provider.get(f"/sell/{market.ids['draft']}")).words
    assert "✗ Measure the quality The quality has not been measured." in draft
    assert "✗ On offer Buyers do not see it yet." in draft
    page = await provider.get(f"/sell/{market.ids['listed']}")
    assert "✓ Review by the exchange The exchange approved it." in page.words
    link = next(a["href"] for a in page.named("a") if "/sell/new?product=" in a.get("href", ""))
    page = await provider.get(link)
    raw = CLEAN.replace("4401", "4409").encode()
    await provider.send_file(page, "/sell/new", "next.csv", raw, field_name="file")
    page = await provider.follow()
    form = page.forms[-2] if page.forms[-1].action.endswith("/display") else page.forms[-1]
    listed = await market.served.api(market.provider, "GET", f"/listings/{market.ids['listed']}")
    told = {name: form.values[name] for name in ("product_id", "title", "geo", "category", "level")}
    assert told == {name: listed[name] for name in told}
    second = Browser(market.served, market.second)
    await second.get(link, expect=403)
