"""Questions on pages: a box and a table for the buyer, the form of each question for the seller."""

from market.delivery.repository import entitlement_of
from market.delivery.service import revoke_entitlement
from tests.web.api.test_queries import trade_by_sandbox
from tests.web.market import Market
from tests.web.pages.browsing import Browser

SQL = "SELECT county, COUNT(*) AS n FROM data WHERE month >= '2025-03' GROUP BY county ORDER BY county"


async def right_of(market: Market, trade_id: str) -> str:
    async with market.served.node.database.read() as s:
        found = await entitlement_of(s, trade_id=trade_id)
    assert found is not None
    return found.entitlement_id


async def test_a_buyer_asks_in_a_box_and_reads_a_table_and_the_seller_sees_the_form(market: Market) -> None:
    trade_id = await trade_by_sandbox(market)
    right = await right_of(market, trade_id)
    buyer, seller = Browser(market.served, market.buyer), Browser(market.served, market.provider)
    room = await buyer.get(f"/trades/{trade_id}")
    assert "Questions to the table" in room.words
    assert "Access keys" not in room.words
    page = await buyer.get(f"/en/entitlements/{right}/questions")
    assert "ε 60 of 60; a question costs up to 50" in page.words
    page = await buyer.send(page, "/questions", {"sql": "SELECT * FROM data"}, expect=409)
    assert "This question is not answered here" in page.words
    assert "row-level" in page.words
    await buyer.send(page, "/questions", {"sql": SQL})
    page = await buyer.follow()
    assert SQL in page.words
    assert "440110" in page.words
    assert "ε 10 of 60" in page.words
    assert "questions left at that price: 0" in page.words
    assert "ε 50 spent, 10 left" in page.words
    assert (
        "lies within ±0.06 of the exact number in 95 of 100 answers (standard deviation 0.028)" in page.words
    )
    page = await buyer.send(page, "/questions", {"sql": "SELECT SUM(index) FROM data"}, expect=409)
    assert "The privacy budget does not suffice for this question" in page.words
    page = await seller.get(f"/en/entitlements/{right}/questions")
    assert SQL.replace("'2025-03'", "?") in page.words
    assert "440110" not in page.words
    assert "2025-03" not in page.words
    stranger = Browser(market.served, market.second)
    await stranger.get(f"/en/entitlements/{right}/questions", expect=404)
    zh = await Browser(market.served, market.buyer, "zh").get(f"/zh/entitlements/{right}/questions")
    assert "剩余隐私预算" in zh.words


async def test_a_page_shows_no_kept_answer_once_the_right_was_revoked(market: Market) -> None:
    trade_id = await trade_by_sandbox(market)
    right = await right_of(market, trade_id)
    buyer = Browser(market.served, market.buyer)
    page = await buyer.get(f"/en/entitlements/{right}/questions")
    await buyer.send(page, "/questions", {"sql": SQL})
    assert "440110" in (await buyer.follow()).words
    async with market.served.node.database.write() as s:
        await revoke_entitlement(s, trade_id=trade_id)
    page = await buyer.get(f"/en/entitlements/{right}/questions")
    assert SQL in page.words
    assert "440110" not in page.words


async def test_a_prepared_question_is_approved_by_a_form_and_run(market: Market) -> None:
    right = await right_of(market, await trade_by_sandbox(market, approval=True))
    buyer, seller = Browser(market.served, market.buyer), Browser(market.served, market.provider)
    page = await buyer.get(f"/en/entitlements/{right}/questions")
    await buyer.send(page, "/questions", {"sql": SQL})
    page = await buyer.follow()
    assert "waits for the provider" in page.words
    page = await seller.get(f"/en/entitlements/{right}/questions")
    await seller.send(page, "/approve")  # whose key is at home: what is to be signed is prepared
    assert "/prepared/" in seller.location
