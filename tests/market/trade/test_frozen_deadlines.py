"""Every deadline that a freeze moves or meets: what the clock does then is done, and done once.

For each state with a clock, in each order of deadline, freeze, round of the scheduler and release (those in
which it comes round after the release alone are a soak).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from market.disputes.repository import dispute_of
from market.orders.deadlines import due_in
from market.orders.states import TradeState
from market.trade.suspending import suspend_delivery
from tests.market.disputes.staging import agree, dispute, propose, work
from tests.market.trade.scene import PRICE, Scene
from tests.market.trade.test_freezing import freeze, unfreeze

S = TradeState
TICK = timedelta(milliseconds=1)
AN_HOUR = timedelta(hours=1)
DAYS = timedelta(days=12)


async def found(scene: Scene, state: TradeState) -> str:
    return scene.trades[state.value]


async def disputed(scene: Scene, _: TradeState) -> str:
    trade_id = scene.trades["DELIVERED"]
    await dispute(scene, trade_id)
    return trade_id


async def divided(scene: Scene, state: TradeState) -> str:
    trade_id = await disputed(scene, state)
    await propose(scene, trade_id, scene.buyer, "PARTIAL", PRICE // 4)
    await agree(trade_id, scene.seller, 1)
    return trade_id


async def suspended(scene: Scene, _: TradeState) -> str:
    trade_id = scene.trades["DELIVERING"]
    await scene.house.operator.do(suspend_delivery, trade_id=trade_id, reason_code="LEVEL_RAISED")
    return trade_id


async def mediated_by(scene: Scene, trade_id: str) -> datetime:
    async with scene.database.read() as s:
        return (await dispute_of(s, trade_id=trade_id)).mediate_by


def of_trade(name: str) -> Callable[[Scene, str], Awaitable[datetime]]:
    async def asked(scene: Scene, trade_id: str) -> datetime:
        at = getattr(await scene.trade(trade_id), name)
        assert at is not None
        return at

    return asked


@dataclass(frozen=True)
class Clock:
    """A state that waits, until when, and what the clock states when the time is over."""

    event: str
    deadline: Callable[[Scene, str], Awaitable[datetime]]
    bring: Callable[[Scene, TradeState], Awaitable[str]] = found
    looks_again: timedelta = timedelta()  # where money may still be on its way when the time is over

    async def late(self, scene: Scene, trade_id: str) -> datetime:
        """The first moment at which the clock acts: what is paid is paid at its hour, not after it."""
        at = await self.deadline(scene, trade_id)
        return at if self.event == "PAY.INSTRUCT" else at + TICK


CLOCKS = {
    S.INQUIRED: Clock("TRD.TIMEOUT", of_trade("answer_by")),
    S.NEGOTIATING: Clock("TRD.TIMEOUT", of_trade("answer_by")),
    S.CONTRACTED: Clock("TRD.FUND_TIMEOUT", of_trade("fund_by"), looks_again=timedelta(minutes=70)),
    S.FUNDED: Clock("TRD.DELIVERY_FAIL", of_trade("deliver_by")),
    S.DELIVERING: Clock("TRD.DELIVERY_FAIL", of_trade("deliver_by")),
    S.DELIVERY_SUSPENDED: Clock("TRD.DELIVERY_FAIL", of_trade("deliver_by"), suspended),
    S.DELIVERED: Clock("TRD.SILENT_ACCEPT", of_trade("accept_by")),
    S.DISPUTED: Clock("DSP.OVERDUE", mediated_by, disputed),
    S.ACCEPTED_GOODS: Clock("PAY.INSTRUCT", of_trade("settle_at")),
    S.PARTIAL_SETTLE: Clock("PAY.INSTRUCT", of_trade("settle_at"), divided),
}


def test_no_state_with_a_clock_is_left_out(clock) -> None:
    by_rule = {state for state in TradeState if due_in(state, clock.now()) is not None}
    assert by_rule | {S.DELIVERING, S.DELIVERY_SUSPENDED, S.DISPUTED} == set(CLOCKS)


async def times(scene: Scene, trade_id: str, event: str) -> int:
    return (await scene.events(trade_id)).count(event)


@pytest.mark.parametrize("state", CLOCKS)
@pytest.mark.parametrize(
    "meanwhile", ["the scheduler came round", pytest.param("it did not", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("over_by", ["the freeze", "the release"])
async def test_what_falls_due_around_a_freeze_is_done_and_done_once(
    sqlite_scene: Scene,
    state: TradeState,
    meanwhile: str,
    over_by: str,
) -> None:
    scene, clock = sqlite_scene, CLOCKS[state]
    trade_id = await clock.bring(scene, state)
    assert (await scene.trade(trade_id)).status is state
    told, over = await times(scene, trade_id, clock.event), await clock.late(scene, trade_id)
    scene.clock.move_to(over if over_by == "the freeze" else over - AN_HOUR)
    await freeze(scene, trade_id)  # the scheduler has not come round yet
    scene.clock.move_to(over + DAYS)
    if meanwhile == "the scheduler came round":
        await scene.run_jobs()
    assert await times(scene, trade_id, clock.event) == told
    assert (await unfreeze(scene, trade_id)).status is state
    await scene.run_jobs()
    later = await clock.late(scene, trade_id)
    if later > scene.clock.now():
        assert over_by == "the release"
        assert await times(scene, trade_id, clock.event) == told
        await scene.run_jobs(later)
    await scene.run_jobs(scene.clock.now() + clock.looks_again)
    assert await times(scene, trade_id, clock.event) == told + 1
    await scene.run_jobs(scene.clock.now() + AN_HOUR)
    assert await times(scene, trade_id, clock.event) == told + 1


@pytest.mark.parametrize("state", [S.DISPUTED, S.DELIVERED])
async def test_a_second_freeze_loses_nothing_either(sqlite_scene: Scene, state: TradeState) -> None:
    scene, clock = sqlite_scene, CLOCKS[state]
    trade_id = await clock.bring(scene, state)
    told, over = await times(scene, trade_id, clock.event), await clock.late(scene, trade_id)
    scene.clock.move_to(over)
    for number in range(2):
        await freeze(scene, trade_id, order_id=f"ord_{number}")
        await scene.run_jobs(scene.clock.now() + AN_HOUR)
        await unfreeze(scene, trade_id)
    assert await times(scene, trade_id, clock.event) == told
    await scene.run_jobs(scene.clock.now() + timedelta(days=40))
    assert await times(scene, trade_id, clock.event) == told + 1


async def test_that_a_mediation_is_over_is_put_before_a_person_once(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    trade_id = await disputed(scene, S.DISPUTED)
    await scene.run_jobs(await mediated_by(scene, trade_id) + TICK)
    assert await work(scene, trade_id) == ["mediation-overdue"]
    await freeze(scene, trade_id)
    scene.clock.advance(DAYS)
    await unfreeze(scene, trade_id)
    await scene.run_jobs(scene.clock.now() + timedelta(days=60))
    assert await work(scene, trade_id) == ["mediation-overdue"]
    assert await times(scene, trade_id, "DSP.OVERDUE") == 1
