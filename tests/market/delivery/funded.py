"""A funded trade whose delivery can start: a listing on offer, a real file in the store, money assumed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from base.clock import SimulatedClock
from base.db import Database
from base.files import FileStore, StoredFile
from ledger.acts import perform
from ledger.recording import Act
from market.customs.rules import DeliveryFacts
from market.customs.service import clear_customs
from market.delivery.downloads import Opened, download_act, open_download, open_stream
from market.delivery.repository import downloads_of, entitlement_of
from market.delivery.service import start_delivery
from market.delivery.tables import Download, Entitlement
from market.listings.tables import Listing
from market.orders.repository import get_trade
from market.orders.rules import TradeState
from market.orders.tables import Offer, Trade
from registry.rules import Level, PersonalData
from tests.houses import Party, TestHouse, moved
from tests.market.listings.goods import CLEAN, listed

MASTER_KEY = bytes(range(32))
SECRET_ROWS = CLEAN.encode()


async def chunks(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


@dataclass
class Deal:
    """One funded trade and everything its delivery needs."""

    house: TestHouse
    files: FileStore
    folder: Path
    seller: Party
    buyer: Party
    listing: Listing
    trade_id: str
    file: StoredFile

    def on(self, database: Database, clock: SimulatedClock, folder: Path) -> "Deal":
        """The same trade in a copy of its database, its files in a folder of the copy's own."""
        house = moved(self.house, database, clock)
        files = FileStore(folder, MASTER_KEY, clock)
        seller, buyer = (replace(party, house=house.house) for party in (self.seller, self.buyer))
        return replace(self, house=house, files=files, folder=folder, seller=seller, buyer=buyer)

    async def trade(self) -> Trade:
        async with self.house.database.read() as s:
            return await get_trade(s, trade_id=self.trade_id)

    async def entitlement(self) -> Entitlement:
        async with self.house.database.read() as s:
            found = await entitlement_of(s, trade_id=self.trade_id)
        assert found is not None
        return found

    async def downloads(self) -> list[Download]:
        async with self.house.database.read() as s:
            found = await entitlement_of(s, trade_id=self.trade_id)
            return [] if found is None else list(await downloads_of(s, entitlement_id=found.entitlement_id))

    async def start(self) -> Entitlement:
        return await self.seller.do(
            start_delivery,
            attempted="TRD.START_DELIVERY",
            object_id=self.trade_id,
            trade_id=self.trade_id,
        )

    async def open(self, *, party: Party | None = None, **asked: Any) -> Opened:
        """Ask for the file as the buyer (or as somebody else)."""
        entitlement = await self.entitlement()
        who = party or self.buyer

        async def bound(s: Any, act: Act) -> Opened:
            return await open_download(s, act, entitlement_id=entitlement.entitlement_id, **asked)

        act = download_act(self.house.house, who.actor)
        return await perform(
            self.house.house, act, bound, attempted="DLV.DOWNLOAD", object_id=entitlement.entitlement_id
        )

    async def take(self, *, upto: int | None = None, **asked: Any) -> bytes:
        """Open a request and read what it answers; `upto` chunks only, as a client that goes away does."""
        opened = await self.open(**asked)
        who = asked.get("party") or self.buyer
        stream = await open_stream(self.house.house, self.files, who.actor, opened)
        got = b""
        count = 0
        while upto is None or count < upto:
            try:
                got += await anext(stream)
            except StopAsyncIteration:
                break
            count += 1
        await stream.aclose()
        return got


async def make_deal(
    house: TestHouse, folder: Path, *, raw: bytes = SECRET_ROWS, status: TradeState = TradeState.FUNDED
) -> Deal:
    """A trade of `raw`, funded a moment ago; bytes other than the listing's are put under it."""
    seller = await house.admit("粤能数科", {"PROVIDER"})
    buyer = await house.admit("湾区普惠银行", {"BUYER"})
    listing = await listed(house, seller)
    files = FileStore(folder, MASTER_KEY, house.clock)
    file = await files.put(chunks(raw), limit_bytes=2**30)
    now = house.clock.now()
    trade_id = "trd_test"
    trade = Trade(
        trade_id=trade_id,
        status=status,
        listing_id=listing.listing_id,
        product_id=listing.product_id,
        seller_id=seller.org_id,
        buyer_id=buyer.org_id,
        category=listing.category.value,
        geo=listing.geo,
        level=listing.level.value,
        purpose="credit model",
        scenario="credit risk",
        quantity=1,
        unit="set",
        licence_class="internal-use",
        offer_no=1,
        price_minor=68_000_000,
        inquired_at=now,
    )
    offer = Offer(
        trade_id=trade_id,
        offer_no=1,
        by_org=seller.org_id,
        side="PROVIDER",
        price_minor=68_000_000,
        quantity=1,
        unit="set",
        licence_class="internal-use",
        term_months=12,
        purpose="credit model",
        territory="CN",
        made_at=now,
        expires_at=now + timedelta(days=5),
        statement_id="sta_test",
    )
    async with house.database.write() as s:
        s.add(trade)
        await s.flush()
        s.add(offer)
        await set_file(s, listing, file)
        await clear_customs(
            s,
            house.house.exchange_act(),
            trade=trade,
            facts=DeliveryFacts(
                exporter_region="440100",
                recipient_region="440300",
                level=Level.GENERAL_2,
                personal=PersonalData(),
            ),
        )
    return Deal(house, files, folder, seller, buyer, listing, trade_id, file)


async def set_file(s: Any, listing: Listing, file: StoredFile) -> None:
    """Point a listing at a file that is really stored (the upload is another test's matter)."""
    from market.listings.tables import ListingFile

    row = (await s.exec(select(ListingFile).where(ListingFile.file_id == listing.file_id))).one()
    fresh = ListingFile(
        file_id=file.file_id,
        owner_id=row.owner_id,
        sha256=file.sha256,
        bytes=file.bytes,
        name=row.name,
        media_type=row.media_type,
        stored_at=row.stored_at,
    )
    s.add(fresh)
    await s.flush()
    listing = (await s.exec(select(Listing).where(Listing.listing_id == listing.listing_id))).one()
    listing.file_id = file.file_id
    s.add(listing)
    await s.flush()
