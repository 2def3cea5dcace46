"""A market with trades in every state: made once a session for each kind of database, then copied.

`scene.trades["FUNDED"]` is the id of a trade that stands there. Everything was done by the services, on
the dates of scenario SC-1; the scene's clock stands at 09:30 in Shanghai on Monday, 16 November 2026.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlmodel import col, select

from bank.amounts import account_number
from base.clock import SimulatedClock
from base.db import Database, ReadSession
from base.jobs import run_due
from base.signing import SigningKey
from brokers.conduct.records import Papers
from brokers.conduct.repository import source_check_of
from brokers.mandates.repository import terms_of
from brokers.rules import BrokerType, Side
from brokers.service import CertificateScope, accept_mandate, certify, revoke_mandate, sign_mandate
from brokers.tables import MandateRow
from ledger.balances import balance, totals
from ledger.tables import StatementRow
from market.delivery.service import accept_goods, confirm_receipt, start_delivery
from market.listings.tables import Listing
from market.orders.repository import get_trade
from market.orders.rules import TradeState
from market.orders.service import OfferTerms, inquire, make_offer, refuse_trade, sign_contract
from market.orders.tables import Offer, Trade
from market.orders.vouching import check_source, filed_source
from market.settlement.inbox import hear_bank
from market.settlement.payees import set_payee_account
from market.settlement.repository import instructions_of
from market.settlement.tables import Instruction
from market.trade.accepting import accept_offer
from market.trade.clockwork import handlers
from market.trade.freezing import freeze_trade
from registry.rules import Level
from tests.houses import Party, TestHouse, make_house, moved
from tests.market.listings.goods import listed
from tests.market.settlement.bank_side import ESCROW, BankSide

PRICE: Final = 68_000_000  # 680,000.00 yuan, the test vector of §2.7
COMMISSION: Final = 1_360_000
PLATFORM_FEE: Final = 680_000
SELLER_PART: Final = 65_960_000
EARLIER: Final = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)
THURSDAY: Final = datetime(2026, 11, 12, 1, 0, tzinfo=UTC)  # what is accepted now is settled on Friday
MORNING: Final = datetime(2026, 11, 16, 1, 30, tzinfo=UTC)  # SC-1: the escrow is funded on this day
VALID: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 6, 30, 15, 59, tzinfo=UTC))
ENDS_AT: Final = datetime(2027, 6, 30, tzinfo=UTC)


def terms(price_minor: int = PRICE, *, expires_at: datetime, **changes: Any) -> OfferTerms:
    """Terms as in SC-1: internal modelling, mainland only, 12 months."""
    said = {
        "price_minor": price_minor,
        "quantity": 1,
        "unit": "set",
        "licence_class": "internal-use",
        "term_months": 12,
        "purpose": "内部建模",
        "territory": "CN",
        "expires_at": expires_at,
    }
    return OfferTerms(**(said | changes))


async def papers_of(s: ReadSession, listing_id: str) -> Papers:
    """What a diligent broker holds of a listing's source and of both parties."""
    source = await filed_source(s, listing_id=listing_id)
    assert source is not None
    return Papers(source, "5e" * 32, "b1" * 32, ("来源说明.pdf", "卖方身份核验.pdf", "买方身份核验.pdf"))


