"""Tags: written as a listing comes on offer, gone with it, counted; the schema writes the same."""

from importlib import import_module

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlmodel import col, delete, select

from market.listings.catalogue import Query, facets, narrowed, search
from market.listings.categories import ProductType
from market.listings.conditions import Purpose
from market.listings.errors import SearchesFull, SearchMalformed
from market.listings.publishing import suspend_listing
from market.listings.saving import MOST, forget_search, save_search, saved_searches
from market.listings.tables import FacetCount, ListingTag
from market.listings.tags import TAGS, Delivery, Grade, delivered, grade_of
from market.orders.handover import DeliveryMode, modes_of
from tests.houses import make_house, officer
from tests.market.listings.goods import AS_OF, CLEAN, listed

WAYS = {
    DeliveryMode.DOWNLOAD: Delivery.FILE,
    DeliveryMode.SHARE: Delivery.SHARE,
    DeliveryMode.CREDENTIAL: Delivery.API,
    DeliveryMode.SANDBOX: Delivery.QUERY,
}


@pytest.mark.parametrize("product_type", ProductType)
def test_the_ways_of_a_type_are_those_that_a_trade_of_it_may_agree(product_type) -> None:
    agreed = {WAYS[mode] for mode in modes_of(product_type) if mode in WAYS}
    if product_type is ProductType.DATASET:
        assert set(delivered(product_type, answers=True)) == agreed  # questions only where they are taken
        agreed -= {Delivery.QUERY}
    assert set(delivered(product_type, answers=False)) == agreed


def test_a_band_of_quality_begins_at_its_number() -> None:
    assert [grade_of(tenths) for tenths in (1000, 900, 899, 800, 799, 700)] == [
        *(Grade.FROM_90, Grade.FROM_90, Grade.FROM_80, Grade.FROM_80, Grade.FROM_70, Grade.FROM_70)
    ]


async def written(database) -> list[tuple[str, str]]:
    async with database.read() as s:
        rows = (await s.exec(select(ListingTag.facet, ListingTag.value))).all()
    return sorted((facet, value) for facet, value in rows)


async def test_tags_come_and_go_with_the_offer_and_count(database, clock) -> None:
    house = await make_house(database, clock)
    seller = await house.admit("粤能数科", {"PROVIDER"})
    listing = await listed(house, seller, CLEAN)
    wanted = [
        *(("delivery", "api"), ("delivery", "file"), ("delivery", "share"), ("frequency", "once")),
        ("grade", "90-up"),
        *(("purpose", purpose.value) for purpose in sorted(Purpose)),
    ]
    assert await written(database) == wanted
    async with database.read() as s:
        kept = await facets(s)
        assert kept["delivery"] == {"api": 1, "file": 1, "share": 1}
        assert "registered" not in kept
        asked = Query(delivery="api", purpose="RESEARCH", grade="90-up")
        assert [one.listing_id for one in (await search(s, asked)).listings] == [listing.listing_id]
        assert (await search(s, Query(delivery="query"))).listings == []
        found = await narrowed(s, Query(delivery="query", category=listing.category))
        assert found["delivery"] == {"api": 1, "file": 1, "share": 1}  # what another choice would find
        assert found["grade"] == {}
        assert found["category"] == {}
    await _as_the_step_would(database)
    assert await written(database) == wanted
    async with database.read() as s:
        assert await facets(s) == kept
    about = {"listing_id": listing.listing_id, "object_id": listing.listing_id}
    await house.operator.do(suspend_listing, attempted="LST.SUSPEND", reason_code="TEST", **about)
    assert await written(database) == []
    async with database.read() as s:
        assert await facets(s) == {}


async def _as_the_step_would(database) -> None:
    """Forget every tag, and have the step of the schema write them."""
    async with database.write() as s:
        await s.exec(delete(ListingTag))
        await s.exec(delete(FacetCount).where(col(FacetCount.facet).in_(list(TAGS))))
    step = import_module("migrations.versions.0018_catalogue")

    def tag(connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            step._tag()

    async with database.engine.begin() as connection:
        await connection.run_sync(tag)


async def test_a_person_keeps_searches_under_names_and_no_more_than_a_page_holds(database, clock) -> None:
    house = await make_house(database, clock)
    person = officer(house.operator.org_id, 9, clock)
    user_id = person.user_id
    async with database.write() as s:
        s.add(person)
        await s.flush()
        for number in range(MOST):
            said = {"name": f" search  {number:02} ", "address": f"q={number}"}
            await save_search(s, user_id=user_id, at=AS_OF, **said)
        with pytest.raises(SearchesFull):
            await save_search(s, user_id=user_id, name="one more", address="q=x", at=AS_OF)
        for name, address in (("", "q=x"), ("x" * 61, "q=x"), ("x", ""), ("x", "q" * 2001)):
            with pytest.raises(SearchMalformed):
                await save_search(s, user_id=user_id, name=name, address=address, at=AS_OF)
        await save_search(s, user_id=user_id, name="search 07", address="q=seven", at=AS_OF)
        await forget_search(s, user_id="usr_of_another", name="search 07")
        kept = await saved_searches(s, user_id=user_id)
        assert [(one.name, one.address) for one in kept[6:9]] == [
            *(("search 06", "q=6"), ("search 07", "q=seven"), ("search 08", "q=8"))
        ]
        assert len(kept) == MOST
        await forget_search(s, user_id=user_id, name="search 07")
        assert len(await saved_searches(s, user_id=user_id)) == MOST - 1
