"""A freeze by a signed order bites at once, everywhere, and gives back the time it took."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from base.jobs import JobRow, JobStatus
from ledger.acts import perform
from ledger.reader import statements_of
from market.delivery.downloads import download_act, open_download
from market.delivery.errors import DeliverySuspended, EntitlementUnknown
from market.delivery.repository import entitlement_of
from market.delivery.rules import EntitlementStatus
from market.orders.errors import TradeUnknown, TradeWrongRole, TradeWrongState
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement.errors import PaymentUnderWay
from market.settlement.instructing import instruct
from market.settlement.repository import instructions_of
from market.trade.freezing import FREEZE_OVER_JOB, freeze_trade, unfreeze_trade
from tests.houses import Party
from tests.market.settlement.bank_side import ESCROW
from tests.market.trade.scene import Scene, both
from tests.standstill import refused, untouched

T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)


async def freeze(scene: Scene, trade_id: str, who: Party | None = None, order_id: str = "ord_1") -> Trade:
    return await (who or scene.samr).do(
        freeze_trade,
        attempted="TRD.FREEZE",
        object_id=trade_id,
        trade_id=trade_id,
        order_id=order_id,
        reason_code="SUSPECTED_WASH",
        case_id="cse_1",
    )


async def unfreeze(scene: Scene, trade_id: str, who: Party | None = None) -> Trade:
    return await (who or scene.samr).do(
        unfreeze_trade,
        attempted="TRD.UNFREEZE",
        object_id=trade_id,
        trade_id=trade_id,
        order_id="ord_2",
        reason_code="CLEARED",
    )


async def download(scene: Scene, trade_id: str):
    async with scene.database.read() as s:
        entitlement = await entitlement_of(s, trade_id=trade_id)
    if entitlement is None:
        raise EntitlementUnknown("no delivery has started")

    async def bound(s, act):
        return await open_download(s, act, entitlement_id=entitlement.entitlement_id)

    return await perform(
        scene.house.house,
        download_act(scene.house.house, scene.buyer.actor),
        bound,
        attempted="DLV.DOWNLOAD",
        object_id=entitlement.entitlement_id,
    )


async def entitlement_status(scene: Scene, trade_id: str) -> EntitlementStatus:
    async with scene.database.read() as s:
        found = await entitlement_of(s, trade_id=trade_id)
    assert found is not None
    return found.status


async def test_a_freeze_is_one_statement_of_the_regulator_that_names_order_and_case(scene):
    trade_id = scene.trades["FUNDED"]
    trade = await freeze(scene, trade_id)
    assert (trade.status, trade.frozen_from, trade.frozen_by) == (TradeState.FROZEN, "FUNDED", "SAMR")
    scene.clock.advance(timedelta(minutes=1))
    trade = await unfreeze(scene, trade_id)
    assert (trade.status, trade.frozen_from, trade.frozen_by, trade.frozen_at) == (
        TradeState.FUNDED,
        None,
        None,
        None,
    )
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=trade_id))[-2:]
    assert [(one.event, one.org_id, one.predicate["from"], one.predicate["to"]) for one in said] == [
        ("TRD.FREEZE", scene.samr.org_id, "FUNDED", "FROZEN"),
        ("TRD.UNFREEZE", scene.samr.org_id, "FROZEN", "FUNDED"),
    ]
    assert [said[0].predicate[name] for name in ("order_id", "case_id", "reason_code")] == [
        "ord_1",
        "cse_1",
        "SUSPECTED_WASH",
    ]


async def test_a_frozen_delivery_gives_nothing_out(scene):
    trade_id = scene.trades["DELIVERING"]
    assert (await download(scene, trade_id)).download_id is not None
    await freeze(scene, trade_id)
    assert await entitlement_status(scene, trade_id) is EntitlementStatus.FROZEN
    async with refused(scene.database, DeliverySuspended):
        await download(scene, trade_id)
    async with refused(scene.database, TradeWrongState):
        await scene.confirm(trade_id)
    scene.clock.advance(timedelta(hours=1))
    await unfreeze(scene, trade_id)
    assert await entitlement_status(scene, trade_id) is EntitlementStatus.ACTIVE
    assert (await download(scene, trade_id)).download_id is not None


async def test_a_frozen_trade_does_not_start_its_delivery(scene):
    trade_id = scene.trades["FUNDED"]
    await freeze(scene, trade_id)
    async with refused(scene.database, TradeWrongState):
        await scene.start_delivery(trade_id)
    with pytest.raises(EntitlementUnknown):
        await download(scene, trade_id)


async def test_a_frozen_trade_is_not_paid_until_it_is_free_again(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    await freeze(scene, trade_id)
    await scene.run_jobs(T_PLUS_1 + timedelta(hours=1))
    async with scene.database.read() as s:
        assert await instructions_of(s, trade_id=trade_id) == []
    scene.clock.move_to(datetime(2026, 11, 19, 3, 0, tzinfo=UTC))  # Thursday: three working days lost
    trade = await unfreeze(scene, trade_id)
    assert trade.settle_at == datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    await scene.run_jobs(datetime(2026, 11, 20, 0, 59, tzinfo=UTC))
    async with scene.database.read() as s:
        assert await instructions_of(s, trade_id=trade_id) == []
    await scene.run_jobs(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))
    assert (await scene.settle(trade_id))["outcome"] == "settled"


async def test_what_is_due_when_a_freeze_is_lifted_on_the_same_day_stays_due(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.clock.move_to(T_PLUS_1 - timedelta(minutes=5))
    await freeze(scene, trade_id)
    scene.clock.move_to(T_PLUS_1 + timedelta(hours=3))
    await scene.run_jobs()
    trade = await unfreeze(scene, trade_id)
    assert trade.settle_at == scene.clock.now()
    await scene.run_jobs()
    assert (await scene.settle(trade_id))["outcome"] == "settled"


async def test_deadlines_move_by_the_working_days_that_the_trade_stood_still(scene):
    waiting = (
        ("CONTRACTED", "fund_by", ("2026-11-19", "2026-11-24"), "CANCELLED"),
        ("DELIVERED", "accept_by", ("2026-11-23", "2026-11-26"), "ACCEPTED_GOODS"),
        ("NEGOTIATING", "answer_by", ("2026-12-14", "2026-12-17"), "LAPSED"),
    )
    for state, name, days, _ in waiting:
        trade = await scene.trade(scene.trades[state])
        assert getattr(trade, name) == datetime.fromisoformat(f"{days[0]}T15:59:59.999Z")
        await freeze(scene, trade.trade_id)
    scene.clock.move_to(datetime(2026, 11, 19, 3, 0, tzinfo=UTC))  # from Monday to Thursday: three days
    for state, *_ in waiting:
        await unfreeze(scene, scene.trades[state])
    for state, name, days, over in waiting:
        trade_id, moved = scene.trades[state], datetime.fromisoformat(f"{days[1]}T15:59:59.999Z")
        assert getattr(await scene.trade(trade_id), name) == moved
        await scene.run_jobs(moved)
        assert (await scene.trade(trade_id)).status.value == state
        await scene.run_jobs(moved + timedelta(milliseconds=1))
        if state == "CONTRACTED":  # the bank states the day at one, and has ten minutes to ask
            await scene.run_jobs(moved + timedelta(minutes=70, milliseconds=1))
        assert (await scene.trade(trade_id)).status.value == over


async def test_a_party_always_has_a_working_day_left(scene):
    scene.clock.move_to(datetime(2026, 11, 17, 1, 0, tzinfo=UTC))
    trade_id = await scene.walk(TradeState.CONTRACTED)
    friday = datetime(2026, 11, 20, 15, 59, 59, 999_000, tzinfo=UTC)
    assert (await scene.trade(trade_id)).fund_by == friday
    scene.clock.move_to(friday - timedelta(hours=1))
    await freeze(scene, trade_id)
    scene.clock.move_to(friday + timedelta(hours=12))  # Saturday: no working day was lost, and none is left
    assert (await unfreeze(scene, trade_id)).fund_by == friday + timedelta(days=3)
    assert (await scene.fund(trade_id))["outcome"] == "funded"


async def test_a_freeze_of_minutes_leaves_the_deadline_alone(scene):
    trade_id = scene.trades["NEGOTIATING"]
    answer_by = (await scene.trade(trade_id)).answer_by
    scene.clock.move_to(answer_by - timedelta(hours=1))
    await freeze(scene, trade_id)
    scene.clock.advance(timedelta(minutes=30))
    assert (await unfreeze(scene, trade_id)).answer_by == answer_by


async def test_deadlines_that_had_passed_before_the_freeze_stay_where_they_are(scene):
    trade_id = scene.trades["DELIVERED"]
    before = await scene.trade(trade_id)
    scene.clock.move_to(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))  # the funding deadline is over
    await freeze(scene, trade_id)
    scene.clock.advance(timedelta(days=5))
    trade = await unfreeze(scene, trade_id)
    assert (trade.fund_by, trade.answer_by > before.answer_by) == (before.fund_by, True)


async def test_the_clock_stands_still_while_a_trade_is_frozen(scene):
    for state in ("INQUIRED", "NEGOTIATING", "CONTRACTED", "DELIVERED"):
        await freeze(scene, scene.trades[state])
    await scene.run_jobs(datetime(2027, 3, 1, tzinfo=UTC))
    for state in ("INQUIRED", "NEGOTIATING", "CONTRACTED", "DELIVERED"):
        assert (await scene.trade(scene.trades[state])).status is TradeState.FROZEN


async def test_the_exchanges_own_freeze_ends_after_ten_working_days(scene):
    operator = scene.house.operator
    by_exchange, by_regulator = scene.trades["FUNDED"], scene.trades["DELIVERED"]
    await freeze(scene, by_exchange, operator)
    await freeze(scene, by_regulator)
    limit = datetime(2026, 11, 30, 15, 59, 59, 999_000, tzinfo=UTC)
    await scene.run_jobs(limit)
    assert (await scene.trade(by_exchange)).status is TradeState.FROZEN
    await scene.run_jobs(limit + timedelta(milliseconds=1))
    assert (await scene.trade(by_exchange)).status is TradeState.FUNDED
    assert (await scene.trade(by_regulator)).status is TradeState.FROZEN
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=by_exchange))[-1]
        job = await s.get(JobRow, (FREEZE_OVER_JOB, f"{by_exchange}:ord_1"))
    assert (said.event, said.predicate["reason_code"], said.predicate["order_id"]) == (
        "TRD.UNFREEZE",
        "TIME_LIMIT",
        "ord_1",
    )
    assert job.status is JobStatus.DONE


async def test_a_freeze_that_was_lifted_and_set_anew_has_its_own_time(scene):
    operator, trade_id = scene.house.operator, scene.trades["FUNDED"]
    await freeze(scene, trade_id, operator)
    scene.clock.advance(timedelta(days=7))
    await unfreeze(scene, trade_id, operator)
    scene.clock.advance(timedelta(days=1))
    await freeze(scene, trade_id, operator, "ord_3")
    await scene.run_jobs(datetime(2026, 12, 1, tzinfo=UTC))  # the first one's ten days are over
    assert (await scene.trade(trade_id)).status is TradeState.FROZEN
    await scene.run_jobs(datetime(2026, 12, 9, tzinfo=UTC))
    assert (await scene.trade(trade_id)).status is TradeState.FUNDED


async def test_the_end_of_the_exchanges_freeze_does_not_end_a_regulators(scene):
    operator, trade_id = scene.house.operator, scene.trades["FUNDED"]
    await freeze(scene, trade_id, operator)
    await unfreeze(scene, trade_id, operator)
    await freeze(scene, trade_id, order_id="ord_3")
    await scene.run_jobs(datetime(2026, 12, 9, tzinfo=UTC))
    assert (await scene.trade(trade_id)).frozen_by == "SAMR"
    async with scene.database.read() as s:
        job = await s.get(JobRow, (FREEZE_OVER_JOB, f"{trade_id}:ord_1"))
    assert job.status is JobStatus.DONE


async def test_an_authority_takes_over_the_exchanges_freeze_which_then_does_not_end_by_itself(scene):
    operator, trade_id = scene.house.operator, scene.trades["DELIVERING"]
    own = await freeze(scene, trade_id, operator)
    scene.clock.advance(timedelta(days=2))
    taken = await freeze(scene, trade_id, order_id="ord_3")
    assert (taken.status, taken.frozen_from, taken.frozen_by, taken.frozen_at) == (
        TradeState.FROZEN,
        "DELIVERING",
        "SAMR",
        own.frozen_at,
    )
    await scene.run_jobs(datetime(2026, 12, 9, tzinfo=UTC))
    assert (await scene.trade(trade_id)).frozen_by == "SAMR"
    async with refused(scene.database, TradeWrongRole):
        await unfreeze(scene, trade_id, operator)
    async with refused(scene.database, TradeWrongState):  # an authority's stands already
        await freeze(scene, trade_id, scene.authority, "ord_4")
    assert (await unfreeze(scene, trade_id)).status is TradeState.DELIVERING
    assert await entitlement_status(scene, trade_id) is EntitlementStatus.ACTIVE
    async with scene.database.read() as s:
        said = [one for one in await statements_of(s, object_id=trade_id) if "FREEZE" in one.event]
    assert [(one.event, one.org_id, one.predicate["from"], one.predicate["to"]) for one in said] == [
        ("TRD.FREEZE", operator.org_id, "DELIVERING", "FROZEN"),
        ("TRD.FREEZE", scene.samr.org_id, "FROZEN", "FROZEN"),
        ("TRD.UNFREEZE", scene.samr.org_id, "FROZEN", "DELIVERING"),
    ]


async def test_a_payment_that_is_under_way_is_not_frozen_any_more(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    await scene.run_jobs(T_PLUS_1)
    async with refused(scene.database, PaymentUnderWay):
        await freeze(scene, trade_id)
    assert (await scene.settle(trade_id))["outcome"] == "settled"


async def test_a_trade_is_frozen_or_instructed_never_both(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.clock.move_to(T_PLUS_1)

    async def give() -> object:
        async with scene.database.write() as s:
            return await instruct(s, scene.house.house.exchange_act(), trade_id=trade_id, escrow=ESCROW)

    frozen, given = await both(freeze(scene, trade_id), give())
    async with scene.database.read() as s:
        instructions = await instructions_of(s, trade_id=trade_id)
    status = (await scene.trade(trade_id)).status
    if isinstance(frozen, Trade):
        assert (status, given, instructions) == (TradeState.FROZEN, None, [])
    else:
        assert isinstance(frozen, PaymentUnderWay)
        assert (status, len(instructions)) == (TradeState.ACCEPTED_GOODS, 1)


async def test_a_freeze_waits_for_the_step_it_meets_and_then_stands(scene):
    trade_id = scene.trades["FUNDED"]
    started, frozen = await both(scene.start_delivery(trade_id), freeze(scene, trade_id))
    assert isinstance(frozen, Trade), frozen
    assert (await scene.trade(trade_id)).status is TradeState.FROZEN
    if isinstance(started, Exception):
        assert (await scene.trade(trade_id)).frozen_from == "FUNDED"
    else:
        assert await entitlement_status(scene, trade_id) is EntitlementStatus.FROZEN


async def test_an_unknown_trade_is_not_frozen(scene):
    async with untouched(scene.database, TradeUnknown):
        await freeze(scene, "trd_unknown")


async def test_what_was_resumed_leaves_no_job_that_acts_twice(scene):
    trade_id = scene.trades["DELIVERED"]
    for _ in range(3):
        await freeze(scene, trade_id)
        scene.clock.advance(timedelta(minutes=1))
        await unfreeze(scene, trade_id)
        scene.clock.advance(timedelta(minutes=1))
    await scene.run_jobs(datetime(2026, 12, 10, tzinfo=UTC))
    assert (await scene.events(trade_id)).count("TRD.SILENT_ACCEPT") == 1
    async with scene.database.read() as s:
        left = (await s.exec(select(JobRow.kind).where(JobRow.status == JobStatus.DEAD))).all()
    assert left == []
