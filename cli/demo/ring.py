"""The planted ring of scenario SC-5: three companies of one controller trade one product in a circle.

On its dates, at its prices, through the same services as everybody: nothing stops them at the door,
because each trade by itself is in order. The supervisor sees it in the ledger.
"""

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from base.clock import SHANGHAI
from cli.demo.datasets import Part, Table
from cli.demo.deal import Deal
from cli.demo.market import certified_broker, mandated
from cli.demo.stall import Stall, measured, offer_part
from cli.demo.world import Member, World
from cli.demo.year import Year
from market.listings.categories import Category

CONTROLLER: Final = "ubo-陈某"
LEGS_MINOR: Final = (20_000_000, 32_000_000, 48_000_000)  # 200,000 / 320,000 / 480,000 yuan
_FIRST: Final = datetime(2026, 10, 12, 9, 30, tzinfo=SHANGHAI)
BROKER: Final = "速配数据经纪有限公司"
PRODUCT: Final = "跨境电商热销榜"
BESTSELLERS: Final = Table(
    Category.E_COMMERCE,
    PRODUCT,
    "跨境电商各品类逐周热销排行。榜单为演示而虚构。",
    "",
    "",
    "CC0-1.0",
    {
        "week": ("date", "Monday of the week"),
        "rank": ("integer", "place among the goods of the week in that market"),
        "goods": ("text", "kind of goods"),
        "market": ("text", "country of the buyers, ISO 3166"),
        "sold": ("integer", "pieces sold"),
    },
    period=("2026-01-05", "2026-10-04"),
)
"""The one table of the demo that is made up: what goes in a circle is looked at by nobody."""
_GOODS: Final = (
    "充电器",
    "蓝牙耳机",
    "瑜伽服",
    "假发",
    "户外灯",
    "收纳盒",
    "宠物背包",
    "车载支架",
    "手机壳",
    "泳衣",
)
_MARKETS: Final = ("US", "DE", "JP", "BR", "SG", "GB")
_FIRST_WEEK: Final = date(2026, 1, 5)
_WEEKS: Final = 13


@dataclass(frozen=True, slots=True)
class Ring:
    """Who is in it, and what they passed around."""

    members: tuple[Member, ...]
    broker: Member
    deals: tuple[Deal, ...]


class RingDeal(Deal):
    """A deal whose steps follow within minutes, as they do when nobody looks at the goods."""

    def next_slot(self, now: datetime) -> datetime:
        return now + timedelta(minutes=3)


def bestsellers(count: int) -> Iterator[Part]:
    """The made-up ranking in `count` parts of a quarter each."""
    dice = random.Random(PRODUCT)  # noqa: S311 - the demo's dice
    for number in range(count):
        weeks = [_FIRST_WEEK + timedelta(weeks=number * _WEEKS + week) for week in range(_WEEKS)]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(BESTSELLERS.columns)
        for week in weeks:
            for market in _MARKETS:
                sold = sorted((dice.randint(900, 60_000) for _ in _GOODS), reverse=True)
                ranked = zip(dice.sample(_GOODS, len(_GOODS)), sold, strict=True)
                writer.writerows(
                    [week, place, goods, market, n] for place, (goods, n) in enumerate(ranked, 1)
                )
        rows = len(weeks) * len(_MARKETS) * len(_GOODS)
        last = weeks[-1] + timedelta(days=6)
        yield Part(BESTSELLERS, number, rows, text.getvalue().encode(), (str(weeks[0]), str(last)))


async def plant_ring(world: World, year: Year) -> Ring:
    """Prepare the ring's members and listings, and let its three trades begin on their dates."""
    members = [
        await world.admit(name, "PROVIDER", "BUYER", controller=CONTROLLER, money_minor=10**11)
        for name in ("甲数科技有限公司", "乙数科技有限公司", "丙数科技有限公司")
    ]
    broker = await certified_broker(world, BROKER, number=9, login="broker2", custodial=True)
    stalls: list[Stall] = []
    for member, part, price in zip(members, bestsellers(len(members)), LEGS_MINOR, strict=True):
        await mandated(world, member, broker, fee_bp=100)
        stalls.append(
            await offer_part(
                world,
                member,
                part,
                await measured(world, part),
                title=PRODUCT,
                price_minor=price,
                product_id=stalls[0].product_id if stalls else None,
            )
        )
    deals = []
    for number, (stall, price) in enumerate(zip(stalls, LEGS_MINOR, strict=True)):
        buyer = members[(number + 1) % len(members)]
        dice = random.Random(number)  # noqa: S311 - the demo's dice
        deal = RingDeal(world, stall, buyer, broker, [price], dice, consumed=False)
        year.add(deal, _FIRST + timedelta(days=number))
        deals.append(deal)
    return Ring(tuple(members), broker, tuple(deals))
