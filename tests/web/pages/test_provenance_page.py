"""The pages of a product's history and of erasures: drawn, told in tables, and doing what they say."""

import re

import pytest

from base.canonical import sha256_hex
from ledger.reader import opening, statements_of
from tests.market.listings.goods import CLEAN
from tests.web.api.goods import drafted
from tests.web.market import Market, upload
from tests.web.nodes import PASSWORD
from tests.web.pages.browsing import Browser


async def descendant(market: Market) -> str:
    """A listing of a product that was made from the listed one and from a file."""
    async with market.served.node.database.read() as s:
        (draft, *_) = await statements_of(s, object_id=market.ids["listed"])
    raw = CLEAN.replace("4401", "4407").encode()
    file_id = await upload(market.served, market.provider, "made.csv", raw)
    body = drafted(file_id, derived_from=[draft.predicate["product_id"], "cd" * 32])
    made = await market.served.api(market.provider, "POST", "/listings", body)
    return str(made["listing_id"])


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_product_page_leads_to_its_history_with_a_drawing_that_says_what_it_shows(
    market: Market, lang: str
) -> None:
    browser = Browser(market.served, None, lang)
    product = await browser.get(f"/products/{market.ids['listed']}")
    address = f"/{lang}/products/{market.ids['listed']}/provenance"
    assert address in [link.get("href") for link in product.named("a")]
    page = await browser.get(address)
    (svg,) = page.named("svg")
    assert (svg["role"], svg["aria-describedby"]) == ("img", "graph-says")
    assert svg["aria-label"].endswith("2025年广东省工业企业月度用电指数数据集")
    assert "graph-says" in [paragraph.get("id") for paragraph in page.named("p")]
    assert len(page.named("rect")) == 4  # the version, and three trades
    assert len(page.named("path")) == 3
    for words in ("湾区普惠银行", "粤能数科", "珠江数据经纪"):
        assert words in page.words
    seqs = [link["href"] for link in page.named("a") if re.search(r"/ledger/\d+$", link.get("href", ""))]
    assert len(seqs) >= 10
    assert [a for _, known in page.tags for a in known if a == "style" or a.startswith("on")] == []


async def test_sources_and_descendants_are_told_on_both_pages(market: Market) -> None:
    made = await descendant(market)
    browser = Browser(market.served, None, "en")
    below = await browser.get(f"/products/{made}/provenance")
    assert "This product was made from it" in below.words
    assert "File cdcdcdcdcdcd" in below.words
    above = await browser.get(f"/products/{market.ids['listed']}/provenance")
    assert "It was made from this product" in above.words
    assert "2025年广东省" not in below.words  # a draft's title is nobody's business


async def test_a_history_that_is_not_there_is_a_page_that_says_so(market: Market) -> None:
    browser = Browser(market.served, None, "en")
    page = await browser.get("/products/prd_00000000000000000000000000/provenance", expect=404)
    assert "No such product" in page.words


async def test_the_operator_erases_from_the_entry_s_page_with_a_password(market: Market) -> None:
    trade = await market.served.api(
        market.second,
        "POST",
        f"/listings/{market.ids['listed']}/inquiries",
        {"purpose": "secret-purpose-99", "scenario": "somewhere", "quantity": 1},
    )
    trade_id = trade["trade_id"]
    await market.served.api(
        market.provider, "POST", f"/trades/{trade_id}/refuse", {"reason_code": "CAPACITY"}
    )
    await market.served.settle_down()
    async with market.served.node.database.read() as s:
        inquiry = (await statements_of(s, object_id=trade_id))[0]
    assert inquiry.seq is not None
    browser = Browser(market.served, market.operator, "en")
    entry = await browser.get(f"/ledger/{inquiry.seq}")
    (link,) = [a["href"] for a in entry.named("a") if "/erasures" in a.get("href", "")]
    form = await browser.get(link)
    action = f"/erasures/{inquiry.statement_id}"
    asked = {"basis": "PIPL-47-3", "reason": "consent was withdrawn"}
    step_up = await browser.send(form, action, asked, expect=403)
    await browser.send(step_up, action, {"step_up_password": PASSWORD})
    await market.served.settle_down()
    done = await browser.follow()
    assert "PIPL-47-3" in done.words
    again = await browser.get(f"/ledger/{inquiry.seq}")
    assert "erased" in again.words
    async with market.served.node.database.read() as s:
        assert await opening(s, sha256=inquiry.opening_sha256) is None


async def test_a_refusal_to_erase_is_told_on_the_form_and_nothing_goes(market: Market) -> None:
    async with market.served.node.database.read() as s:
        inquiry = (await statements_of(s, object_id=market.ids["settled"]))[0]
    await market.served.prove(market.operator)
    browser = Browser(market.served, market.operator, "zh")
    form = await browser.get(f"/erasures?of={inquiry.seq}")
    asked = {"basis": "PIPL-47-1", "reason": "不再必要"}
    page = await browser.send(form, f"/erasures/{inquiry.statement_id}", asked, expect=409)
    assert "法律规定的保存期限尚未届满" in page.words
    assert "电子商务法 art. 31" in page.words
    async with market.served.node.database.read() as s:
        assert await opening(s, sha256=inquiry.opening_sha256) is not None


async def test_the_page_of_erasures_is_for_the_operator_and_the_authorities(market: Market) -> None:
    for who in ("buyer", "auditor", "provider"):
        await Browser(market.served, market.people[who], "en").get("/erasures", expect=403)
    samr = await Browser(market.served, market.samr, "en").get("/erasures?of=0")
    assert "Nothing has been erased." in samr.words
    missing = await Browser(market.served, market.samr, "en").get("/erasures?of=999999")
    assert "No statement has this number or id." in missing.words


async def test_a_contract_that_was_erased_says_so_in_the_trade_room(market: Market) -> None:
    async with market.served.node.database.read() as s:
        about = await statements_of(s, object_id=market.ids["settled"])
    signed = next(one for one in about if one.event == "TRD.SIGN")
    await market.served.api(
        market.samr,
        "POST",
        f"/ledger/statements/{signed.statement_id}/erase-opening",
        {"basis": "ORDER", "reason": "ordered", "order_ref": "GD-1"},
    )
    page = await Browser(market.served, market.buyer, "en").get(f"/trades/{market.ids['settled']}")
    assert "Its text was erased on a legal ground" in page.words
    assert sha256_hex(b"") not in page.words
