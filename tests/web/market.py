"""A small market with a bit of everything, made once through the API: what page tests look at.

The template is built on disk by the first test that needs it; each test then opens a copy of its own.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from bank.messages.entries import Entry
from base.canonical import canonical, sha256_hex
from base.clock import SimulatedClock, rfc3339
from base.db import WriteSession
from base.ids import Seed
from base.signing import SigningKey
from ledger.acts import perform
from ledger.recording import Act
from market.settlement.instructing import instruct
from tests.market.listings.goods import CLEAN, DECLARED
from tests.web.nodes import Persona, Served, opened, serving

START: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
PEOPLE: Final = ("operator", "authority", "samr", "auditor", "provider", "buyer", "second", "broker")
PAPERS: Final = {  # what a diligent broker holds of these goods
    "source_sha256": sha256_hex(b"source statement"),
    "seller_sha256": sha256_hex(b"who the seller is"),
    "buyer_sha256": sha256_hex(b"who the buyer is"),
    "documents": ["来源说明.pdf", "卖方身份核验.pdf", "买方身份核验.pdf"],
}


@dataclass
class Market:
    """The served node and what is on it, by name: people, listings, trades."""

    served: Served
    people: dict[str, Persona]
    ids: dict[str, str]

    def __getattr__(self, name: str) -> Persona:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None


async def small_market(served: Served, roles: Mapping[str, str], *, at_home: str) -> Market:
    """A listed product and people by their roles; the key of one of them is at home."""
    market = Market(served, {"operator": served.operator}, {})
    for name, role in roles.items():
        custody = "self-held" if name == at_home else "custodial"
        market.people[name] = await served.admit(name, {role}, login=name, custody=custody)
    await _brokerage(market)
    market.ids["listed"] = await _listing(market, "用电指数", stage="LISTED")
    return market


async def build(served: Served) -> Market:
    """Everybody is admitted, three listings stand in three states, six trades in six."""
    market = Market(served, {"operator": served.operator}, {})
    for name, words, role, custody in (
        ("authority", "广州市数据局", "DATA_AUTHORITY", "custodial"),
        ("samr", "广州市市场监管局", "SAMR", "custodial"),
        ("auditor", "独立审计事务所", "AUDITOR", "custodial"),
        ("provider", "粤能数科", "PROVIDER", "self-held"),
        ("buyer", "湾区普惠银行", "BUYER", "custodial"),
        ("second", "岭南征信", "BUYER", "custodial"),
        ("broker", "珠江数据经纪", "BROKER", "custodial"),
    ):
        market.people[name] = await served.admit(words, {role}, login=name, custody=custody)
    await _brokerage(market)
    market.ids["listed"] = await _listing(market, "2025年广东省工业企业月度用电指数数据集", stage="LISTED")
    market.ids["reviewed"] = await _listing(market, "2025年广州市地铁进出站客流小时统计", stage="REVIEW")
    market.ids["draft"] = await _listing(market, "2024年东莞市制造业能耗明细", stage="DRAFT")
    for name, upto in (
        ("inquired", "INQUIRED"),
        ("negotiating", "NEGOTIATING"),
        ("ready", "READY"),
        ("delivering", "DELIVERING"),
        ("delivered", "DELIVERED"),
        ("settled", "SETTLED"),
    ):
        market.ids[name] = await _trade(market, upto)
    await served.settle_down()
    return market


async def _brokerage(market: Market) -> None:
    served, now = market.served, market.served.clock.now()
    certificate = await served.api(
        market.authority,
        "POST",
        "/certificates",
        {
            "org_id": market.broker.org_id,
            "cert_no": "GZ-DB-2026-0001",
            "broker_type": "M",
            "grade": 2,
            "sectors": ["energy", "transport"],
            "max_level": "general-2",
            "valid_from": rfc3339(now - timedelta(days=200)),
            "valid_to": rfc3339(now + timedelta(days=500)),
            "decided_on": "2025-12-01",
            "decision_sha256": "de" * 32,
        },
    )
    market.ids["certificate"] = certificate["cert_id"]
    mandate = await served.api(
        market.provider,
        "POST",
        "/mandates",
        {
            "broker_id": market.broker.org_id,
            "side": "PROVIDER",
            "scope": "能源数据产品的推介与磋商",
            "fee_bp": 200,
            "ends_at": rfc3339(now + timedelta(days=365)),
        },
    )
    market.ids["mandate"] = mandate["mandate_id"]
    path = f"/mandates/{mandate['mandate_id']}"
    read = sha256_hex(canonical(await served.api(market.broker, "GET", f"{path}/document")))
    await served.api(market.broker, "POST", f"{path}/accept", {"document_sha256": read})
    for name, number in (("provider", 3), ("broker", 4), ("buyer", 5)):
        await served.api(
            market.people[name],
            "PUT",
            "/payee-account",
            {"account": f"CN{20 + number}BANK{number:010d}", "holder": market.people[name].name},
        )


async def upload(served: Served, persona: Persona, name: str, raw: bytes) -> str:
    """A file kept for a member; answers its id."""
    headers = {"authorization": f"Bearer {served.token(persona)}", "file-name": name}
    async with served.client(headers=headers | {"content-type": "text/csv"}) as client:
        answer = await client.put("/api/v1/files", content=raw)
    assert answer.status_code == 201, answer.text
    file_id: str = answer.json()["file_id"]
    return file_id


async def _listing(market: Market, title: str, *, stage: str) -> str:
    served, provider = market.served, market.provider
    # a comment line would change the form, so the rows tell the files apart
    raw = CLEAN.replace("4401", {"LISTED": "4401", "REVIEW": "4403", "DRAFT": "4419"}[stage]).encode()
    file_id = await upload(served, provider, "goods.csv", raw)
    drafted = await served.api(
        provider,
        "POST",
        "/listings",
        {
            "file_id": file_id,
            "title": title,
            "description": "按县区和月份汇总的指数,每格不少于10家企业。Monthly index by county.",
            "scenario": "中小企业信贷风险模型",
            "category": "energy" if stage != "REVIEW" else "transport",
            "geo": "440000",
            "licence_class": "internal-use",
            "licence_of_data": "内部建模使用, 不得转售, 限境内",
            "unit": "set",
            "quantity": 1,
            "level": "general-2",
            "list_price_minor": 76_000_000,
        },
    )
    listing_id: str = drafted["listing_id"]
    if stage == "DRAFT":
        return listing_id
    await served.api(provider, "POST", f"/listings/{listing_id}/measure", DECLARED.document())
    await served.api(
        provider,
        "POST",
        f"/listings/{listing_id}/submit",
        {
            "source": "SELF_COLLECTED",
            "source_statement_sha256": sha256_hex(b"source statement"),
            "basis_ref": "SJ4412026090001",
        },
    )
    if stage == "LISTED":
        await served.api(market.operator, "POST", f"/listings/{listing_id}/review", {"decision": "APPROVE"})
        await served.api(market.operator, "POST", f"/listings/{listing_id}/publish")
    return listing_id


async def _trade(market: Market, upto: str, **terms: Any) -> str:
    """A trade of the listed product, brokered, up to a state; `terms` are what more each offer says."""
    served, clock = market.served, market.served.clock
    clock.advance(timedelta(minutes=5))
    trade = await served.api(
        market.buyer,
        "POST",
        f"/listings/{market.ids['listed']}/inquiries",
        {
            "purpose": "信贷风险模型的特征",
            "scenario": "中小企业信贷",
            "quantity": 1,
            "broker_id": market.broker.org_id,
        },
    )
    trade_id: str = trade["trade_id"]
    path = f"/trades/{trade_id}"
    if upto == "INQUIRED":
        return trade_id
    await served.api(market.provider, "POST", f"{path}/offers", _terms(market, 76_000_000) | terms)
    clock.advance(timedelta(minutes=30))
    await served.api(market.buyer, "POST", f"{path}/offers", _terms(market, 62_000_000) | terms)
    if upto == "NEGOTIATING":
        return trade_id
    clock.advance(timedelta(minutes=30))
    await served.api(market.provider, "POST", f"{path}/offers", _terms(market, 68_000_000) | terms)
    await served.api(market.buyer, "POST", f"{path}/accept", {"offer_no": 3})
    await served.api(market.broker, "POST", f"{path}/source-check", PAPERS)
    await served.api(market.provider, "POST", f"{path}/sign")
    if upto == "READY":
        return trade_id
    for name in ("buyer", "broker"):
        await served.api(market.people[name], "POST", f"{path}/sign")
    await pay(market, trade_id, 68_000_000)
    await served.api(market.provider, "POST", f"{path}/start-delivery")
    if upto == "DELIVERING":
        return trade_id
    await served.api(market.buyer, "POST", f"{path}/confirm-receipt")
    if upto == "DELIVERED":
        return trade_id
    await served.api(market.buyer, "POST", f"{path}/accept-goods", {})
    await settle(market, trade_id)
    return trade_id


def _terms(market: Market, price_minor: int) -> dict[str, Any]:
    return {
        "price_minor": price_minor,
        "quantity": 1,
        "unit": "set",
        "licence_class": "internal-use",
        "term_months": 12,
        "purpose": "信贷风险模型的特征",
        "expires_at": rfc3339(market.served.clock.now() + timedelta(days=5)),
    }


async def pay(market: Market, trade_id: str, amount_minor: int) -> None:
    """The buyer's money reaches escrow, and the bank says so."""
    day = market.served.clock.now().date().isoformat()
    await market.served.bank_says(
        Entry(
            entry_id=Seed().new_id("ent", market.served.clock.now()),
            credit=True,
            amount_minor=amount_minor,
            booked_on=day,
            valued_on=day,
            end_to_end_id="NOTPROVIDED",
            party_name="湾区普惠银行",
            party_account="CN25BANK0000000005",
            reference=trade_id,
        )
    )


