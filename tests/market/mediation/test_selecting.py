"""Of more listings than can be compared the likeliest are: by the points of their rows, not by their age."""

from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select, update

from market.listings.categories import Category, ProductType
from market.listings.conditions import Purpose
from market.listings.tables import Listing
from market.mediation import finding
from market.mediation.matching import Asked, Criterion, Offering, judge
from market.mediation.selecting import candidates, points_told
from market.requests.wishes import Wishes
from registry.rules import Level
from tests.market.listings.goods import CLEAN, listed
from tests.market.mediation.test_sending import found, two  # noqa: F401 - a fixture
from tests.market.requests.test_requests import publish

PLACES = ("CN", "HK", "US", "440000", "440100", "440106", "450000", "810000")
ROWS = (Criterion.TERRITORY, Criterion.DELIVERY, Criterion.BUDGET, Criterion.LICENCE, Criterion.LEVEL)
ASKED = Asked(
    request_id="req_1",
    buyer_id="org_buyer",
    buyer_place="440000",
    category=Category.ENERGY,
    geo="440000",
    purpose=Purpose.INTERNAL_USE,
    product_type=ProductType.DATASET,
    budget_max_minor=1_000,
    wishes=Wishes(licence_class="internal-use", level=Level.GENERAL_2),
)


def in_python(asked: Asked, row: Listing) -> int:
    offered = Offering(
        listing_id=row.listing_id,
        seller_id=row.seller_id,
        category=row.category,
        geo=row.geo,
        product_type=row.product_type,
        level=Level(row.level),
        licence_class=row.licence_class,
        list_price_minor=row.list_price_minor,
    )
    return sum(one.points for one in judge(asked, offered).reasons if one.criterion in ROWS)


async def test_the_database_gives_the_points_that_the_rules_give(scene):
    """Every pair of places; prices around the budget; levels, licences and types that fit and that do not."""
    rows: list[dict[str, Any]] = [{"geo": place} for place in PLACES]
    rows += [{"list_price_minor": price} for price in (None, 1, 1_000, 1_001, 1_200, 1_201)]
    rows += [{"level": level.value} for level in Level]
    rows += [{"licence_class": "other"}, {"product_type": ProductType.API}]
    asks = [replace(ASKED, geo=place) for place in PLACES]
    asks += [
        replace(ASKED, budget_told=False),
        replace(ASKED, budget_max_minor=None, product_type=None, wishes=Wishes()),
    ]
    mine = col(Listing.listing_id) == scene.listing.listing_id
    async with scene.database.write() as s:
        for values in rows:
            await s.exec(update(Listing).where(mine).values(**values))
            (row,) = (
                await s.exec(select(Listing).where(mine).execution_options(populate_existing=True))
            ).all()
            for asked in asks:
                given = (await s.exec(select(points_told(asked)).where(mine).select_from(Listing))).one()
                assert given == in_python(asked, row), (values, asked.geo)


@pytest.mark.parametrize("newest", [True, False])
async def test_the_better_of_two_is_compared_however_old_it_is(two, monkeypatch, newest):  # noqa: F811
    """One alone can be compared: that is the one that fits, before a newer or after an older one."""
    monkeypatch.setattr(finding, "MOST_COMPARED", 1)
    monkeypatch.setattr(finding, "MOST_READ", 1)
    old, new = two.listing.listing_id, two.trades["other"]
    wanted = "CN" if newest else "440000"  # the newer one is nationwide, the older one Guangdong's
    everybody = await found(two, await publish(two, geo=wanted))
    assert everybody.order == [new if newest else old]
    assert everybody.more


async def test_of_equals_the_one_with_more_of_the_requests_words_is_compared(scene, monkeypatch):
    monkeypatch.setattr(finding, "MOST_READ", 1)
    river = {"title": "河道水位逐日观测", "description": "各站逐日水位"}
    other = await listed(scene.house, scene.stranger, CLEAN.replace("4401", "4403"), **river)
    for title, wanted in (("河道水位", other.listing_id), ("用电指数", scene.listing.listing_id)):
        request = await publish(scene, title=title, description=title)
        assert (await found(scene, request)).order == [wanted]


async def test_who_misses_a_must_takes_nobodys_place(two, monkeypatch):  # noqa: F811
    """More are read until as many fit as are compared at once: a flood of misfits crowds nobody out."""
    monkeypatch.setattr(finding, "MOST_COMPARED", 1)
    monkeypatch.setattr(finding, "MOST_READ", 2)
    real = finding._offerings

    async def misfit(s, asked, buyer, rows):
        return [
            replace(one, for_this_buyer=one.listing_id != two.listing.listing_id)
            for one in await real(s, asked, buyer, rows)
        ]

    monkeypatch.setattr(finding, "_offerings", misfit)
    everybody = await found(two, await publish(two, geo="440000"))
    assert everybody.order == [two.trades["other"]]
    assert [one.listing_id for one in everybody.result.others] == [two.listing.listing_id]
    assert not everybody.more


async def test_all_that_is_on_offer_is_a_candidate(two):  # noqa: F811
    request = await publish(two)
    asked = replace(ASKED, request_id=request.request_id, buyer_id=request.buyer_id)
    async with two.database.read() as s:
        assert set(await candidates(s, request, asked, limit=10)) == {
            two.listing.listing_id,
            two.trades["other"],
        }
