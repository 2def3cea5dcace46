"""Trades that are moved as their owners move them, so that money goes back: what settlement does follows."""

from datetime import datetime, timedelta

from base.db import WriteSession
from ledger.recording import Act, record
from market.orders import repository as trades
from market.orders.rules import TradeEvent
from market.orders.statements import step
from market.orders.tables import Trade
from market.settlement.claims import open_claims
from market.settlement.plan import Payee, owed_back
from market.settlement.refunding import divide, queue_refund, released
from market.settlement.repository import claims_of
from tests.houses import Party
from tests.market.trade.scene import PRICE, Scene

EVERYBODY = frozenset({Payee.BROKER, Payee.PLATFORM})


async def _moved(s: WriteSession, act: Act, trade_id: str, event: TradeEvent) -> Trade:
    trade = await trades.claim_trade(s, trade_id=trade_id)
    before = trade.status
    await trades.move(s, trade=trade, event=event, role=act.role)
    await record(s, act, step(trade, event, before))
    return trade


async def _fail(s: WriteSession, act: Act, *, trade_id: str, event: TradeEvent) -> Trade:
    trade = await _moved(s, act, trade_id, event)
    await queue_refund(s, act, trade_id=trade_id)
    return trade


async def _divide(s: WriteSession, act: Act, *, trade_id: str, refund_minor: int, at: datetime) -> Trade:
    await _moved(s, act, trade_id, TradeEvent.DISPUTE)
    trade = await _moved(s, act, trade_id, TradeEvent.PARTIAL)
    await divide(s, act, trade=trade, refund_minor=refund_minor, at=at)
    return trade


async def _claim_back(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    refund_minor: int,
    returning: frozenset[Payee],
    due_at: datetime,
) -> Trade:
    trade = await _moved(s, act, trade_id, TradeEvent.POST_REFUND)
    owed = owed_back(await released(s, trade_id=trade_id), refund_minor, returning=returning)
    await open_claims(s, act, trade=trade, owed=owed, due_at=due_at)
    return trade


async def fail(
    scene: Scene, trade_id: str, event: TradeEvent = TradeEvent.DELIVERY_FAIL, who: Party | None = None
) -> Trade:
    """Nothing was delivered (or the contract is void): what is held goes back."""
    said = {"trade_id": trade_id, "event": event}
    return await (who or scene.house.operator).do(_fail, attempted=f"TRD.{event}", object_id=trade_id, **said)


async def partly(scene: Scene, trade_id: str, refund_minor: int, at: datetime) -> Trade:
    """A dispute ended with part of the price going back."""
    said = {"trade_id": trade_id, "refund_minor": refund_minor, "at": at}
    return await scene.house.operator.do(_divide, attempted="TRD.PARTIAL", object_id=trade_id, **said)


async def claim_back(
    scene: Scene,
    trade_id: str,
    refund_minor: int,
    due_at: datetime,
    returning: frozenset[Payee] = EVERYBODY,
) -> Trade:
    """After release: who was paid pays back."""
    said = {"trade_id": trade_id, "refund_minor": refund_minor, "due_at": due_at, "returning": returning}
    return await scene.house.operator.do(_claim_back, attempted="TRD.POST_REFUND", object_id=trade_id, **said)


async def every_way(scene: Scene, at: datetime) -> None:
    """Trades settled, settled in part, refunded, and refunded after release; due at `at`."""
    await fail(scene, scene.trades["FUNDED"])
    await partly(scene, scene.trades["DELIVERED"], 33_333_333, at)
    await claim_back(scene, scene.trades["SETTLED"], PRICE, at + timedelta(days=9))
    async with scene.database.read() as s:
        claims = await claims_of(s, trade_id=scene.trades["SETTLED"])
    for claim in claims:
        await scene.fund(claim.claim_id, claim.amount_minor)
    await scene.run_jobs(at)
    for state in ("FUNDED", "DELIVERED", "SETTLED", "ACCEPTED_GOODS"):
        await scene.settle(scene.trades[state])
