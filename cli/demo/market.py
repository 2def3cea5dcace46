"""Who is in the demo's market, and what is on offer in it."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from base.canonical import sha256_hex
from brokers.credential.issuing import appoint_issuer
from brokers.mandates.repository import terms_of
from brokers.rules import BrokerType, Side
from brokers.service import Basis, CertificateScope, accept_mandate, certify, sign_mandate
from cli.demo.datasets import CITIES, EMISSIONS, FLIGHTS, PLANES, POPULATION, WEATHER, Part, Table, parts
from cli.demo.stall import Stall, measured, offer_part
from cli.demo.world import OPERATOR, Member, World
from registry.report import Report
from registry.rules import Level

SELLERS: Final = (
    "岭南航数科技有限公司",
    "珠江气象数据有限公司",
    "粤港装备信息有限公司",
    "羊城地理信息有限公司",
    "南粤人口研究数据有限公司",
    "湾区低碳数据有限公司",
    "云山智算科技有限公司",
    "海珠数据服务有限公司",
)
BUYERS: Final = (
    "岭南农村商业银行",
    "岭南财产保险",
    "粤海物流集团",
    "花城零售集团",
    "南沙智慧城市研究院",
    "珠江咨询有限公司",
    "白云航空服务有限公司",
    "粤能投资有限公司",
)
BROKERS: Final = ("广府数据经纪有限公司", "南岭数据经纪有限公司", "鹏程数据经纪有限公司")
# How often each of a category's sellers is chosen. In meteorology one of them has more than half.
_EVEN: Final = (1, 1, 1, 1, 1, 1, 1, 1)
_ONE_LEADS: Final = (2, 14, 2, 2, 1, 1, 1, 1)
TABLES: Final[Sequence[tuple[Table, Sequence[int], int]]] = (
    (FLIGHTS, _EVEN, 65_500_000),
    (WEATHER, _ONE_LEADS, 6_000_000),
    (PLANES, _EVEN, 4_000_000),
    (CITIES, _EVEN, 3_000_000),
    (POPULATION, _EVEN, 9_000_000),
    (EMISSIONS, _EVEN, 5_000_000),
)
_RICH_MINOR: Final = 10**12
_FEW_SELLERS: Final = 3
_TRADES_OF_ONE: Final = 12
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Market:
    """The seeded part of the market."""

    stalls: list[tuple[Stall, int]]
    buyers: list[Member]
    brokers: list[Member]


async def open_market(
    world: World, rng: random.Random, tell: Callable[[str], None], *, trades: int
) -> Market:
    """Admit everybody, certify the brokers, measure and list the sellers' products in six categories.

    All eight offer something of each, but only the first of them where few trades are made.
    """
    await _authorities(world)
    sellers = [await world.admit(name, "PROVIDER", money_minor=0) for name in SELLERS]
    buyers = [await world.admit(name, "BUYER", money_minor=_RICH_MINOR) for name in BUYERS]
    brokers = [
        await certified_broker(world, name, number=number) for number, name in enumerate(BROKERS, start=1)
    ]
    for broker in brokers:
        for seller in sellers:
            await mandated(world, seller, broker, fee_bp=rng.choice((100, 150, 200)))
    tell(f"{len(world.members)} members are admitted, {len(brokers)} brokers certified and mandated")
    stalls = []
    for table, weights, base in TABLES:
        cut = list(parts(table, len(sellers)))[: max(_FEW_SELLERS, trades // _TRADES_OF_ONE)]
        reports = await _measured(world, cut)
        for seller, part, report, weight in zip(sellers, cut, reports, weights, strict=False):
            price = int(base * rng.uniform(0.8, 1.25)) // 10_000 * 10_000
            title = f"{table.title}·分卷{part.number + 1}"
            stall = await offer_part(world, seller, part, report, title=title, price_minor=price)
            stalls.append((stall, weight))
        tell(f"{table.category.value}: {len(cut)} real products measured, reviewed and listed")
    return Market(stalls, buyers, brokers)


async def _authorities(world: World) -> None:
    exchange = world.node.house.exchange
    operator = Member(world, OPERATOR, exchange.actor.org_id, exchange.actor.roles, exchange.pen, login=None)
    world.members["operator"] = operator
    authority = await world.admit(
        "广东省政务服务和数据管理局(演示)", "DATA_AUTHORITY", login="authority", custodial=True
    )
    samr = await world.admit("市场监督管理局(演示)", "SAMR", login="samr", custodial=True)
    auditor = await world.admit("审计(演示)", "AUDITOR", login="auditor", custodial=True)
    world.members |= {"authority": authority, "samr": samr, "auditor": auditor}
    await authority.do(
        appoint_issuer,
        "DATA_AUTHORITY",
        about=authority.org_id,
        attempted="CRD.APPOINT",
        safe=world.node.safe,
    )
    await world.enrol_operator()


async def certified_broker(
    world: World, name: str, *, number: int, login: str | None = None, custodial: bool = False
) -> Member:
    """A broker with a certificate of the mandate-exercising type, grade 2, for three years."""
    broker = await world.admit(name, "BROKER", login=login, money_minor=0, custodial=custodial)
    now = world.clock.now()
    await world.members["authority"].do(
        certify,
        "DATA_AUTHORITY",
        about=broker.org_id,
        attempted="BRK.CERTIFY",
        org_id=broker.org_id,
        cert_no=f"GD-DB-M-2-{now.year}-{number:04d}",
        scope=CertificateScope(
            broker_type=BrokerType.MANDATE, grade=2, sectors=("*",), max_level=Level.GENERAL_2
        ),
        valid_from=now,
        valid_to=now + timedelta(days=3 * 365),
        basis=Basis(
            decided_on=date(now.year - 2, 12, 1),  # before the founding, also for who comes a year after
            decision_sha256=sha256_hex(f"关于认定{name}为数据经纪人的决定".encode()),
        ),
    )
    await world.node.seal()  # a credential names the entry that certifies
    await world.work()
    return broker


async def mandated(world: World, client: Member, broker: Member, *, fee_bp: int) -> None:
    """A provider's mandate for all its listings, signed by both."""
    mandate = await client.do(
        sign_mandate,
        "PROVIDER",
        about=broker.org_id,
        attempted="MND.SIGN",
        broker_id=broker.org_id,
        side=Side.PROVIDER,
        listing_id=None,
        scope="撮合与磋商",
        fee_bp=fee_bp,
        ends_at=world.clock.now() + timedelta(days=500),
    )
    async with world.node.database.read() as s:
        terms = await terms_of(s, mandate_id=mandate.mandate_id)
    assert terms is not None
    await broker.do(
        accept_mandate,
        "BROKER",
        about=mandate.mandate_id,
        attempted="MND.ACCEPT",
        mandate_id=mandate.mandate_id,
        document_sha256=terms.document_sha256,
    )


async def _measured(world: World, cut: Sequence[Part]) -> list[Report]:
    """Measure each part in a child process, two at a time."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(part: Part) -> Report:
        async with gate:
            return await measured(world, part)

    return list(await asyncio.gather(*(one(part) for part in cut)))
