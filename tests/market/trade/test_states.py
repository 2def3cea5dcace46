"""What a trade's state does not take is refused through every service, and moves nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from base.errors import Conflict
from market.delivery.service import silent_accept
from market.orders.errors import TradeWrongRole, TradeWrongState
from market.orders.rules import TradeEvent, TradeState, allowed_events
from market.orders.service import cancel_unfunded, refuse_trade, time_out
from market.settlement.errors import EscrowFundedBefore, FundingFrozen
from market.settlement.instructing import instruct
from market.trade.freezing import end_freeze, freeze_trade, unfreeze_trade
from tests.market.settlement.bank_side import ESCROW
from tests.market.trade.scene import Scene
from tests.standstill import RECORD, fingerprints, refused, told

KEPT = frozenset({"market_bank_messages"})  # a refused payment's decision is kept, see test_funding
Verb = Callable[[Scene, str], Awaitable[Any]]


def refuse(scene: Scene, trade_id: str) -> Awaitable[Any]:
    return scene.seller.do(
        refuse_trade, attempted="TRD.REFUSE", object_id=trade_id, trade_id=trade_id, reason_code="CAPACITY"
    )


def freeze(scene: Scene, trade_id: str) -> Awaitable[Any]:
    return scene.samr.do(
        freeze_trade,
        attempted="TRD.FREEZE",
        object_id=trade_id,
        trade_id=trade_id,
        order_id="ord_1",
        reason_code="WT1",
    )


def unfreeze(scene: Scene, trade_id: str) -> Awaitable[Any]:
    return scene.samr.do(
        unfreeze_trade,
        attempted="TRD.UNFREEZE",
        object_id=trade_id,
        trade_id=trade_id,
        order_id="ord_2",
        reason_code="CLEARED",
    )


VERBS: dict[TradeEvent, list[Verb]] = {
    TradeEvent.OFFER: [lambda scene, trade_id: scene.offer(trade_id, scene.seller)],
    TradeEvent.COUNTER_OFFER: [lambda scene, trade_id: scene.offer(trade_id, scene.buyer)],
    TradeEvent.REFUSE: [refuse],
    TradeEvent.ACCEPT: [lambda scene, trade_id: scene.accept(trade_id, scene.buyer)],
    TradeEvent.SIGN: [
        lambda scene, trade_id: scene.sign(trade_id, scene.seller),
        lambda scene, trade_id: scene.sign(trade_id, scene.broker),
    ],
    TradeEvent.FUND: [lambda scene, trade_id: scene.fund(trade_id)],
    TradeEvent.START_DELIVERY: [lambda scene, trade_id: scene.start_delivery(trade_id)],
    TradeEvent.DELIVERED: [lambda scene, trade_id: scene.confirm(trade_id)],
    TradeEvent.ACCEPT_GOODS: [lambda scene, trade_id: scene.accept_goods(trade_id)],
    TradeEvent.FREEZE: [freeze],
    TradeEvent.UNFREEZE: [unfreeze],
}


async def test_every_event_that_a_state_does_not_take_is_refused_and_moves_nothing(scene):
    before, then = await fingerprints(scene.database), await told(scene.database)
    tried = 0
    for state, trade_id in scene.trades.items():
        taken = set(allowed_events(TradeState(state)))
        if taken & {TradeEvent.OFFER, TradeEvent.COUNTER_OFFER}:
            taken |= {TradeEvent.OFFER, TradeEvent.COUNTER_OFFER}  # who may begin is the negotiation's matter
        for event, verbs in VERBS.items():
            for verb in verbs if event not in taken else ():
                with pytest.raises(Conflict) as caught:
                    await verb(scene, trade_id)
                kind = type(caught.value)
                assert kind in {TradeWrongState, EscrowFundedBefore, FundingFrozen}, (state, event)
                if kind is TradeWrongState:
                    assert caught.value.facts["state"] == state
                tried += 1
    assert tried == 145
    after, now = await fingerprints(scene.database), await told(scene.database)
    assert [name for name in before if before[name] != after[name] and name not in RECORD | KEPT] == []
    assert now.times - then.times == tried
    assert now.statements - then.statements == len(now.codes) - len(then.codes)


async def test_the_clock_does_nothing_to_a_trade_that_does_not_wait_for_it(scene):
    before = await fingerprints(scene.database)
    for state, trade_id in scene.trades.items():
        async with scene.database.write() as s:
            act = scene.house.house.exchange_act()
            done = [
                await time_out(s, act, trade_id=trade_id),
                await cancel_unfunded(s, act, trade_id=trade_id),
                await silent_accept(s, act, trade_id=trade_id),
                await instruct(s, act, trade_id=trade_id, escrow=ESCROW),
                await end_freeze(s, act, trade_id=trade_id, order_id="ord_frozen"),
            ]
        assert not any(done), state
    assert await fingerprints(scene.database) == before


async def test_a_second_settlement_is_refused_and_moves_no_money(scene):
    trade_id = scene.trades["SETTLED"]
    money = await scene.totals()
    async with refused(scene.database, TradeWrongState):
        await scene.settle(trade_id)
    assert await scene.totals() == money
    assert await scene.held(trade_id) == 0


async def test_the_exchange_does_not_lift_a_regulators_freeze(scene):
    trade_id = scene.trades["FROZEN"]
    async with refused(scene.database, TradeWrongRole):
        await scene.house.operator.do(
            unfreeze_trade,
            attempted="TRD.UNFREEZE",
            object_id=trade_id,
            trade_id=trade_id,
            order_id="ord_2",
            reason_code="CLEARED",
        )


async def test_only_regulators_and_the_exchange_freeze(scene):
    posing = Scene(**{**vars(scene), "samr": scene.seller})
    for verb, state in ((freeze, "FUNDED"), (unfreeze, "FROZEN")):
        async with refused(scene.database, TradeWrongRole):
            await verb(posing, scene.trades[state])
