"""What an act depends on stays locked until it commits. PostgreSQL only: SQLite has one writer."""

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from market.delivery.repository import claim
from market.delivery.tables import Entitlement
from market.listings.service import require_listed
from market.listings.tables import Listing
from market.orders.tables import Trade
from registry.tables import ClassificationRow, RightsRow
from tests.houses import make_house
from tests.market.delivery.funded import make_deal

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def deal(postgresql_database, clock, tmp_path):
    return await make_deal(await make_house(postgresql_database, clock), tmp_path / "files")


async def may_lock(database, table, *, share: bool) -> bool:
    """Whether somebody else could take the lock now, without waiting."""
    try:
        async with database.write() as s:
            await s.exec(select(table).with_for_update(read=share, nowait=True))
    except DBAPIError as error:
        if "could not obtain lock" not in str(error):
            raise
        return False
    return True


async def test_an_act_on_a_listing_holds_off_its_suspension_and_the_fall_of_what_it_rests_on(deal):
    database = deal.house.database
    async with database.write() as s:
        await require_listed(s, listing_id=deal.listing.listing_id)
        for table in (Listing, RightsRow, ClassificationRow):
            assert await may_lock(database, table, share=True), table
            assert not await may_lock(database, table, share=False), table
    assert await may_lock(database, Listing, share=False)


async def test_a_download_holds_off_a_freeze_of_its_trade_and_another_count_of_its_right(deal):
    entitlement = await deal.start()
    database = deal.house.database
    async with database.write() as s:
        await claim(s, entitlement_id=entitlement.entitlement_id, moves_trade=False)
        assert await may_lock(database, Trade, share=True)
        assert not await may_lock(database, Trade, share=False)
        assert not await may_lock(database, Entitlement, share=True)
