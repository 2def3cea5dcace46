"""Trades that are disputed, paid back or made void: over real HTTP, beside a real bank process.

Four trades at one exchange, keys held at home: part of the price goes back by agreement; a panel rules for
the buyer; a settled one is claimed back from everybody; a funded one is made void. At the end the bank's
books, the postings and the ledger agree.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from base.clock import SHANGHAI, rfc3339
from cli.audit_database import rows_of
from cli.exporting import export_bundle
from cli.found import enrol_here
from identity.passwords import hash_password
from identity.pens import HeldPen
from identity.repository import list_people
from ledger.acts import perform
from ledger.balances import totals
from ledger.bundle import Edition
from ledger.recording import Actor
from supervision.audit import audit
from tests.cases.opening import investigate
from tests.cases.test_orders import FINDING
from tests.houses import some_id_number
from tests.identity.unmoved import statements
from tests.web.api import goods
from tests.web.api.desk import Desk
from tests.web.api.live import Live, live
from tests.web.api.test_whole_way import list_goods, mandate
from tests.web.market import PAPERS

PRICE = 68_000_000
SELLER_PART, COMMISSION, PLATFORM_FEE = 65_960_000, 1_360_000, 680_000


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


@dataclass
class Undone:
    """The world and who is in it."""

    world: Live
    provider: Desk
    buyer: Desk
    broker: Desk
    samr: Desk
    listing_id: str

    async def trade(self, upto: str) -> str:
        """A new trade, brought to a state by its parties."""
        asked = {"purpose": "信用风险建模", "scenario": "内部建模", "quantity": 1}
        inquiry = await self.buyer.act(
            f"/listings/{self.listing_id}/inquiries", asked | {"broker_id": self.broker.org_id}
        )
        path = f"/trades/{inquiry['trade_id']}"
        expires_at = rfc3339(self.world.clock.now() + timedelta(days=7))
        await self.broker.act(f"{path}/offers", goods.offer(PRICE, expires_at))
        await self.buyer.act(f"{path}/accept", {"offer_no": 1})
        await self.broker.act(f"{path}/source-check", PAPERS)
        for desk in (self.provider, self.buyer, self.broker):
            await desk.act(f"{path}/sign")
        trade_id: str = inquiry["trade_id"]
        paid = await self.world.pay(self.buyer, amount_minor=PRICE, reference=trade_id, name=trade_id[-20:])
        assert paid["status"] == "booked"
        if upto == "FUNDED":
            return trade_id
        await self.provider.act(f"{path}/start-delivery")
        await self.buyer.act(f"{path}/confirm-receipt")
        await self.world.work()
        assert await self.state(trade_id) == "DELIVERED"
        return trade_id

    async def state(self, trade_id: str) -> str:
        found = await self.buyer.get(f"/trades/{trade_id}")
        return str(found["status"])


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.soak])]
)
async def undone(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Undone]:
    if request.param == "sqlite":
        async with live(tmp_path, at(9, 9)) as world:
            yield await peopled(world)
        return
    server = request.getfixturevalue("postgres")
    name = f"undone_{tmp_path.name[:20]}"
    url = await server.create(name)
    try:
        async with live(tmp_path, at(9, 9), database_url=url) as world:
            yield await peopled(world)
    finally:
        await server.drop(name)


async def peopled(world: Live) -> Undone:
    provider = await world.admit("粤能数科", "PROVIDER", money_minor=10**9)
    buyer = await world.admit("湾区普惠银行", "BUYER", money_minor=10**9)
    broker = await world.admit("珠江数据经纪", "BROKER", money_minor=10**8)
    authority = await world.admit("广州市数据局", "DATA_AUTHORITY", self_held=False)
    samr = await world.admit("广州市市场监管局", "SAMR")
    listing_id = await list_goods(world, provider)
    await mandate(world, provider, broker, authority)
    await world.move_to(at(10, 10))
    return Undone(world, provider, buyer, broker, samr, listing_id)


async def test_what_goes_wrong_is_undone_to_the_fen(undone: Undone) -> None:
    world = undone.world
    partly, ruled, voided = [await undone.trade(upto) for upto in ("DELIVERED", "DELIVERED", "FUNDED")]
    settled = await undone.trade("DELIVERED")
    await undone.buyer.act(f"/trades/{settled}/accept-goods", {})
    await agree_on_a_part(undone, partly)
    await rule_for_the_buyer(undone, ruled)
    await make_void(undone, voided)
    await world.work()
    assert [await undone.state(one) for one in (ruled, voided)] == ["REFUNDED", "VOIDED"]
    await world.move_to(at(11, 9))  # T+1
    await world.work()
    assert [await undone.state(one) for one in (partly, settled)] == ["SETTLED", "SETTLED"]
    await claim_back(undone, settled)
    await world.move_to(at(13, 3))
    await world.work()
    reconciled = [
        said["predicate"]["matched"] for said in await statements(world.node.database, "PAY.RECONCILE")
    ]
    assert reconciled
    assert all(reconciled)
    async with world.node.database.read() as s:
        assert await totals(s) == (0, 0)
    await bank_has_paid(undone)
    await audited(world)


async def agree_on_a_part(undone: Undone, trade_id: str) -> None:
    """The buyer disputes, the provider offers too little, the buyer asks for a quarter, and gets it."""
    path, buyer, provider = f"/trades/{trade_id}", undone.buyer, undone.provider
    shown = {"name": "profile.json", "sha256": "ab" * 32}
    opened = await buyer.act(
        f"{path}/dispute", {"ground": "QUALITY", "text": "三个字段为空", "evidence": [shown]}
    )
    assert (opened["status"], opened["mediate_by"]) == ("OPEN", "2026-12-08T15:59:59.999000Z")
    stopped = await buyer.call("POST", f"{path}/accept-goods", {})
    assert (stopped.status_code, stopped.json()["code"]) == (409, "trade-wrong-state")
    (mine,) = [one for one in await buyer.get("/entitlements") if one["trade_id"] == trade_id]
    refused = await buyer.call("GET", f"/entitlements/{mine['entitlement_id']}/file")
    assert refused.json()["code"] == "delivery-suspended"
    await provider.act(f"{path}/proposals", {"outcome": "PARTIAL", "refund_minor": 1_000_000})
    await provider.act(f"{path}/proposals/1/withdraw")
    gone = await buyer.call("POST", f"{path}/agree", {"proposal_no": 1})
    assert (gone.status_code, gone.json()["code"]) == (409, "proposal-not-open")
    await buyer.act(
        f"{path}/proposals", {"outcome": "PARTIAL", "refund_minor": 17_000_000, "note": "退四分之一"}
    )
    ended = await provider.act(f"{path}/agree", {"proposal_no": 2})
    assert (ended["outcome"], ended["basis"], ended["refund_minor"]) == ("PARTIAL", "AGREED", 17_000_000)
    room = await provider.get(f"{path}/dispute")
    assert [one["status"] for one in room["proposals"]] == ["WITHDRAWN", "AGREED"]
    assert (room["text"], room["evidence"]) == ("三个字段为空", [shown])


async def rule_for_the_buyer(undone: Undone, trade_id: str) -> None:
    """Three officers vote; one who is related steps back; what they say is read when they have ruled."""
    world, path = undone.world, f"/trades/{trade_id}"
    officers = [await officer(world, f"officer-{number}") for number in range(4)]
    await undone.buyer.act(f"{path}/dispute", {"ground": "NOT_AS_DESCRIBED", "text": "不是所购数据"})
    assert [one["trade_id"] for one in await world.operator.get("/disputes")] == [trade_id]
    await officers[3].act("/recusals", {"org_id": undone.provider.org_id})
    vote = {"outcome": "REFUND", "reasons": "抽样复核属实"}
    related = await officers[3].call("POST", f"{path}/votes", vote)
    assert (related.status_code, related.json()["code"]) == (403, "officer-related")
    await officers[0].act(f"{path}/votes", vote)
    again = await officers[0].call("POST", f"{path}/votes", vote)
    assert (again.status_code, again.json()["code"]) == (409, "voted-before")
    await officers[1].act(f"{path}/votes", {"outcome": "ACCEPT", "reasons": "约定不明"})
    before = await undone.buyer.get(f"{path}/dispute")
    assert (before["votes_given"], before["votes"]) == (2, [])
    assert "抽样复核属实" not in str(await undone.buyer.get(f"{path}/openings"))
    ruled = await officers[2].act(f"{path}/votes", vote)
    assert (ruled["outcome"], ruled["basis"], ruled["refund_minor"]) == ("REFUND", "PANEL", PRICE)
    after = await undone.buyer.get(f"{path}/dispute")
    assert sorted(one["outcome"] for one in after["votes"]) == ["ACCEPT", "REFUND", "REFUND"]
    assert "抽样复核属实" in str(await undone.buyer.get(f"{path}/openings"))
    assert await undone.state(trade_id) == "REFUND_PENDING"


async def officer(world: Live, login: str) -> Desk:
    """One of the exchange's people, whom two have looked at."""
    exchange = world.node.house.exchange.actor.org_id
    desk = Desk(world.http, login, exchange)
    number = some_id_number()
    enrolled = await world.operator.act(
        f"/organisations/{exchange}/people",
        {"login": login, "name": login, "password": desk.password, "id_number": number},
    )
    await (await registrar(world)).act(f"/people/{enrolled['user_id']}/identity", {"id_number": number})
    world.desks[login] = await desk.sign_in()
    return desk


