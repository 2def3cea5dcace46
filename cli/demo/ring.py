"""The planted ring of scenario SC-5: three companies of one controller trade one product in a circle.

On its dates, at its prices, through the same services as everybody: nothing stops them at the door,
because each trade by itself is in order. The supervisor sees it in the ledger.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from base.clock import SHANGHAI
from cli.demo.datasets import EMISSIONS, Part, parts
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


async def plant_ring(world: World, year: Year) -> Ring:
    """Prepare the ring's members and listings, and let its three trades begin on their dates."""
    members = [
        await world.admit(name, "PROVIDER", "BUYER", controller=CONTROLLER, money_minor=10**11)
        for name in ("甲数科技有限公司", "乙数科技有限公司", "丙数科技有限公司")
    ]
    broker = await certified_broker(world, BROKER, number=9, login="broker2", custodial=True)
    pieces = list(parts(EMISSIONS, len(members)))
    stalls: list[Stall] = []
    for member, part, price in zip(members, pieces, LEGS_MINOR, strict=True):
        await mandated(world, member, broker, fee_bp=100)
        listed = Part(EMISSIONS, part.number, part.rows, part.content, part.period)
        stalls.append(
            await offer_part(
                world,
                member,
                listed,
                await measured(world, listed),
                title=PRODUCT,
                price_minor=price,
                product_id=stalls[0].product_id if stalls else None,
                category=Category.E_COMMERCE,
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
