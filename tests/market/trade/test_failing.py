"""A delivery that does not come in time fails, once: by clock or by the buyer's word; the money goes back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from base.db import WriteSession
from base.jobs import JobRow, JobStatus
from ledger.recording import Act
from market.delivery.errors import DeliverySuspended, EntitlementRevoked
from market.delivery.rules import EntitlementStatus
from market.delivery.unconsented.holds import hold_right
from market.orders.errors import (
    DeadlineNotReached,
    DeadlinePassed,
    NotAParty,
    TradeUnknown,
    TradeWrongRole,
    TradeWrongState,
)
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.trade.failing import fail_late_delivery, say_delivery_failed
from market.trade.suspending import queue_look
from tests.houses import Party
from tests.market.disputes.staging import queued, right, said
from tests.market.trade.scene import PRICE, Scene, both
from tests.market.trade.test_freezing import download, freeze, unfreeze
from tests.standstill import refused

TERM = datetime(2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC)  # five working days after Monday the 16th
LATE = TERM + timedelta(milliseconds=1)


async def say(scene: Scene, trade_id: str, who: Party | None = None, role: str | None = None) -> Trade:
    return await (who or scene.buyer).do(
        say_delivery_failed,
        role=role,
        attempted="TRD.DELIVERY_FAIL",
        object_id=trade_id,
        trade_id=trade_id,
    )


async def clock(scene: Scene, trade_id: str) -> bool:
    async with scene.database.write() as s:
        return await fail_late_delivery(s, scene.house.house.exchange_act(), trade_id=trade_id)


@pytest.mark.parametrize(("state", "why"), [("FUNDED", "NOT_BEGUN"), ("DELIVERING", "NOT_DELIVERED")])
async def test_the_clock_ends_it_after_the_term_and_everything_held_is_paid_back(scene, state, why):
    trade_id = scene.trades[state]
    assert (await scene.trade(trade_id)).deliver_by == TERM
    await scene.run_jobs(TERM)
    assert (await scene.trade(trade_id)).status.value == state
    await scene.run_jobs(LATE)
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING
    predicate, _ = await said(scene, trade_id, "TRD.DELIVERY_FAIL")
    assert (predicate["reason_code"], predicate["role"], predicate["from"], predicate["to"]) == (
        why,
        "EXCHANGE_OPERATOR",
        state,
        "REFUND_PENDING",
    )
    if state == "DELIVERING":
        assert await right(scene, trade_id) is EntitlementStatus.REVOKED
        async with refused(scene.database, EntitlementRevoked):
            await download(scene, trade_id)
    assert (await scene.settle(trade_id))["outcome"] == "refunded"
    assert (await scene.trade(trade_id)).status is TradeState.REFUNDED
    assert (await scene.held(trade_id), (await scene.instruction(trade_id)).payouts[0]["amount_minor"]) == (
        0,
        str(PRICE),
    )
    assert (await scene.events(trade_id)).count("TRD.DELIVERY_FAIL") == 1


async def test_what_a_person_who_has_withdrawn_holds_for_good_is_paid_back_at_the_end_of_the_term(
    sqlite_scene,
):
    scene, trade_id = sqlite_scene, sqlite_scene.trades["DELIVERING"]
    async with scene.database.write() as s:
        assert await hold_right(s, trade_id=trade_id, by="sgc_1", at=scene.clock.now())
        await queue_look(s, trade_id=trade_id, name="sgc_1", at=scene.clock.now())
    await scene.run_jobs(scene.clock.now())
    async with refused(scene.database, DeliverySuspended):
        await download(scene, trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERY_SUSPENDED
    await scene.run_jobs(TERM)
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERY_SUSPENDED
    await scene.run_jobs(LATE)
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING
    assert await right(scene, trade_id) is EntitlementStatus.REVOKED
    assert (await scene.settle(trade_id))["outcome"] == "refunded"
    assert await scene.held(trade_id) == 0
    assert (await scene.instruction(trade_id)).payouts[0]["amount_minor"] == str(PRICE)


async def test_the_buyer_says_it_after_the_term_and_not_before(scene):
    trade_id = scene.trades["DELIVERING"]
    scene.clock.move_to(TERM)
    async with refused(scene.database, DeadlineNotReached):
        await say(scene, trade_id)
    scene.clock.move_to(LATE)
    assert (await say(scene, trade_id)).status is TradeState.REFUND_PENDING
    predicate, _ = await said(scene, trade_id, "TRD.DELIVERY_FAIL")
    assert (predicate["actor"], predicate["role"]) == (scene.buyer.org_id, "BUYER")
    assert "settlement.instruct" in await queued(scene, trade_id)
    assert "trade.delivery-fail" not in await queued(scene, trade_id)
    async with refused(scene.database, TradeWrongState):
        await say(scene, trade_id)
    assert not await clock(scene, trade_id)


async def test_it_is_the_buyers_to_say_and_nobody_elses(scene):
    trade_id = scene.trades["FUNDED"]
    scene.clock.move_to(LATE)
    async with refused(scene.database, TradeWrongRole):
        await say(scene, trade_id, scene.seller)
    async with refused(scene.database, TradeWrongRole):
        await say(scene, trade_id, scene.broker)
    with pytest.raises(TradeUnknown):
        await say(scene, trade_id, scene.stranger, role="BUYER")
    own = Party(scene.buyer.house, scene.seller.organisation, scene.seller.registered, scene.seller.pen, None)

    async def posing(s: WriteSession, act: Act) -> Trade:
        return await say_delivery_failed(s, act, trade_id=trade_id)

    async with scene.database.write() as s:
        with pytest.raises(NotAParty):
            await posing(s, own.house.act(own.actor, "BUYER", own.pen))


async def test_what_comes_after_the_term_is_late_also_while_the_clock_has_not_run(scene):
    funded, delivering = scene.trades["FUNDED"], scene.trades["DELIVERING"]
    scene.clock.move_to(TERM)
    assert (await download(scene, delivering)).download_id is not None
    scene.clock.move_to(LATE)
    async with refused(scene.database, DeadlinePassed):
        await scene.start_delivery(funded)
    async with refused(scene.database, DeadlinePassed):
        await scene.confirm(delivering)
    async with refused(scene.database, DeadlinePassed):
        await download(scene, delivering)


async def test_what_was_delivered_has_no_such_deadline_any_more(scene):
    trade_id = scene.trades["DELIVERED"]
    scene.clock.move_to(LATE)
    assert not await clock(scene, trade_id)
    assert (await download(scene, trade_id)).download_id is not None
    async with refused(scene.database, TradeWrongState):
        await say(scene, trade_id)


async def test_a_receipt_in_the_last_second_wins_or_the_failure_does(scene):
    trade_id = scene.trades["DELIVERING"]
    scene.clock.move_to(LATE)
    confirmed, failed = await both(scene.confirm(trade_id), say(scene, trade_id))
    assert isinstance(confirmed, DeadlinePassed | TradeWrongState)
    assert isinstance(failed, Trade)
    assert (await scene.events(trade_id))[-2:].count("TRD.DELIVERY_FAIL") == 1


async def test_a_freeze_moves_the_term_and_sets_the_clock_anew(scene):
    trade_id = scene.trades["DELIVERING"]
    await freeze(scene, trade_id)
    await scene.run_jobs(LATE)  # the job falls due in the freeze and finds nothing to do
    assert (await scene.trade(trade_id)).status is TradeState.FROZEN
    trade = await unfreeze(scene, trade_id)
    moved = TERM + timedelta(days=8)  # six working days lost, a weekend between: Tuesday, 1 December
    assert trade.deliver_by == moved
    await scene.run_jobs(moved)
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERING
    await scene.run_jobs(moved + timedelta(milliseconds=1))
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING


async def test_a_day_of_downtime_changes_nothing_and_no_job_dies(scene):
    await scene.run_jobs(TERM + timedelta(days=1, hours=3))
    for state in ("FUNDED", "DELIVERING"):
        assert (await scene.trade(scene.trades[state])).status is TradeState.REFUND_PENDING
        assert (await scene.events(scene.trades[state])).count("TRD.DELIVERY_FAIL") == 1
    async with scene.database.read() as s:
        assert (await s.exec(select(JobRow.kind).where(JobRow.status == JobStatus.DEAD))).all() == []