async def registrar(world: Live) -> Desk:
    """A second person of the exchange, on the house's own word."""
    if "registrar" not in world.desks:
        exchange = world.node.house.exchange.actor.org_id
        desk = Desk(world.http, "registrar", exchange)
        hashed = await hash_password(desk.password, login="registrar")
        await enrol_here(world.node, exchange, name="人事", login="registrar", hashed=hashed)
        world.desks["registrar"] = await desk.sign_in()
    return world.desks["registrar"]


async def colleague(world: Live, desk: Desk, login: str) -> Desk:
    """Another person of an organisation, on the house's own word, who signs with the same key."""
    hashed = await hash_password(desk.password, login=login)
    number = some_id_number()
    await enrol_here(world.node, desk.org_id, name=login, login=login, hashed=hashed)
    other = await Desk(world.http, login, desk.org_id).sign_in()
    async with world.node.database.read() as s:
        person = next(one for one in await list_people(s, org_id=desk.org_id) if one.login == login)
    await (await registrar(world)).act(f"/people/{person.user_id}/identity", {"id_number": number})
    other.key = desk.key
    world.desks[login] = other
    return other


async def make_void(undone: Undone, trade_id: str) -> None:
    """An authority's order in an investigation; its key is held at home like everybody's."""
    house = undone.world.node.house
    actor = Actor(undone.samr.org_id, frozenset({"SAMR"}))

    async def investigation(s, act):
        return await investigate(s, act, finding=FINDING | {"objects": [trade_id]})

    assert undone.samr.key is not None
    case = await perform(
        house,
        house.act(actor, "SAMR", HeldPen(undone.samr.key)),
        investigation,
        attempted="CSE.FILE",
        object_id=trade_id,
    )
    order = {"measure": "VOID_TRADE", "object_id": trade_id, "reason_code": "ILLEGAL_CONTRACT"}
    odd = await undone.samr.call("POST", f"/cases/{case.case_id}/orders", order | {"refund_minor": 5})
    assert (odd.status_code, odd.json()["code"]) == (422, "order-malformed")
    proposed = await undone.samr.act(f"/cases/{case.case_id}/orders", order)
    assert await undone.state(trade_id) != "VOIDED"
    second = await colleague(undone.world, undone.samr, "samr-2")
    issued = await second.act(f"/orders/{proposed['order_id']}/confirm")
    assert issued["measure"] == "VOID_TRADE"
    assert await undone.state(trade_id) == "VOIDED"


