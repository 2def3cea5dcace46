"""The catalogue: found by words in both scripts, filtered, paged by keyset, counted as it comes and goes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from market.listings.catalogue import BANDS, Query, Sort, band_of, enter, facets, leave, narrowed, search
from market.listings.repository import listings_of
from market.listings.rules import Category, ListingState, ProductType
from market.listings.tables import Listing, ListingFile, ListingToken, Product
from market.listings.words import folded
from registry.rules import Level
from tests.houses import make_house
from tests.market.listings.goods import AS_OF, stored

GOODS = {
    "lst_01": ("工业企业用电指数", "按县区汇总的月度用电量", Category.ENERGY, "440000", 76_000_000),
    "lst_02": (
        "民航航班准点数据",
        "NYC flights 2013: departures and delays",
        Category.TRANSPORT,
        "CN",
        900_000,
    ),
    "lst_03": ("港口集装箱位置", "华南港口的箱位,每小时更新", Category.LOGISTICS, "440300", 21_000_000),
    "lst_04": ("跨境电商热销榜", "100% real sales, on_time list", Category.E_COMMERCE, "CN", 20_000_000),
    "lst_05": ("城市用水用电量", "供水与供电的量", Category.ENERGY, "440100", 900_000),
    "lst_06": ("用电客户的电量曲线", "曲线", Category.ENERGY, "440000", 900_000),
}


@pytest.fixture
async def shelf(database, clock):
    """Six listings on offer, and one that is not."""
    house = await make_house(database, clock)
    seller = await house.admit("粤能数科", {"PROVIDER"})
    async with database.write() as s:
        for listing_id, (title, text, category, geo, price) in GOODS.items():
            s.add(await kept(s, seller.org_id, listing_id, title, text, category, geo, price))
        hidden = await kept(s, seller.org_id, "lst_00", "用电草稿", "x", Category.ENERGY, "CN", 1)
        hidden.status = ListingState.DRAFT
        s.add(hidden)
        await s.flush()
        for listing in await s.exec(select(Listing).where(Listing.status == ListingState.LISTED)):
            await enter(s, listing)
    return database


async def kept(s, seller_id, listing_id, *facts) -> Listing:
    title, text, category, geo, price = facts
    file = stored(salt=listing_id)
    s.add(
        ListingFile(
            file_id=file.file_id,
            owner_id=seller_id,
            sha256=file.sha256,
            bytes=file.bytes,
            name="x.csv",
            media_type="text/csv",
            stored_at=AS_OF,
        )
    )
    s.add(
        Product(
            product_id=f"prd_{listing_id}",
            seller_id=seller_id,
            title=title,
            category=category,
            product_type=ProductType.DATASET,
            created_at=AS_OF,
        )
    )
    await s.flush()
    return Listing(
        listing_id=listing_id,
        product_id=f"prd_{listing_id}",
        seller_id=seller_id,
        file_id=file.file_id,
        title=title,
        description=text,
        status=ListingState.LISTED,
        category=category,
        geo=geo,
        product_type=ProductType.DATASET,
        level=Level.GENERAL_2,
        public_data=False,
        scenario="scenario",
        licence_of_data="use",
        licence_class="internal-use",
        unit="set",
        quantity=1,
        list_price_minor=price,
        search_text=folded(f"{title}\n{text}"),
        drafted_at=AS_OF,
    )


async def ids(database, *, after=None, limit=20, **query) -> list[str]:
    async with database.read() as s:
        page = await search(s, Query(**query), after=after, limit=limit)
    return [listing.listing_id[-2:] for listing in page.listings]


async def test_two_characters_of_chinese_find_every_listing_that_has_them_together(shelf):
    assert await ids(shelf, text="用电") == ["06", "05", "01"]
    assert await ids(shelf, text="电商") == ["04"]
    assert await ids(shelf, text="港口") == ["03"]
    assert await ids(shelf, text="船舶") == []


async def test_a_longer_run_is_found_as_it_stands_and_not_by_its_pairs_alone(shelf):
    assert await ids(shelf, text="用电量") == ["05", "01"]  # 06 has 用电 and 电量, apart
    assert await ids(shelf, text="工业企业用电指数") == ["01"]


async def test_one_character_is_a_word(shelf):
    assert await ids(shelf, text="榜") == ["04"]


async def test_latin_words_are_found_in_any_case_number_and_width(shelf):
    assert await ids(shelf, text="FLIGHT") == ["02"]
    assert await ids(shelf, text="ｎｙｃ departures") == ["02"]
    assert await ids(shelf, text="fligh") == []


async def test_all_words_must_occur(shelf):
    assert await ids(shelf, text="用电 县区") == ["01"]
    assert await ids(shelf, text="航班 flights 2013") == ["02"]
    assert await ids(shelf, text="用电 flights") == []


async def test_marks_that_mean_something_to_a_database_mean_nothing_here(shelf):
    assert await ids(shelf, text="100%") == ["04"]
    for text in ("%", "_", "'; DROP TABLE market_listings; --", "\\", "%%%电%%%商"):
        assert set(await ids(shelf, text=text)) <= {"01", "02", "03", "04", "05", "06"}
    assert await ids(shelf, text="电商 %") == ["04"]


async def test_nothing_asked_is_everything_on_offer_newest_first(shelf):
    assert await ids(shelf) == ["06", "05", "04", "03", "02", "01"]


async def test_filters_narrow_what_words_find(shelf):
    assert await ids(shelf, category=Category.ENERGY) == ["06", "05", "01"]
    assert await ids(shelf, text="用电", geo="440000") == ["06", "01"]
    assert await ids(shelf, min_price_minor=20_000_000, max_price_minor=21_000_000) == ["04", "03"]
    assert await ids(shelf, product_type=ProductType.API) == []
    assert await ids(shelf, seller_id="org_none") == []


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("limit", [1, 2, 4, 6, 100])
@pytest.mark.parametrize("text", ["", "用电"])
async def test_pages_by_keyset_give_each_listing_once_in_the_same_order(shelf, sort, limit, text):
    whole = await ids(shelf, sort=sort, text=text, limit=100)
    walked, after = [], None
    async with shelf.read() as s:
        for _ in range(10):  # more pages than there can be
            page = await search(s, Query(sort=sort, text=text), after=after, limit=limit)
            assert len(page.listings) <= limit
            walked += [listing.listing_id[-2:] for listing in page.listings]
            after = page.next_after
            if after is None:
                break
    assert walked == whole
    assert len(set(whole)) == len(whole) == (3 if text else 6)


async def test_prices_sort_both_ways(shelf):
    assert await ids(shelf, sort=Sort.CHEAPEST) == ["02", "05", "06", "04", "03", "01"]
    assert await ids(shelf, sort=Sort.DEAREST) == ["01", "03", "04", "06", "05", "02"]


async def test_a_listing_that_comes_between_two_pages_moves_nothing(shelf):
    first = await ids(shelf, limit=3)
    async with shelf.write() as s:
        seller = (await s.exec(select(Listing.seller_id))).first()
        new = await kept(s, seller, "lst_99", "新用电", "x", Category.ENERGY, "CN", 5)
        s.add(new)
        await s.flush()
        await enter(s, new)
    assert first == ["06", "05", "04"]
    assert await ids(shelf, limit=3, after="lst_04") == ["03", "02", "01"]


async def test_facets_are_kept_as_listings_come_and_go(shelf):
    async with shelf.read() as s:
        counts = await facets(s)
    assert counts["category"] == {"e-commerce": 1, "energy": 3, "logistics": 1, "transport": 1}
    assert counts["geo"] == {"440000": 2, "440100": 1, "440300": 1, "CN": 2}
    assert counts["price"] == {"100k-500k": 2, "500k-1m": 1, "under-10k": 3}
    assert counts["product_type"] == {"DATASET": 6}
    async with shelf.write() as s:
        await leave(s, await s.get(Listing, "lst_03"))
    async with shelf.read() as s:
        counts = await facets(s)
        assert (await s.exec(select(ListingToken).where(ListingToken.listing_id == "lst_03"))).all() == []
    assert counts["category"] == {"e-commerce": 1, "energy": 3, "transport": 1}
    assert counts["price"] == {"100k-500k": 1, "500k-1m": 1, "under-10k": 3}


@pytest.mark.parametrize(
    ("asked", "category", "geo", "price"),
    [
        (
            Query(),
            {"e-commerce": 1, "energy": 3, "logistics": 1, "transport": 1},
            {"440000": 2, "440100": 1, "440300": 1, "CN": 2},
            {"100k-500k": 2, "500k-1m": 1, "under-10k": 3},
        ),
        (  # the chosen category's own counts say what another choice would find
            Query(category=Category.ENERGY),
            {"e-commerce": 1, "energy": 3, "logistics": 1, "transport": 1},
            {"440000": 2, "440100": 1},
            {"500k-1m": 1, "under-10k": 2},
        ),
        (
            Query(category=Category.ENERGY, max_price_minor=999_999),
            {"energy": 2, "transport": 1},
            {"440000": 1, "440100": 1},
            {"500k-1m": 1, "under-10k": 2},
        ),
        (Query(text="用电"), {"energy": 3}, {"440000": 2, "440100": 1}, {"500k-1m": 1, "under-10k": 2}),
        (
            Query(text="用电", geo="440000", sort=Sort.DEAREST),
            {"energy": 2},
            {"440000": 2, "440100": 1},
            {"500k-1m": 1, "under-10k": 1},
        ),
        (Query(text="没有"), {}, {}, {}),
    ],
)
async def test_counts_follow_what_was_chosen_elsewhere(shelf, asked, category, geo, price):
    async with shelf.read() as s:
        counts = await narrowed(s, asked)
        every = await search(s, asked)
    assert (counts["category"], counts["geo"], counts["price"]) == (category, geo, price)
    found = len(every.listings)
    assert sum(counts["product_type"].values()) == found


async def test_facets_count_right_when_listings_come_at_once(shelf):
    async def one(listing_id):
        async with shelf.write() as s:
            await leave(s, await s.get(Listing, listing_id))

    await asyncio.gather(*(one(listing_id) for listing_id in GOODS))
    async with shelf.read() as s:
        assert await facets(s) == {}


async def test_a_seller_and_a_reviewer_see_what_is_not_on_offer(shelf):
    async with shelf.read() as s:
        seller = (await s.exec(select(Listing.seller_id))).first()
        mine = await listings_of(s, seller_id=seller, limit=4)
        drafts = await listings_of(s, status=ListingState.DRAFT)
        rest = await listings_of(s, seller_id=seller, after=mine[-1].listing_id)
    assert [listing.listing_id for listing in mine] == ["lst_06", "lst_05", "lst_04", "lst_03"]
    assert [listing.listing_id for listing in rest] == ["lst_02", "lst_01", "lst_00"]
    assert [listing.listing_id for listing in drafts] == ["lst_00"]


@given(st.integers(1, 10**13))
def test_every_price_lies_in_one_band(price_minor):
    low, high = BANDS[band_of(price_minor)]
    assert low <= price_minor
    assert high is None or price_minor < high
