"""A buyer at home as a way round customs: what it bought goes abroad by no door of the product."""

from typing import Any

from market.delivery.keys import token_of
from tests.market.listings.goods import DECLARED
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.test_customs import FLOW, officers
from tests.web.api.test_customs_attacker import SHUT, as_kind, attacks, code_of, left
from tests.web.market import Market, _trade

TERMS: dict[str, Any] = {
    "price_minor": 68_000_000,
    "quantity": 1,
    "unit": "set",
    "licence_class": "internal-use",
    "term_months": 12,
    "purpose": "model",
    "expires_at": "2026-11-20T00:00:00Z",
}


async def reselling(room: Room) -> tuple[Desk, Desk, Desk, str]:
    """A buyer at home, its seller, a buyer abroad, and the first one's right to the goods."""
    served, market = room.served, room.market
    home = await served.admit("转售数科", {"BUYER"}, login="home")
    shop = await served.admit("转售数科贸易", {"PROVIDER"}, login="shop", controller_id=home.org_id)
    away = await served.admit("香港金融", {"BUYER"}, login="away")
    account = {"account": "CN25BANK0000000005", "holder": home.name}
    await served.api(home, "PUT", "/payee-account", account)
    theirs = Market(
        served, market.people | {"buyer": home, "home": home, "shop": shop, "away": away}, market.ids
    )
    trade_id = await _trade(theirs, "DELIVERING")
    again = Room(theirs, room.http, room.folder)
    buyer, abroad = await again.desk("home"), await again.desk("away")
    await abroad.act("/customs-endpoint", {"region": "HK"})
    (right,) = [one for one in await buyer.get("/entitlements") if one["trade_id"] == trade_id]
    return buyer, await again.desk("shop"), abroad, right["entitlement_id"]


async def offered_again(room: Room, seller: Desk, raw: bytes) -> str:
    file_id = (await seller.upload(raw))["file_id"]
    listing = await seller.act(
        "/listings",
        {
            "file_id": file_id,
            "title": "转售的用电指数",
            "description": "same bytes",
            "scenario": "中小企业信贷风险模型",
            "category": "energy",
            "geo": "440000",
            "licence_class": "internal-use",
            "licence_of_data": "内部建模使用",
            "unit": "set",
            "quantity": 1,
            "level": "general-1",
            "list_price_minor": 76_000_000,
        },
    )
    path = f"/listings/{listing['listing_id']}"
    await seller.act(f"{path}/measure", DECLARED.document())
    said = {"source": "SELF_COLLECTED", "source_statement_sha256": "5" * 64, "basis_ref": "SJ4412026090002"}
    await seller.act(f"{path}/submit", said)
    operator = await room.desk("operator")
    await operator.act(f"{path}/review", {"decision": "APPROVE"})
    await operator.act(f"{path}/publish")
    return str(listing["listing_id"])


async def test_a_buyer_at_home_is_no_way_round_customs(room: Room) -> None:
    home, shop, away, right = await reselling(room)
    mei, _ = await officers(room)
    file = f"/entitlements/{right}/file"
    assert code_of(await home.call("GET", f"{file}?recipient={away.org_id}")) == "policy-recipient"
    assert code_of(await away.call("GET", file)) == "entitlement-foreign"
    raw = (await home.call("GET", file)).content

    # sold on by its own daughter, as its own goods that are neither personal nor important
    listing_id = await offered_again(room, shop, raw)
    inquired = {"purpose": "model", "scenario": "credit", "quantity": 1}
    trade_id = (await away.act(f"/listings/{listing_id}/inquiries", inquired))["trade_id"]
    path = f"/trades/{trade_id}"
    offer = TERMS | {"territory": "CN,HK"}
    flipped = await shop.call("POST", f"{path}/offers", offer | {"scope": {"resale_allowed": True}})
    assert code_of(flipped) == "policy-resale"
    await shop.act(f"{path}/offers", offer)
    assert (await away.get(f"{path}/customs"))["open"] is False
    before = await left(room)
    assert code_of(await away.call("POST", f"{path}/accept", {"offer_no": 1})) == SHUT
    recipient = {"name": "x", "country": "HK", "contact": "dpo@hk.example", "org_id": away.org_id}
    said = FLOW | {
        "recipient": recipient,
        "storage_place": "HK",
        "fields": [{"name": "county"}],
        "persons": 0,
    }
    said |= {"trade_id": trade_id}
    lighter = await shop.call("POST", "/declarations", {"declaration": said | {"level": "general-1"}})
    assert code_of(lighter) == "declaration-contradicted"  # it was bought as general-2
    declared = await shop.act("/declarations", {"declaration": said | {"level": "general-2"}})
    seen = await mei.get(f"/declarations/{declared['declaration_id']}")
    assert (seen["status"], "sold-on+50" in seen["risk"]["reasons"]) == ("UNDER_CHECK", True)
    assert code_of(await away.call("POST", f"{path}/accept", {"offer_no": 1})) == SHUT

    # its keys and tools, handed to somebody in Singapore
    await as_kind(room, right, "SHARE")
    key = await home.act(f"/entitlements/{right}/keys", {})
    token = token_of(room.served.node.safe.master, key["key_id"])
    await mei.act(
        "/customs-networks", {"entries": [{"cidr": "127.0.0.0/8", "region": "SG"}], "source": "n 3"}
    )
    shut = await attacks(room, home, right, token)
    assert set(shut.values()) == {SHUT}, shut
    assert await left(room) == before