async def claim_back(undone: Undone, trade_id: str) -> None:
    """Everybody who was paid pays back, exactly; the platform by itself; then the buyer is paid."""
    world, path = undone.world, f"/trades/{trade_id}"
    much = await world.operator.call(
        "POST", f"{path}/post-refund", {"ground": "ILLEGAL_SOURCE", "refund_minor": PRICE + 1}
    )
    assert (much.status_code, much.json()["code"]) == (409, "refund-beyond-paid")
    half = await world.operator.call("POST", f"{path}/post-refund", {"ground": "ILLEGAL_SOURCE", "bought": 5})
    assert half.status_code == 422
    refund = await world.operator.act(
        f"{path}/post-refund", {"ground": "ILLEGAL_SOURCE", "refund_minor": PRICE, "fault": ["SELLER"]}
    )
    assert (refund["refund_minor"], refund["fault"]) == (PRICE, ["SELLER"])
    owed = (await undone.provider.get(f"{path}/refund"))["claims"]
    assert {one["payee"]: one["amount_minor"] for one in owed} == {
        "SELLER": SELLER_PART,
        "BROKER": COMMISSION,
        "PLATFORM": PLATFORM_FEE,
    }
    await world.work()
    by_payee = {one["payee"]: one["claim_id"] for one in owed}
    short = await world.pay(
        undone.provider, amount_minor=SELLER_PART - 1, reference=by_payee["SELLER"], name="SHORT"
    )
    assert (short["status"], short["reason_code"]) == ("returned", "AM09")
    for desk, payee, amount in (
        (undone.provider, "SELLER", SELLER_PART),
        (undone.broker, "BROKER", COMMISSION),
    ):
        paid = await world.pay(desk, amount_minor=amount, reference=by_payee[payee], name=f"BACK{payee}")
        assert paid["status"] == "booked", paid
    await world.work()
    assert {one["status"] for one in (await undone.provider.get(f"{path}/refund"))["claims"]} == {"PAID"}
    assert await undone.state(trade_id) == "REFUNDED"


async def bank_has_paid(undone: Undone) -> None:
    """At the bank: the buyer has had everything back but three quarters of one price."""
    for desk, amount_minor in (
        (undone.buyer, 10**9 - 51_000_000),
        (undone.provider, 10**9 + 49_470_000),
        (undone.broker, 10**8 + 1_020_000),
    ):
        account = undone.world.accounts[desk.login]
        async with httpx.AsyncClient(base_url=undone.world.bank.base_url, trust_env=False) as bank:
            answer = await bank.get(
                f"/accounts/{account['account']}", headers={"authorization": f"Bearer {account['token']}"}
            )
        assert answer.raise_for_status().json()["balance_minor"] == amount_minor


async def audited(world: Live) -> None:
    out = world.folder / "bundle"
    size = await export_bundle(world.node, out, Edition.REGULATOR)
    rows, moved = await rows_of(world.node.settings.database_url, size=size)
    report = audit(out, [world.node.publisher.signer.vkey], rows=rows)
    assert (report.clean, report.pinned, moved) == (True, True, 0), report.document()
