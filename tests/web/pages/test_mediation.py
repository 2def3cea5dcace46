"""Mediation by forms and over HTTP: matches with reasons, what a broker sends, deals, commission."""

from base.canonical import canonical, sha256_hex
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_requests_pages import WANTED


async def asked(market: Market) -> str:
    """The buyer's request, which says more than it must, and the broker's mandate for it."""
    served, buyer = market.served, market.buyer
    await served.prove(buyer)
    browser = Browser(served, buyer)
    page = await browser.get("/requests/new")
    more = {
        "fields": "month，county",
        "frequency": "yearly",
        "level": "general-2",
        "licence_class": "internal-use",
    }
    await browser.send(page, "/requests/new", WANTED | more)
    mandate = await served.api(
        buyer,
        "POST",
        "/mandates",
        {
            "broker_id": market.broker.org_id,
            "side": "BUYER",
            "scope": "代为寻找数据",
            "fee_bp": 100,
            "ends_at": "2027-06-30T00:00:00Z",
        },
    )
    path = f"/mandates/{mandate['mandate_id']}"
    read = sha256_hex(canonical(await served.api(market.broker, "GET", f"{path}/document")))
    await served.api(market.broker, "POST", f"{path}/accept", {"document_sha256": read})
    return browser.location.rpartition("/")[2]


async def test_what_fits_is_shown_with_its_reasons_and_sent_by_the_buyer_s_broker(market: Market) -> None:
    request_id = await asked(market)
    visitor, broker = Browser(market.served), Browser(market.served, market.broker)
    rules = (await visitor.get("/matching")).words
    assert "a place cannot be bought" in rules
    page = await visitor.get(f"/requests/{request_id}/matches")
    assert "用电指数" in page.words
    assert "The budget is not told to you" in page.words
    assert not [form for form in page.forms if form.action.endswith("/matches")]

    fits = await visitor.get(f"/matching/listings/{market.ids['listed']}")
    assert WANTED["title"] in fits.words
    (fit,) = await market.served.api(market.provider, "GET", f"/listings/{market.ids['listed']}/requests")
    assert fit["request_id"] == request_id

    page = await broker.get(f"/requests/{request_id}/matches")
    assert "The budget is not told to you" not in page.words
    await market.served.prove(market.broker)
    place = {f"place-{market.ids['listed']}": "1"}
    await broker.send(page, f"/requests/{request_id}/matches", place)
    assert broker.location.startswith("/en/matching/mch_")
    shown = (await Browser(market.served, market.buyer).get(broker.location)).words
    assert "The broker also acts for this provider." in shown
    told = await market.served.api(market.samr, "GET", f"/presentations?request_id={request_id}")
    (one,) = told["presentations"]
    assert (one["listing_ids"], one["departs"]) == ([market.ids["listed"]], False)
    assert one["related"] == {market.ids["listed"]: "MANDATED"}
    matches = await market.served.api(market.buyer, "GET", f"/requests/{request_id}/matches")
    assert matches["matches"][0]["reasons"][0] == {
        "criterion": "CATEGORY",
        "verdict": "MET",
        "points": 0,
        "of": 0,
    }
    assert (await market.served.api(market.buyer, "GET", "/matching/rules"))["rule_version"] == "matching/1"
    wishes = await market.served.api(market.buyer, "GET", f"/requests/{request_id}/wishes")
    assert wishes["fields"] == ["month", "county"]


async def test_a_deal_by_forms_alone(market: Market) -> None:
    request_id = await asked(market)
    broker, buyer = Browser(market.served, market.broker), Browser(market.served, market.buyer)
    page = await broker.get("/broker/deals")
    await broker.send(page, "/broker/deals/open", {"title": "银行找用电指数", "request_id": request_id})
    place = broker.location
    assert place.startswith("/en/broker/deals/dea_")
    page = await broker.get(place)
    await broker.send(page, "/move", {"stage": "MATCHED"})
    await broker.send(page, "/write", {"text": "报价要快", "own": "yes"})
    page = await broker.get(place)
    await broker.send(page, "/write", {"text": "已找到一款产品"})
    await broker.send(page, "/expenses", {"amount_minor": "1,000.00", "text": "差旅"})
    page = await broker.send(page, "/move", {"stage": "LOST"}, expect=422)
    page = await buyer.get(place)
    assert "已找到一款产品" in page.words
    assert "报价要快" not in page.words
    await buyer.send(page, "/agree", {})
    assert "not agreed yet" not in (await buyer.get(place)).words
    assert "银行找用电指数" in (await buyer.get("/broker/deals")).words
    board = await broker.get("/broker/deals?stage=MATCHED")
    assert "银行找用电指数" in board.words
    assert "银行找用电指数" not in (await broker.get("/broker/deals?stage=LEAD")).words
    seller = Browser(market.served, market.provider)
    await seller.get(place, expect=404)
    loose = next(form for form in board.forms if form.values.get("trade_id"))
    await broker.send(
        board, "/broker/deals/open", {"trade_id": loose.values["trade_id"], "title": "既有交易"}
    )
    kept = f"/deals/{broker.location.rpartition('/')[2]}"
    await market.served.api(market.provider, "POST", f"{kept}/entries", {"text": "请继续"})  # signs at home
    assert (await market.served.api(market.broker, "GET", kept))["record"][-1]["text"] == "请继续"
    told = await market.served.api(market.broker, "GET", "/deals")
    assert told["counts"]["MATCHED"] == 1
    assert sum(told["counts"].values()) == 2
    theirs = await market.served.api(market.buyer, "GET", f"/deals/{place.rpartition('/')[2]}")
    assert (theirs["owner_id"], theirs["next_step"], theirs["lost_reason"]) == (None, None, None)
    assert theirs["expenses_owed_minor"] == 0


async def test_commission_as_page_json_csv_and_signed(market: Market) -> None:
    broker = Browser(market.served, market.broker)
    page = await broker.get("/broker/commission?from=2026-11-01")
    assert "CN¥13,600.00" in page.words
    assert "Not earned yet" in page.words
    await broker.send(page, "/commission/sign", {})
    told = await market.served.api(market.broker, "GET", "/commission?from=2026-11-01")
    assert (told["earned_minor"], told["returned_minor"]) == (1_360_000, 0)
    (line,) = told["document"]["lines"]
    assert line["trade_id"] == market.ids["settled"]
    signed = await market.served.api(
        market.broker, "POST", "/commission", {"from": "2026-11-01", "to": told["document"]["to"]}
    )
    assert signed["account"] == f"commission:{market.broker.org_id}"
    headers = {"authorization": f"Bearer {market.served.token(market.broker)}"}
    async with market.served.client(headers=headers) as client:
        path = f"/api/v1/account-statements/{signed['stated_id']}/document"
        assert (await client.get(path)).status_code == 200
        sheet = await client.get("/api/v1/commission?from=2026-11-01&format=csv")
    assert sheet.text.startswith("at,kind,trade_id")
    assert "13600.00" in sheet.text
    await market.served.api(market.buyer, "GET", "/commission", expect=403)