@dataclass
class Scene:
    """The house, its people, and what each of them does in a trade."""

    house: TestHouse
    clock: SimulatedClock
    seller: Party
    buyer: Party
    broker: Party
    authority: Party
    samr: Party
    stranger: Party
    bank: BankSide
    listing: Listing
    cert_id: str
    mandate_id: str
    trades: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.house.database

    def on(self, database: Database) -> "Scene":
        """The same market in a copy of its database, with a clock of its own."""
        clock = SimulatedClock(self.clock.now())
        house = moved(self.house, database, clock)
        people = {
            name: replace(getattr(self, name), house=house.house)
            for name in ("seller", "buyer", "broker", "authority", "samr", "stranger")
        }
        return replace(
            self, house=house, clock=clock, bank=self.bank.copy(), trades=dict(self.trades), **people
        )

    async def trade(self, trade_id: str) -> Trade:
        async with self.database.read() as s:
            return await get_trade(s, trade_id=trade_id)

    async def events(self, trade_id: str) -> list[str]:
        """What was stated about a trade, in order."""
        async with self.database.read() as s:
            query = select(StatementRow.event).where(StatementRow.object_id == trade_id)
            return list(await s.exec(query.order_by(col(StatementRow.id))))

    async def inquire(self, *, who: Party | None = None, **facts: Any) -> Trade:
        """The buyer asks, and names the seller's broker."""
        facts = {"listing_id": self.listing.listing_id, "broker_id": self.broker.org_id} | facts
        return await (who or self.buyer).do(
            inquire,
            role=facts.pop("role", "BUYER"),
            attempted="TRD.INQUIRE",
            object_id=facts["listing_id"],
            purpose="内部建模",
            scenario="中小企业信贷风险模型",
            quantity=1,
            **facts,
        )

    async def offer(
        self, trade_id: str, who: Party, price_minor: int = PRICE, *, role: str | None = None, **changes: Any
    ) -> Offer:
        expires_at = changes.pop("expires_at", self.clock.now() + timedelta(days=5))
        return await who.do(
            make_offer,
            role=role,
            attempted="TRD.OFFER",
            object_id=trade_id,
            trade_id=trade_id,
            terms=terms(price_minor, expires_at=expires_at, **changes),
        )

    async def accept(self, trade_id: str, who: Party, offer_no: int = 1, *, role: str | None = None) -> Trade:
        return await who.do(
            accept_offer,
            role=role,
            attempted="TRD.ACCEPT",
            object_id=trade_id,
            trade_id=trade_id,
            offer_no=offer_no,
        )

    async def vouch(self, trade_id: str) -> None:
        """The broker records what it has checked, unless it has, or there is nothing to sign."""
        async with self.database.read() as s:
            trade = await get_trade(s, trade_id=trade_id)
            known = await source_check_of(s, trade_id=trade_id, broker_id=self.broker.org_id)
            papers = await papers_of(s, trade.listing_id)
        if known is None and trade.broker_id and trade.status is TradeState.CONTRACT_READY:
            await self.broker.do(
                check_source, attempted="CND.CHECK", object_id=trade_id, trade_id=trade_id, papers=papers
            )

    async def sign(self, trade_id: str, *who: Party) -> Trade:
        """These sign the contract, in this order; by default all."""
        for party in who or (self.seller, self.buyer, self.broker):
            if party.org_id == self.broker.org_id:
                await self.vouch(trade_id)
            trade = await party.do(sign_contract, attempted="TRD.SIGN", object_id=trade_id, trade_id=trade_id)
        return trade

    async def hear(self, envelope: Any, *, batch: Any = None) -> Mapping[str, Any]:
        """A notification of the bank comes in; a debit through the batch writer, where there is one."""
        outcome = await hear_bank(self.house.house, envelope=envelope, escrow=ESCROW, batch=batch)
        self.bank.book(envelope)
        return outcome

    async def fund(self, trade_id: str, amount_minor: int = PRICE) -> Mapping[str, Any]:
        return await self.hear(self.bank.credit(trade_id, amount_minor, at=self.clock.now()))

    async def settle(self, trade_id: str) -> Mapping[str, Any]:
        """The bank tells that it has paid what was instructed last."""
        instruction = await self.instruction(trade_id)
        return await self.hear(self.bank.debit(instruction, at=self.clock.now()))

    async def start_delivery(self, trade_id: str) -> Any:
        return await self.seller.do(
            start_delivery, attempted="TRD.START_DELIVERY", object_id=trade_id, trade_id=trade_id
        )

    async def confirm(self, trade_id: str) -> Trade:
        return await self.buyer.do(
            confirm_receipt, attempted="TRD.DELIVERED", object_id=trade_id, trade_id=trade_id
        )

    async def accept_goods(self, trade_id: str) -> Trade:
        return await self.buyer.do(
            accept_goods, attempted="TRD.ACCEPT_GOODS", object_id=trade_id, trade_id=trade_id
        )

    async def run_jobs(self, at: datetime | None = None) -> int:
        """Move the clock and do what is due, without a bank but with its account known."""
        if at is not None:
            self.clock.move_to(at)
        due = handlers(self.house.house, self.bank.client(self.house.exchange_key), ESCROW)
        return await run_due(self.database, self.clock.now(), due)

    async def instruction(self, trade_id: str) -> Instruction:
        """The latest instruction of a trade."""
        async with self.database.read() as s:
            return (await instructions_of(s, trade_id=trade_id))[-1]

    async def held(self, trade_id: str) -> int:
        """What is held on a trade, in fen."""
        async with self.database.read() as s:
            return -await balance(s, f"held:{trade_id}")

    async def totals(self) -> tuple[int, int]:
        async with self.database.read() as s:
            return await totals(s)

    async def mandate(self, client: Party, side: Side, *, broker: Party | None = None, **facts: Any) -> str:
        """A mandate of a client, accepted by the broker; answers its id."""
        agent = broker or self.broker
        said = {"listing_id": None, "scope": "negotiate and conclude", "fee_bp": 200, "ends_at": ENDS_AT}
        signed: MandateRow = await client.do(
            sign_mandate,
            role=side.value,
            attempted="MND.SIGN",
            broker_id=agent.org_id,
            side=side,
            **(said | facts),
        )
        async with self.database.read() as s:
            terms = await terms_of(s, mandate_id=signed.mandate_id)
        assert terms is not None
        await agent.do(
            accept_mandate,
            attempted="MND.ACCEPT",
            object_id=signed.mandate_id,
            mandate_id=signed.mandate_id,
            document_sha256=terms.document_sha256,
        )
        return signed.mandate_id

    async def walk(self, state: TradeState, **facts: Any) -> str:
        """A new trade, brought to a state; answers its id."""
        trade_id = (await self.inquire(**facts)).trade_id
        if state is TradeState.INQUIRED:
            return trade_id
        await self.offer(trade_id, self.seller)
        if state is TradeState.NEGOTIATING:
            return trade_id
        await self.accept(trade_id, self.buyer)
        await self.vouch(trade_id)
        if state is TradeState.CONTRACT_READY:
            return trade_id
        await self.sign(trade_id)
        for reached, step in (
            (TradeState.CONTRACTED, self.fund),
            (TradeState.FUNDED, self.start_delivery),
            (TradeState.DELIVERING, self.confirm),
            (TradeState.DELIVERED, self.accept_goods),
        ):
            if state is reached:
                break
            await step(trade_id)
        return trade_id


