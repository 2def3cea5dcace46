"""A sealed auction through the doors: fees before a bid, prices told to nobody before the award."""

from datetime import timedelta
from typing import Any

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.jobs import run_due
from market.trade.clockwork import handlers
from pricing.bids import commitment_of
from pricing.methods import METHODS
from tests.web.api.conftest import Room
from tests.web.api.refusing import problem

NONCE = "5e" * 32


async def strikes(room: Room, at: timedelta) -> None:
    room.served.clock.advance(at)
    node = room.served.node
    await run_due(node.database, node.clock.now(), handlers(node.house, None, None))


async def opened(room: Room, **more: Any) -> dict[str, Any]:
    now = room.served.clock.now()
    body = {
        "mechanism": "second-price",
        "units": 1,
        "reserve_minor": 1_000_000,
        "closes_at": rfc3339(now + timedelta(hours=2)),
        "reveal_by": rfc3339(now + timedelta(hours=4)),
        "term_months": 12,
    }
    desk = await room.desk("provider")
    found: dict[str, Any] = await desk.act(f"/listings/{room.ids['listed']}/auctions", body | more)
    return found


async def test_an_auction_from_its_opening_to_a_quote_that_anyone_makes_again(room: Room) -> None:
    auction = await opened(room)
    path, auction_id = f"/auctions/{auction['auction_id']}", auction["auction_id"]
    public = (await room.http.get(f"/api/v1{path}")).json()
    assert (public["status"], public["terms"]["quantity"], public["bids"]) == ("OPEN", 1, 0)
    listed = (await room.http.get("/api/v1/auctions", params={"status": "OPEN"})).json()
    assert [one["auction_id"] for one in listed["auctions"]] == [auction_id]
    price = (await room.http.get(f"/api/v1{path}/price", params={"price_minor": 2_000_000})).json()
    assert (price["platform_fee_minor"], price["commission_minor"]) == (20_000, 0)
    brokered = {"price_minor": 2_000_000, "broker_id": room.market.broker.org_id}
    price = (await room.http.get(f"/api/v1{path}/price", params=brokered)).json()
    assert (price["commission_minor"], price["commission_bp"]) == (40_000, 200)
    bids = {"buyer": 3_000_000, "second": 2_000_000}
    desks = {name: await room.desk(name) for name in bids}
    for name, minor in bids.items():
        sealed = commitment_of(desks[name].org_id, minor, NONCE, auction=auction_id)
        said = {"commitment": sealed, "purpose": "信贷风险模型的特征", "scenario": "中小企业信贷"}
        await desks[name].act(f"{path}/bids", said)
    problem(await desks["buyer"].call("GET", f"{path}/quote"), 404, "auction-award-unknown")
    early = {"price_minor": 3_000_000, "nonce": NONCE}
    problem(await desks["buyer"].call("POST", f"{path}/reveal", early), 409, "auction-wrong-state")
    await strikes(room, timedelta(hours=2, seconds=1))
    desks = {name: await room.desk(name) for name in bids}  # a token is for an hour
    forged = {"price_minor": 2_999_999, "nonce": NONCE}
    answer = await desks["buyer"].call("POST", f"{path}/reveal", forged)
    assert answer.json()["code"] == "auction-commitment-not-opened"
    for name, minor in bids.items():
        await desks[name].act(f"{path}/reveal", {"price_minor": minor, "nonce": NONCE})
    rival = await desks["second"].get(f"{path}/bids")
    assert [bid["price_minor"] for bid in rival] == [None, 2_000_000]
    own = await (await room.desk("provider")).get(f"{path}/bids")
    assert [bid["price_minor"] for bid in own] == [None, None]
    await strikes(room, timedelta(hours=2))
    desks = {name: await room.desk(name) for name in bids}
    told = await desks["second"].get(f"{path}/quote")
    assert told["document"]["payments_minor"] == {desks["buyer"].org_id: 2_000_000}
    again = METHODS[told["method"]](told["facts"])
    assert sha256_hex(again.canonical()) == told["quote_sha256"]
    (won,) = [bid for bid in await desks["buyer"].get(f"{path}/bids") if bid["trade_id"]]
    quote = await desks["buyer"].get(f"/trades/{won['trade_id']}/quote")
    assert (quote["method"], quote["quote_sha256"]) == ("second-price", told["quote_sha256"])
    await desks["buyer"].act(f"/trades/{won['trade_id']}/sign")


async def test_the_sellers_broker_learns_no_price_before_the_award(room: Room) -> None:
    auction = await opened(room)
    path, auction_id = f"/auctions/{auction['auction_id']}", auction["auction_id"]
    desk, agent = await room.desk("buyer"), room.market.broker.org_id
    said = {
        "commitment": commitment_of(desk.org_id, 3_000_000, NONCE, auction=auction_id),
        "purpose": "信贷风险模型的特征",
        "scenario": "中小企业信贷",
        "broker_id": agent,
    }
    await desk.act(f"{path}/bids", said)
    await strikes(room, timedelta(hours=2, seconds=1))
    desk = await room.desk("buyer")
    await desk.act(f"{path}/reveal", {"price_minor": 3_000_000, "nonce": NONCE})
    broker = await room.desk("broker")
    (shown,) = await broker.get(f"{path}/bids")
    assert shown["price_minor"] is None


async def test_a_bidder_cannot_learn_a_sealed_reserve_before_the_end(room: Room) -> None:
    auction = await opened(room, reserve_minor=None, reserve_sha256="ab" * 32)
    shown = (await room.http.get(f"/api/v1/auctions/{auction['auction_id']}")).json()
    assert (shown["reserve_minor"], shown["reserve_sha256"]) == (None, "ab" * 32)
    desk = await room.desk("provider")
    await desk.act(f"/auctions/{auction['auction_id']}/cancel")
