"""Searching the catalogue in Chinese, on PostgreSQL, against twenty listings by key from the driver."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import text

from base.db import Database
from market.listings import catalogue
from market.listings.categories import Category, ProductType
from market.listings.states import ListingState
from market.listings.tables import Listing
from market.listings.words import folded, query_tokens, tokens
from registry.rules import Level
from tests.bench.ground import Ground
from tests.bench.measuring import Broken, Measured, chunks, each_once_in_turn, quantile

_LISTINGS: Final = 10_000
_PAGE: Final = 20
_AT: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
_PLACES: Final = ("广东", "广州", "深圳", "珠海", "佛山", "东莞", "中山", "惠州", "江门", "大湾区", "粤西")
_THINGS: Final = (
    "工业企业用电",
    "城市道路交通流量",
    "港口货物吞吐",
    "气象观测",
    "医院门诊就诊",
    "水质监测",
    "企业信用评价",
    "居民消费",
    "物流车辆轨迹",
    "农产品批发价格",
    "房屋租赁",
    "航班准点",
    "电动汽车充电",
    "专利转让",
    "海关进出口",
    "公共图书馆借阅",
)
_KINDS: Final = ("指数", "数据集", "月度报告", "分析模型", "实时接口", "统计年鉴", "样本库", "预测服务")
_USES: Final = ("中小企业信贷风险模型", "城市规划", "保险定价", "供应链优化", "科研教学", "应急管理")
_COPY: Final = """
INSERT INTO market_listings SELECT made.*
FROM market_listings AS kept, unnest($2::text[], $3::text[], $4::bigint[]) AS given (id, words, price),
  LATERAL jsonb_populate_record(kept, jsonb_build_object('listing_id', given.id, 'title', given.words,
    'file_id', given.id, 'search_text', given.words, 'list_price_minor', given.price)) AS made
WHERE kept.listing_id = $1
"""
_FIRST: Final = "lst_first"


async def catalog(ground: Ground) -> Measured:
    """p99 of `market.listings.catalogue.search` and its facets."""
    size = ground.budget.size(_LISTINGS, least=500, most=100_000)
    async with ground.empty_database() as (database, connection):
        ground.say(f"filling a catalogue with {size:,} listings")
        ids = await _fill(database, connection, size)
        found: list[tuple[str, Sequence[str]]] = []
        async with database.read() as s:

            async def search() -> None:
                query = _some_query()
                page = await catalogue.search(s, catalogue.Query(text=query), limit=_PAGE)
                await catalogue.facets(s)
                found.append((query, [listing.listing_id for listing in page.listings]))

            async def by_key() -> None:
                some = random.sample(ids, _PAGE)
                rows = await connection.fetch(
                    "SELECT * FROM market_listings WHERE listing_id = ANY($1)", some
                )
                if len(rows) != _PAGE:
                    raise Broken("the floor found other listings")

            rounds = [
                await each_once_in_turn(search, by_key, seconds=2 * ground.budget.side_s) for _ in range(4)
            ]
        _check(found, dict(await connection.fetch("SELECT listing_id, search_text FROM market_listings")))
    waited = [[seconds for taken in side for seconds in taken] for side in zip(*rounds[1:], strict=True)]
    ours, floor = (1000 * quantile(side, 0.99) for side in waited)
    unit = f"ms, p99 of {len(waited[0])} searches among {size:,} listings against {_PAGE} by primary key"
    return Measured(ours, floor, unit)


def _some_query() -> str:
    """What somebody types: a word, a longer one, or two."""
    thing = random.choice(_THINGS)
    return random.choice((thing[:2], thing[-4:], f"{random.choice(_PLACES)} {thing[-2:]}"))


def _check(found: Sequence[tuple[str, Sequence[str]]], texts: Mapping[str, str]) -> None:
    """Every listing found holds every word that was asked for."""
    if not any(listings for _, listings in found):
        raise Broken("nothing was found at all")
    for query, listings in found:
        for listing_id in listings:
            if not all(word in folded(texts[listing_id]) for word in query_tokens(query)):
                raise Broken(f"{listing_id} does not hold {query}")


async def _fill(database: Database, connection: Any, size: int) -> list[str]:
    """Listings with their words and counts, as `market.listings` would leave them; returns their ids."""
    await _first(database)
    chance = random.Random(size)
    ids = [f"lst_{number:026d}" for number in range(size)]
    for part in chunks(size, 5_000):
        words = [_words(chance) for _ in part]
        prices = [chance.randrange(100_000, 200_000_000) for _ in part]
        await connection.execute(_COPY, _FIRST, [ids[n] for n in part], words, prices)
        records = [(word, ids[n]) for n, said in zip(part, words, strict=True) for word in tokens(said)]
        await connection.copy_records_to_table("market_listing_tokens", records=records)
    facets = [(facet, str(value), size) for facet in ("category", "geo", "price") for value in range(5)]
    await connection.copy_records_to_table("market_listing_facets", records=facets)
    await connection.execute("VACUUM ANALYZE market_listing_tokens, market_listings")
    return ids


async def _first(database: Database) -> None:
    """The row that all others are copies of."""
    async with database.write() as s:
        await (await s.connection()).execute(text("SET LOCAL session_replication_role = replica"))
        s.add(
            Listing(
                listing_id=_FIRST,
                product_id="prd_bench",
                seller_id="org_bench",
                file_id=_FIRST,
                title="",
                description="每格不少于十家企业,按县区和月份汇总。" * 5,
                status=ListingState.LISTED,
                category=Category.ENERGY,
                geo="440000",
                product_type=ProductType.DATASET,
                level=Level.GENERAL_2,
                public_data=False,
                scenario="中小企业信贷风险模型",
                licence_of_data="内部建模使用,不得转售",
                licence_class="internal-use",
                unit="set",
                quantity=1,
                search_text="",
                drafted_at=_AT,
                listed_at=_AT,
            )
        )


def _words(chance: random.Random) -> str:
    year = chance.randrange(2015, 2027)
    parts = (chance.choice(_PLACES), chance.choice(_THINGS), chance.choice(_KINDS), chance.choice(_USES))
    return f"{year}年{parts[0]}{parts[1]}{parts[2]} 用于{parts[3]}"
