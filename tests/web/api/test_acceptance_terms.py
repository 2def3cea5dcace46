"""Acceptance terms by API and on the pages: said in the offer, in the contract, on the trade's page."""

from sqlmodel import col, update

from market.listings.categories import ProductType
from market.listings.tables import Listing
from tests.web.api.conftest import Room
from tests.web.market import _terms, _trade
from tests.web.pages.browsing import Browser


async def test_the_acceptance_terms_are_offered_signed_and_shown(room: Room) -> None:
    bounds = {"latency_p95_ms": 50, "measured_days": 7}
    async with room.database.write() as s:
        of_it = col(Listing.listing_id) == room.market.ids["listed"]
        await s.exec(update(Listing).where(of_it).values(product_type=ProductType.API))
    early = await _trade(room.market, "INQUIRED")
    provider = await room.desk("provider")
    for wrong in ({"within_wd": 31}, {"card_hours_milli": 5}, {"latency_p95_ms": 0}, {"colour": 1}):
        offer = _terms(room.market, 68_000_000) | {"acceptance": wrong}
        assert (await provider.call("POST", f"/trades/{early}/offers", offer)).status_code == 422
    trade_id = await _trade(room.market, "DELIVERED", acceptance={"within_wd": 3} | bounds)
    buyer = await room.desk("buyer")
    agreed = {"successful_calls": 10, "available_bp": 9_900} | bounds
    offers = await buyer.get(f"/trades/{trade_id}/offers")
    assert [one["acceptance"] for one in offers] == [{"within_wd": 3, "bounds": agreed}] * 3
    contract = (await buyer.get(f"/trades/{trade_id}/contract"))["document"]
    assert (contract["acceptance"]["within_wd"], contract["acceptance"]["bounds"]) == (3, agreed)
    facts = {"calls": [{"ok": True, "latency_ms": 51}] * 10, "measured_days": 7}
    check = (await buyer.call("POST", f"/trades/{trade_id}/checks", facts)).json()
    report = await buyer.get(f"/trades/{trade_id}/checks/{check['check_id']}")
    assert report["failed"] == ["latency_p95_ms"]
    refused = await buyer.call("POST", f"/trades/{trade_id}/accept-goods", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "goods-differ")
    page = await Browser(room.served, room.market.buyer, lang="zh").get(f"/trades/{trade_id}")
    for told in (
        "3 个工作日内，期满未提异议视为合格",
        "第 95 百分位时延不超过 50 毫秒",
        "调用测量期不少于 7 天",
    ):
        assert page.words.count(told) >= 2  # the offers and the contract
    form = await Browser(room.served, room.market.provider).get(f"/trades/{early}")
    (offering,) = [one for one in form.forms if one.action.endswith("/offer")]
    assert offering.values["acceptance_wd"] == "10"
    assert (offering.values["latency_p95_ms"], offering.values["measured_days"]) == ("2000", "")
