"""An auction in the small market of the trades: opened, bid for, closed, revealed and awarded."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from base.jobs import run_due
from ledger.publisher import Publisher
from ledger.sequencer import create_log, seal_all
from ledger.tables import TreeRow
from market.auctions.repository import bids_of, get_auction
from market.auctions.rules import Mechanism, Plan
from market.auctions.service import commit_bid, open_auction, reveal_bid
from market.auctions.tables import Auction, AuctionBid
from market.auctions.terms import Goods
from market.trade.clockwork import handlers
from pricing.bids import commitment_of
from tests.houses import Party
from tests.market.trade.scene import Scene

HOUR = timedelta(hours=1)


def nonce_of(party: Party, salt: str = "") -> str:
    """Random enough for a test, and known to it."""
    return sha256(f"{party.org_id}{salt}".encode()).hexdigest()


def plan(scene: Scene, **changes: Any) -> Plan:
    now = scene.clock.now()
    said: dict[str, Any] = {
        "mechanism": Mechanism.SECOND_PRICE,
        "units": 1,
        "reserve_minor": 10_000,
        "closes_at": now + 24 * HOUR,
        "reveal_by": now + 48 * HOUR,
    }
    return Plan(**(said | changes))


def rsop_plan(scene: Scene) -> Plan:
    return plan(scene, mechanism=Mechanism.RSOP, units=None, reserve_minor=None)


async def opened(scene: Scene, how: Plan | None = None, **goods: Any) -> Auction:
    auction: Auction = await scene.seller.do(
        open_auction,
        attempted="AUC.OPEN",
        object_id=scene.listing.listing_id,
        listing_id=scene.listing.listing_id,
        plan=how or plan(scene),
        goods=Goods(term_months=12, **goods),
    )
    return auction


def sealed(auction: Auction, bidder_id: str, price_minor: int, nonce: str) -> str:
    return commitment_of(bidder_id, price_minor, nonce, auction=auction.auction_id)


async def commit(scene: Scene, auction: Auction, who: Party, price_minor: int, **facts: Any) -> AuctionBid:
    said: dict[str, Any] = {
        "auction_id": auction.auction_id,
        "commitment": sealed(auction, facts.get("buyer_id", who.org_id), price_minor, nonce_of(who)),
        "purpose": "内部建模",
        "scenario": "中小企业信贷风险模型",
    } | facts
    bid: AuctionBid = await who.do(
        commit_bid,
        role=said.pop("role", "BUYER"),
        attempted="AUC.COMMIT",
        object_id=auction.auction_id,
        **said,
    )
    return bid


async def reveal(scene: Scene, auction: Auction, who: Party, price_minor: int, **facts: Any) -> AuctionBid:
    said: dict[str, Any] = {"price_minor": price_minor, "nonce": nonce_of(who)} | facts
    bid: AuctionBid = await who.do(
        reveal_bid,
        role=said.pop("role", "BUYER"),
        attempted="AUC.REVEAL",
        object_id=auction.auction_id,
        auction_id=auction.auction_id,
        **said,
    )
    return bid


async def clock_strikes(scene: Scene, at: datetime) -> None:
    """What is due at the first moment behind a deadline is done."""
    scene.clock.move_to(at + timedelta(milliseconds=1))
    await run_due(scene.database, scene.clock.now(), handlers(scene.house.house, None, None))


async def published(scene: Scene, folder: Any) -> Publisher:
    """Everything that was said is sealed, and a checkpoint over it is public."""
    async with scene.database.write() as s:
        if await s.get(TreeRow, 1) is None:
            await create_log(s, origin=scene.house.log_key.vkey.name, at=scene.clock.now())
    publisher = Publisher(scene.database, scene.clock, (scene.house.log_key,), folder)
    await seal_all(scene.database, scene.clock)
    await publisher.publish()
    return publisher


async def as_it_is(scene: Scene, auction: Auction) -> tuple[Auction, list[AuctionBid]]:
    async with scene.database.read() as s:
        bids = await bids_of(s, auction_id=auction.auction_id)
        return await get_auction(s, auction_id=auction.auction_id), list(bids)