async def settle(market: Market, trade_id: str) -> None:
    """The next working day: the exchange instructs, the bank pays and says so."""
    served = market.served
    served.clock.advance(timedelta(days=1, hours=2))
    house, escrow = served.node.house, served.node.escrow
    assert escrow is not None

    async def instructed(s: WriteSession, act: Act) -> Any:
        return await instruct(s, act, trade_id=trade_id, escrow=escrow)

    act = house.exchange_act()
    instruction = await perform(house, act, instructed, attempted="PAY.INSTRUCT", object_id=trade_id)
    day = served.clock.now().date().isoformat()
    await served.bank_says(
        *(
            Entry(
                entry_id=Seed().new_id("ent", served.clock.now()),
                credit=False,
                amount_minor=int(payout["amount_minor"]),
                booked_on=day,
                valued_on=day,
                end_to_end_id=payout["end_to_end_id"],
                party_name="payee",
                party_account=payout["account"],
                reference=trade_id,
                message_id=instruction.message_id,
            )
            for payout in instruction.payouts
        )
    )


def make_template(folder: Path) -> Path:
    """Build the market on disk, in an event loop of its own."""

    async def made() -> None:
        clock = SimulatedClock(START)
        async with serving(folder, clock) as served:
            market = await build(served)
            about = {
                "now": rfc3339(clock.now()),
                "ids": market.ids,
                "people": {
                    name: {
                        "org_id": one.org_id,
                        "user_id": one.user_id,
                        "name": one.name,
                        "login": one.login,
                        "roles": sorted(one.roles),
                    }
                    for name, one in market.people.items()
                },
            }
            (folder / "market.json").write_bytes(orjson.dumps(about))
            key = market.provider.key
            assert key is not None
            (folder / "provider.key").write_bytes(key.to_bytes())

    asyncio.run(made())
    return folder


@asynccontextmanager
async def copied(template: Path, folder: Path, **more: Any) -> AsyncIterator[Market]:
    """A copy of the market, open; `more` are settings of its own."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    about = orjson.loads((folder / "market.json").read_bytes())
    key = SigningKey.from_bytes((folder / "provider.key").read_bytes())
    people = {
        name: Persona(
            one["org_id"],
            one["user_id"],
            one["name"],
            one["login"],
            frozenset(one["roles"]),
            key if name == "provider" else None,
        )
        for name, one in about["people"].items()
    }
    async with opened(folder, SimulatedClock(datetime.fromisoformat(about["now"])), **more) as served:
        served.operator = people["operator"]
        yield Market(served, people, about["ids"])