async def make_scene(database: Database) -> Scene:
    """A furnished market, with trades brought everywhere."""
    scene = await furnish(database)
    await _bring_everywhere(scene)
    return scene


async def furnish(database: Database) -> Scene:
    """Found the house, admit everybody, list one product, certify the broker: a market without a trade."""
    clock = SimulatedClock(EARLIER)
    house = await make_house(database, clock)
    seller = await house.admit("粤能数科", {"PROVIDER"})
    buyer = await house.admit("湾区普惠银行", {"BUYER"})
    broker = await house.admit("珠江数据经纪", {"BROKER"})
    authority = await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"})
    samr = await house.admit("市场监督管理局", {"SAMR"})
    stranger = await house.admit("旁观科技", {"PROVIDER", "BUYER"})
    scene = Scene(
        house=house,
        clock=clock,
        seller=seller,
        buyer=buyer,
        broker=broker,
        authority=authority,
        samr=samr,
        stranger=stranger,
        bank=BankSide(SigningKey.generate()),
        listing=await listed(house, seller),
        cert_id=(await certified(authority, broker)).cert_id,
        mandate_id="",
    )
    scene.mandate_id = await scene.mandate(seller, Side.PROVIDER)
    for number, party in enumerate((seller, broker), start=11):
        await party.do(
            set_payee_account,
            attempted="PAY.ACCOUNT",
            account=account_number(number),
            holder=party.organisation.name,
        )
    return scene


async def certified(authority: Party, broker: Party, *, cert_no: str = "GD-DB-M-2-0001", **facts: Any) -> Any:
    """A certificate of type M, grade 2, for energy data up to general-2."""
    scope = CertificateScope(
        broker_type=BrokerType.MANDATE, grade=2, sectors=("energy",), max_level=Level.GENERAL_2
    )
    said = {"scope": scope, "valid_from": VALID[0], "valid_to": VALID[1]} | facts
    return await authority.do(
        certify,
        attempted="BRK.CERTIFY",
        object_id=broker.org_id,
        org_id=broker.org_id,
        cert_no=cert_no,
        **said,
    )


async def _bring_everywhere(scene: Scene) -> None:
    trades = scene.trades
    trades["LAPSED"] = await scene.walk(TradeState.INQUIRED)
    trades["CANCELLED"] = await scene.walk(TradeState.CONTRACTED)
    scene.clock.move_to(THURSDAY)
    trades["SETTLED"] = await scene.walk(TradeState.ACCEPTED_GOODS)
    await scene.run_jobs(THURSDAY + timedelta(days=1))  # T+1
    await scene.settle(trades["SETTLED"])
    await scene.run_jobs(MORNING)
    for state in (
        TradeState.INQUIRED,
        TradeState.NEGOTIATING,
        TradeState.CONTRACT_READY,
        TradeState.CONTRACTED,
        TradeState.FUNDED,
        TradeState.DELIVERING,
        TradeState.DELIVERED,
        TradeState.ACCEPTED_GOODS,
    ):
        trades[state.value] = await scene.walk(state)
    trades["REFUSED"] = await scene.walk(TradeState.NEGOTIATING)
    await scene.seller.do(
        refuse_trade,
        attempted="TRD.REFUSE",
        object_id=trades["REFUSED"],
        trade_id=trades["REFUSED"],
        reason_code="CAPACITY",
    )
    trades["FROZEN"] = await scene.walk(TradeState.DELIVERING)
    await scene.samr.do(
        freeze_trade,
        attempted="TRD.FREEZE",
        object_id=trades["FROZEN"],
        trade_id=trades["FROZEN"],
        order_id="ord_frozen",
        reason_code="SUSPECTED_WASH",
    )
    trades["BLOCKED"] = await _blocked(scene)


async def _blocked(scene: Scene) -> str:
    """A trade whose broker's client consents to a conflict of interest, and the other side does not."""
    mandate_id = await scene.mandate(
        scene.seller, Side.PROVIDER, listing_id=scene.listing.listing_id, conflict_disclosed=True
    )
    trade_id = await scene.walk(TradeState.CONTRACT_READY)
    await scene.seller.do(revoke_mandate, attempted="MND.REVOKE", object_id=mandate_id, mandate_id=mandate_id)
    return trade_id


async def both(first: Any, second: Any) -> list[Any]:
    """Two acts at once: what each answered, or the error it raised."""
    return await asyncio.gather(first, second, return_exceptions=True)
