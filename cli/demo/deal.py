"""One seeded trade, step by step: what each party does, and when the next step comes.

Steps of the same moment share a transaction of the batch writer, each behind its own savepoint, as
settlements do; every step is the service's own verb with its own statement.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final, TypeAlias

from base.calendar import add_working_days
from base.canonical import sha256_hex
from base.clock import SHANGHAI
from base.db import WriteSession
from brokers.conduct.records import Papers
from cli.demo.stall import LICENCE, UNIT, Stall
from cli.demo.world import Member, World
from ledger.batch import Command
from ledger.recording import Act
from market.delivery.downloads import count_sent, open_download
from market.delivery.service import accept_goods, confirm_receipt, start_delivery
from market.filing.rules import InvoiceTerms, Taxpayer
from market.filing.service import issue_invoice
from market.orders import service as orders
from market.orders.repository import get_trade
from market.orders.states import TradeState
from market.orders.vouching import check_source, filed_source
from market.trade.accepting import accept_offer
from pricing.whole import VAT_BP, whole_price

SLOTS: Final = ((10, 0), (15, 0))  # when business is done, Shanghai
PAPERS: Final = ("来源说明", "供方身份核验记录", "需方身份核验记录")  # in the broker's files
_PURPOSES: Final = ("信用风险建模", "运营分析", "市场研究", "算法训练", "选址分析")

Step: TypeAlias = tuple[Member, str, str, Callable[[WriteSession, Act], Awaitable[Any]]]


@dataclass
class Deal:
    """A trade under way. `steps` yields what comes next; `done` tells how it ended."""

    world: World
    stall: Stall
    buyer: Member
    broker: Member | None
    prices: list[int]
    rng: random.Random
    consumed: bool = True
    trade_id: str = ""
    stage: int = 0
    pays: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def next_slot(self, now: datetime) -> datetime:
        """The next moment at which somebody acts: the same day or one of the following."""
        local = now.astimezone(SHANGHAI)
        if self.stage == len(self._plan()) - 1:  # the invoice, when the bank has paid (T+1)
            return datetime.combine(add_working_days(local.date(), 2), time(*SLOTS[0]), SHANGHAI)
        later = [(h, m) for h, m in SLOTS if (h, m) > (local.hour, local.minute)]
        if later and self.rng.random() < 0.7:  # noqa: PLR2004 - most answers come the same day
            hour, minute = self.rng.choice(later)
            return local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        hour, minute = self.rng.choice(SLOTS)
        day = local + timedelta(days=1)
        return day.replace(hour=hour, minute=minute, second=0, microsecond=0)

    def signed_anew(self, now: datetime) -> datetime:
        """When the contract is signed once more: a round of the night has drawn it up without a reward."""
        self.stage = next(n for n, (_, _, event, _) in enumerate(self._plan()) if event == "TRD.SIGN")
        day = add_working_days(now.astimezone(SHANGHAI).date(), 2)
        return datetime.combine(day, time(*SLOTS[0]), SHANGHAI)

    def command(self) -> Command | None:
        """The next step as a command for the batch writer; None when the next step is a payment."""
        plan = self._plan()
        if self.stage >= len(plan):
            return None
        actor, role, event, verb = plan[self.stage]
        if event == "PAY":
            self.pays = True
            return None
        return Command(actor.act(role), verb, event, self.trade_id or self.stall.listing_id)

    @property
    def finished(self) -> bool:
        return self.stage >= len(self._plan())

    def _plan(self) -> list[Step]:
        seller, buyer = self.stall.seller, self.buyer
        steps: list[Step] = [(buyer, "BUYER", "TRD.INQUIRE", self._inquire)]
        for number, price in enumerate(self.prices):
            who, role = (seller, "PROVIDER") if number % 2 == 0 else (buyer, "BUYER")
            steps.append((who, role, "TRD.OFFER", self._offer(price)))
        accepter = (buyer, "BUYER") if len(self.prices) % 2 else (seller, "PROVIDER")
        steps.append((*accepter, "TRD.ACCEPT", self._accept))
        steps.append((seller, "PROVIDER", "TRD.SIGN", self._sign))
        steps.append((buyer, "BUYER", "TRD.SIGN", self._sign))
        if self.broker is not None:
            steps.append((self.broker, "BROKER", "CND.CHECK", self._check))
            steps.append((self.broker, "BROKER", "TRD.SIGN", self._sign))
        steps.append((buyer, "BUYER", "PAY", self._sign))
        steps.append((seller, "PROVIDER", "TRD.START_DELIVERY", self._deliver))
        steps.append((buyer, "BUYER", "TRD.DELIVERED", self._take if self.consumed else self._confirm))
        steps.append((buyer, "BUYER", "TRD.ACCEPT_GOODS", self._accept_goods))
        steps.append((seller, "PROVIDER", "TRD.INVOICE", self._invoice))
        return steps

    async def _inquire(self, s: WriteSession, act: Act) -> Any:
        trade = await orders.inquire(
            s,
            act,
            listing_id=self.stall.listing_id,
            purpose=self.rng.choice(_PURPOSES),
            scenario="内部使用",
            quantity=1,
            broker_id=self.broker.org_id if self.broker else None,
        )
        self.trade_id = trade.trade_id
        return trade

    def _offer(self, price_minor: int) -> Callable[[WriteSession, Act], Awaitable[Any]]:
        async def offer(s: WriteSession, act: Act) -> Any:
            terms = orders.OfferTerms(
                price_minor=price_minor,
                quantity=1,
                unit=UNIT,
                licence_class=LICENCE,
                term_months=12,
                purpose="内部使用",
                territory="CN",
                expires_at=act.occurred_at + timedelta(days=10),
            )
            return await orders.make_offer(s, act, trade_id=self.trade_id, terms=terms)

        return offer

    async def _accept(self, s: WriteSession, act: Act) -> Any:
        return await accept_offer(s, act, trade_id=self.trade_id, offer_no=len(self.prices))

    async def _check(self, s: WriteSession, act: Act) -> Any:
        source = await filed_source(s, listing_id=self.stall.listing_id)
        assert source is not None
        seller, buyer = (sha256_hex(f"{self.trade_id} {side}".encode()) for side in ("seller", "buyer"))
        papers = Papers(source, seller, buyer, PAPERS)
        return await check_source(s, act, trade_id=self.trade_id, papers=papers)

    async def _sign(self, s: WriteSession, act: Act) -> Any:
        return await orders.sign_contract(s, act, trade_id=self.trade_id)

    async def _deliver(self, s: WriteSession, act: Act) -> Any:
        entitlement = await start_delivery(s, act, trade_id=self.trade_id)
        self.extra["entitlement_id"] = entitlement.entitlement_id
        return entitlement

    async def _take(self, s: WriteSession, act: Act) -> Any:
        """Take the whole file in one request, as the delivery gate counts it."""
        opened = await open_download(s, act, entitlement_id=self.extra["entitlement_id"])
        assert opened.download_id is not None
        assert opened.reply.span is not None
        async for _ in self.world.node.files.read(opened.file):
            pass
        return await count_sent(
            s, act, download_id=opened.download_id, reserved=opened.reply.span, sent_to=opened.file.bytes
        )

    async def _confirm(self, s: WriteSession, act: Act) -> Any:
        return await confirm_receipt(s, act, trade_id=self.trade_id)

    async def _accept_goods(self, s: WriteSession, act: Act) -> Any:
        return await accept_goods(s, act, trade_id=self.trade_id)

    async def _invoice(self, s: WriteSession, act: Act) -> Any:
        """Invoice what was settled; what the bank has not paid is overdue in time, and stands in the work."""
        trade = await get_trade(s, trade_id=self.trade_id)
        if trade.status is not TradeState.SETTLED or trade.price_minor is None:
            return trade
        price = whole_price(trade.price_minor, commission_bp=0, platform_bp=0)
        day = act.occurred_at.astimezone(SHANGHAI).date()
        terms = InvoiceTerms(
            invoice_no=f"{day.year % 100}44{self.rng.randrange(10**16):016d}",
            issued_on=day,
            taxpayer=Taxpayer.GENERAL,
            vat_rate_bp=VAT_BP,
            net_minor=price.net_minor,
            vat_minor=price.vat_minor,
        )
        return await issue_invoice(s, act, trade_id=self.trade_id, terms=terms)
