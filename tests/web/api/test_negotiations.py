"""Through the doors: every fee before anyone commits, named parties only, what others must not see."""

import base64
from typing import Any

import orjson
import pytest

from base.canonical import sha256_hex
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, only_refused, problem

TERMS: dict[str, Any] = {
    "price_minor": 66_000_001,
    "quantity": 1,
    "unit": "set",
    "licence_class": "internal-use",
    "term_months": 12,
    "purpose": "credit risk model",
    "expires_at": "2026-11-19T00:00:00Z",
}
PARTS = ("price_minor", "net_minor", "vat_minor", "commission_minor", "platform_fee_minor", "seller_minor")


async def a_stranger(room: Room) -> Desk:
    """Another member, that buys and sells and has no part in these trades."""
    person = await room.served.admit("旁观科技", {"PROVIDER", "BUYER"}, login="stranger", custody="custodial")
    return Desk(room.http, person.login, person.org_id, token=room.served.token(person))


def apart(price: dict[str, Any]) -> tuple[int, ...]:
    return tuple(price[name] for name in PARTS)


async def test_the_list_price_is_taken_apart_for_everybody(room: Room) -> None:
    answer = await room.http.get(f"/api/v1/listings/{room.ids['listed']}/price")
    price = answer.json()
    assert (price["platform_bp"], price["commission_bp"]) == (100, 0)
    assert price["net_minor"] + price["vat_minor"] == price["price_minor"]
    assert price["seller_minor"] + price["platform_fee_minor"] == price["price_minor"]


async def test_a_price_is_shown_to_both_sides_and_both_ways_and_then_offered_so(room: Room) -> None:
    trade = f"/trades/{room.ids['inquired']}"
    shown = []
    for name in ("buyer", "provider", "broker"):
        desk = await room.desk(name)
        async with nothing_stored(room.database):
            shown.append(await desk.get(f"{trade}/price?price_minor=66000001"))
    assert shown[0] == shown[1] == shown[2]
    assert apart(shown[0]) == (66_000_001, 62_264_152, 3_735_849, 1_320_000, 660_000, 64_020_001)
    back = await desk.get(f"{trade}/price?seller_minor=64020001")
    assert apart(back) == apart(shown[0])
    offer = await desk.act(f"{trade}/offers", TERMS | {"commission_bp": shown[0]["commission_bp"]})
    assert apart(offer["price"]) == apart(shown[0])
    (listed,) = await desk.get(f"{trade}/offers")
    assert (listed["standing"], listed["delivery"]) == ("STANDING", {"mode": "download", "days": 5})
    assert listed["scope"]["purposes"] == ["INTERNAL_USE"]


@pytest.mark.parametrize("query", ["", "?price_minor=1&seller_minor=1", "?price_minor=0", "?price=5"])
async def test_a_price_is_asked_for_in_one_way(room: Room, query: str) -> None:
    desk = await room.desk("buyer")
    answer = await desk.call("GET", f"/trades/{room.ids['inquired']}/price{query}")
    assert answer.status_code == 422, answer.text


async def test_an_offer_at_other_fees_than_were_shown_is_refused(room: Room) -> None:
    desk = await room.desk("buyer")
    path = f"/trades/{room.ids['inquired']}/offers"
    async with only_refused(room.database, "fees-changed"):
        problem(await desk.call("POST", path, TERMS | {"commission_bp": 0}), 409, "fees-changed")


async def test_a_licence_cannot_be_resold_or_passed_on(room: Room) -> None:
    desk = await room.desk("buyer")
    path = f"/trades/{room.ids['inquired']}/offers"
    async with only_refused(room.database, "policy-resale"):
        answer = await desk.call("POST", path, TERMS | {"scope": {"resale_allowed": True}})
        problem(answer, 409, "policy-resale")
    calls = set(room.served.app.openapi()["paths"])
    calls -= {"/api/v1/cases/{case_id}/transfer"}  # from one authority to another
    assert not [call for call in calls if "transfer" in call or "resale" in call or "resell" in call]


async def test_who_accepts_signs_over_the_terms_of_the_offer_with_its_fees(room: Room) -> None:
    buyer, provider = await room.desk("buyer"), await room.desk("provider")
    trade = f"/trades/{room.ids['inquired']}"
    await buyer.act(f"{trade}/offers", TERMS)
    answer = await provider.call("POST", f"{trade}/accept", {"offer_no": 1})
    assert answer.status_code == 202, answer.text
    prepared = answer.json()
    (document,) = prepared["documents"]
    terms = orjson.loads(base64.b64decode(document["content"]))
    assert terms["whole_price"]["seller_minor"] == "64020001"
    predicate = orjson.loads(base64.b64decode(prepared["payload"]))["predicate"]
    assert predicate["offer_sha256"] == sha256_hex(base64.b64decode(document["content"]))
    answer = await provider.submit(answer.content)
    assert answer.json()["status"] == "CONTRACT_READY"


async def test_the_public_and_other_members_see_no_offer_and_no_price_of_a_trade(room: Room) -> None:
    """No order book: offers are between named parties, and nobody else learns that there are any."""
    trade = room.ids["negotiating"]
    buyer = await room.desk("buyer")
    prices = {str(offer["price_minor"]) for offer in await buyer.get(f"/trades/{trade}/offers")}
    stranger = await a_stranger(room)
    for path in ("", "/offers", "/price?price_minor=1", "/timeline", "/openings", "/contract"):
        problem(await stranger.call("GET", f"/trades/{trade}{path}"), 404, "trade-unknown")
        problem(await room.http.get(f"/api/v1/trades/{trade}{path}"), 401, "unauthenticated")
    assert all(row["trade_id"] != trade for row in await stranger.get("/trades"))
    entries = (await room.http.get("/api/v1/ledger/entries?limit=100")).text
    assert trade in entries
    assert not [price for price in prices if price in entries]


async def test_nobody_buys_without_a_name(room: Room) -> None:
    """A broker names its client; nothing is asked for or offered in the name of nobody."""
    broker = await room.desk("broker")
    path = f"/listings/{room.ids['listed']}/inquiries"
    body = {"purpose": "p", "scenario": "s", "quantity": 1}
    answer = await broker.call("POST", path, body)
    problem(answer, 403, "trade-wrong-role")
    answer = await room.http.post(f"/api/v1{path}", json=body)
    problem(answer, 401, "unauthenticated")


async def test_a_request_is_published_answered_inquired_about_and_fulfilled(room: Room) -> None:
    buyer, provider = await room.desk("buyer"), await room.desk("provider")
    body = {
        "title": "用电指数",
        "description": "按县区汇总的月度指数",
        "category": "energy",
        "geo": "440000",
        "purpose": "RISK_CONTROL",
        "period": "2025",
        "volume": "1000",
        "budget_max_minor": 90_000_000,
        "until": "2026-12-20T00:00:00Z",
    }
    made = await buyer.act("/requests", body)
    path = f"/requests/{made['request_id']}"
    public = (await room.http.get(f"/api/v1{path}")).json()
    assert (public["status"], public["buyer_id"], public["budget_max_minor"]) == ("OPEN", buyer.org_id, None)
    assert (await provider.get(path))["budget_max_minor"] is None
    answered = await provider.act(f"{path}/answers", {"listing_id": room.ids["listed"], "note": "全省"})
    assert answered["answer_no"] == 1
    assert (await provider.get(path))["budget_max_minor"] == 90_000_000
    stranger = await a_stranger(room)
    assert (await stranger.get(path))["budget_max_minor"] is None
    assert await stranger.get(f"{path}/answers") == []
    (seen,) = await buyer.get(f"{path}/answers")
    assert (seen["note"], seen["seller_id"]) == ("全省", provider.org_id)
    inquiry = {"purpose": "p", "scenario": "s", "quantity": 1, "request_id": made["request_id"]}
    await buyer.act(f"/listings/{room.ids['listed']}/inquiries", inquiry)
    done = await buyer.act(f"{path}/fulfil", {"answer_no": 1})
    assert (done["status"], done["fulfilled_by"]) == ("FULFILLED", 1)
    assert (await room.http.get("/api/v1/requests")).json() == {"requests": [], "next_after": None}
    ended = (await room.http.get("/api/v1/requests?status=FULFILLED")).json()["requests"]
    assert [one["request_id"] for one in ended] == [made["request_id"]]
