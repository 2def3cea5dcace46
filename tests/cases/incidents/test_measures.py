"""Containment goes through the market's own doors with the order's id, and so does the way back."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from cases.incidents import containing, detecting
from cases.incidents.errors import IncidentMalformed, MeasureUnknown
from cases.incidents.rules import Facts, Kind, Measure
from cases.incidents.tables import MeasureRow
from ledger.acts import perform
from ledger.reader import statements_of
from market.delivery import service
from market.delivery.errors import ListingNotDeliverable
from market.delivery.repository import entitlement_of, stop_of
from market.delivery.rules import Cause, EntitlementStatus
from market.listings.publishing import resume_listing, withdraw_listing
from market.listings.repository import get_listing
from market.listings.rules import ListingState
from market.orders.errors import TradeWrongState
from market.orders.rules import TradeState
from market.trade.suspending import look_again
from registry.rules import Level
from tests.houses import officer
from tests.market.disputes.staging import right
from tests.market.trade.scene import Scene
from tests.market.trade.test_freezing import freeze, unfreeze
from tests.market.trade.test_suspending import graded, resume, suspend
from tests.standstill import refused


async def opened(scene: Scene) -> str:
    async with scene.database.write() as s:
        s.add(officer(scene.house.operator.org_id, 71, scene.clock))
    facts = Facts(kind=Kind.LEAK)
    row = await do(scene, detecting.detect, title="a leak", text="found outside", facts=facts)
    return str(row.incident_id)


async def do(scene: Scene, verb: Any, **facts: Any) -> Any:
    operator = scene.house.operator
    act = operator.act()
    actor = replace(act.actor, user_id="usr_71")

    async def bound(s: Any, act: Any) -> Any:
        return await verb(s, act, **facts)

    about = {"attempted": verb.__name__, "object_id": operator.org_id}
    return await perform(scene.house.house, replace(act, actor=actor), bound, **about)


async def order(scene: Scene, incident_id: str, measure: Measure, object_id: str) -> MeasureRow:
    about = {"incident_id": incident_id, "measure": measure, "object_id": object_id}
    made: MeasureRow = await do(scene, containing.order_measure, reason="it leaks", **about)
    return made


async def lift(scene: Scene, made: MeasureRow) -> Any:
    about = {"incident_id": made.incident_id, "order_id": made.order_id}
    return await do(scene, containing.lift_measure, reason="it is shut", **about)


async def test_every_delivery_of_a_product_stops_and_what_was_delivered_is_given_to_nobody(
    sqlite_scene: Scene,
) -> None:
    scene = sqlite_scene
    incident_id, running, settled = await opened(scene), scene.trades["DELIVERING"], scene.trades["SETTLED"]
    product_id = (await scene.trade(running)).product_id
    with pytest.raises(IncidentMalformed):
        await order(scene, incident_id, Measure.STOP_DELIVERIES, running)
    with pytest.raises(IncidentMalformed, match="no such product"):
        await order(scene, incident_id, Measure.STOP_DELIVERIES, "prd_" + "0" * 26)
    made = await order(scene, incident_id, Measure.STOP_DELIVERIES, product_id)
    assert {running, settled} <= set(made.stopped)
    assert (await scene.trade(running)).status is TradeState.DELIVERY_SUSPENDED
    async with scene.database.read() as s:
        right = await entitlement_of(s, trade_id=settled)
        said = (await statements_of(s, object_id=running))[-1]
    assert right is not None
    assert right.status == "FROZEN"
    assert (said.event, said.predicate["order_id"]) == ("TRD.SUSPEND", made.order_id)
    assert scene.listing.listing_id in made.stopped  # nothing new begins
    again = await order(scene, incident_id, Measure.STOP_DELIVERIES, product_id)
    assert {running, settled} <= set(again.stopped), "each order holds all of it"
    steps = ((made, "FROZEN", TradeState.DELIVERY_SUSPENDED), (again, "ACTIVE", TradeState.DELIVERING))
    for one, left, status in steps:
        await lift(scene, one)
        assert (await scene.trade(running)).status is status
        async with scene.database.read() as s:
            right = await entitlement_of(s, trade_id=settled)
        assert right is not None
        assert right.status == left
    with pytest.raises(MeasureUnknown):
        await lift(scene, made)


async def test_an_order_ends_though_a_delivery_rests_on_what_has_fallen_meanwhile(
    sqlite_scene: Scene,
) -> None:
    scene = sqlite_scene
    incident_id, running = await opened(scene), scene.trades["DELIVERING"]
    made = await order(scene, incident_id, Measure.STOP_DELIVERIES, (await scene.trade(running)).product_id)
    await graded(scene, Level.CORE)
    await lift(scene, made)
    assert (await scene.trade(running)).status is TradeState.DELIVERY_SUSPENDED
    async with scene.database.read() as s:
        listing = await get_listing(s, listing_id=scene.listing.listing_id)
        assert listing.status is ListingState.SUSPENDED
        stop = await stop_of(s, trade_id=running)
    assert stop is not None
    assert (stop.cause, stop.order_id) == (Cause.BASIS, None)
    await graded(scene, Level.GENERAL_2)
    again = {"listing_id": scene.listing.listing_id, "reason_code": "CAUSE_CLEARED"}
    await do(scene, resume_listing, **again)
    async with scene.database.write() as s:
        assert await look_again(s, scene.house.house.exchange_act(), trade_id=running)
    assert (await scene.trade(running)).status is TradeState.DELIVERING


async def test_a_listing_and_a_settlement_stop_and_go_on(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    incident_id, trade_id = await opened(scene), scene.trades["FUNDED"]
    frozen = await order(scene, incident_id, Measure.FREEZE_TRADE, trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.FROZEN
    with pytest.raises(TradeWrongState):
        await order(scene, incident_id, Measure.STOP_DELIVERY, trade_id)
    await lift(scene, frozen)
    assert (await scene.trade(trade_id)).status is TradeState.FUNDED
    listing_id = scene.listing.listing_id
    off = await order(scene, incident_id, Measure.SUSPEND_LISTING, listing_id)
    async with scene.database.read() as s:
        assert (await get_listing(s, listing_id=listing_id)).status is ListingState.SUSPENDED
        said = (await statements_of(s, object_id=listing_id))[-1]
        events = [one.event for one in await statements_of(s, object_id=incident_id)]
    assert (said.event, said.predicate["order_id"]) == ("LST.SUSPEND", off.order_id)
    assert events == ["INC.DETECT", "INC.MEASURE", "INC.LIFT", "INC.MEASURE"]
    await lift(scene, off)
    async with scene.database.read() as s:
        assert (await get_listing(s, listing_id=listing_id)).status is ListingState.LISTED


async def test_a_stop_holds_a_delivery_that_another_order_has_suspended_already(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    incident_id, running = await opened(scene), scene.trades["DELIVERING"]
    await scene.seller.do(withdraw_listing, role="PROVIDER", listing_id=scene.listing.listing_id)
    await suspend(scene, running)  # SAMR's, of another cause
    about = incident_id, Measure.STOP_DELIVERIES, (await scene.trade(running)).product_id
    first = await order(scene, *about)
    second = await order(scene, *about)
    assert running in first.stopped
    assert running in second.stopped
    assert await stopped_by(scene, running) == "ord_7"
    await resume(scene, running)
    assert await stopped_by(scene, running) in {first.order_id, second.order_id}
    events = [event for event in await scene.events(running) if event != "REF.REFUSE"]
    assert events[-3:] == ["TRD.SUSPEND", "TRD.RESUME", "TRD.SUSPEND"]
    assert await right(scene, running) is EntitlementStatus.FROZEN
    sold = scene.trades["FUNDED"]  # before the offer was withdrawn; its delivery has not begun
    async with refused(scene.database, ListingNotDeliverable):
        await scene.start_delivery(sold)
    await lift(scene, first)
    assert await stopped_by(scene, running) == second.order_id
    async with refused(scene.database, ListingNotDeliverable):
        await scene.start_delivery(sold)
    await lift(scene, second)
    await scene.start_delivery(sold)
    assert (await scene.trade(running)).status is TradeState.DELIVERING
    assert await right(scene, running) is EntitlementStatus.ACTIVE


@pytest.mark.parametrize("first", ["start", "order"])
async def test_of_an_order_and_a_delivery_that_starts_at_that_moment_none_runs_under_it(
    scene: Scene, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident_id, sold = await opened(scene), scene.trades["FUNDED"]
    product_id = (await scene.trade(sold)).product_id
    begun, go_on = asyncio.Event(), asyncio.Event()
    held = (service, "policy_of") if first == "start" else (containing, "suspend_listing")
    usual = getattr(*held)

    async def slowly(*args: Any, **facts: Any) -> Any:
        """Whoever came first has asked, or said, whether the product is stopped, and does not go on yet."""
        begun.set()
        await go_on.wait()
        return await usual(*args, **facts)

    monkeypatch.setattr(*held, slowly)
    acts = {
        "start": lambda: scene.start_delivery(sold),
        "order": lambda: order(scene, incident_id, Measure.STOP_DELIVERIES, product_id),
    }
    one = asyncio.create_task(acts.pop(first)())
    await begun.wait()
    other = asyncio.create_task(acts.popitem()[1]())
    await until_it_waits(scene, other)
    go_on.set()
    said = dict(
        zip(("first", "second"), await asyncio.gather(one, other, return_exceptions=True), strict=True)
    )
    trade = await scene.trade(sold)
    if first == "start":
        assert sold in said["second"].stopped
        assert trade.status is TradeState.DELIVERY_SUSPENDED
        assert await right(scene, sold) is EntitlementStatus.FROZEN
        assert await stopped_by(scene, sold) == said["second"].order_id
    else:
        assert isinstance(said["second"], ListingNotDeliverable)
        assert trade.status is TradeState.FUNDED
        async with scene.database.read() as s:
            assert await entitlement_of(s, trade_id=sold) is None


async def until_it_waits(scene: Scene, task: asyncio.Task[Any]) -> None:
    """Until a task waits for a lock of PostgreSQL, or is over; SQLite has one writer at a time."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0")
    if scene.database.dialect != "postgresql":
        return
    async with scene.database.engine.connect() as beside:
        while not task.done() and not (await beside.execute(waits)).scalar_one():
            await beside.rollback()


async def test_a_stop_that_is_lifted_first_leaves_the_other_order_its_delivery(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    incident_id, running = await opened(scene), scene.trades["DELIVERING"]
    await suspend(scene, running)
    made = await order(scene, incident_id, Measure.STOP_DELIVERIES, (await scene.trade(running)).product_id)
    await lift(scene, made)
    assert await stopped_by(scene, running) == "ord_7"
    assert (await resume(scene, running)).status is TradeState.DELIVERING
    assert await right(scene, running) is EntitlementStatus.ACTIVE


async def test_a_stop_given_while_a_trade_is_frozen_holds_when_it_thaws(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    incident_id, running = await opened(scene), scene.trades["DELIVERING"]
    await freeze(scene, running)
    made = await order(scene, incident_id, Measure.STOP_DELIVERIES, (await scene.trade(running)).product_id)
    await unfreeze(scene, running)
    assert await right(scene, running) is EntitlementStatus.FROZEN
    async with scene.database.write() as s:
        assert await look_again(s, scene.house.house.exchange_act(), trade_id=running)
    assert await stopped_by(scene, running) == made.order_id  # and its term stands still
    await lift(scene, made)
    assert (await scene.trade(running)).status is TradeState.DELIVERING
    assert await right(scene, running) is EntitlementStatus.ACTIVE


async def stopped_by(scene: Scene, trade_id: str) -> str | None:
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERY_SUSPENDED
    async with scene.database.read() as s:
        stop = await stop_of(s, trade_id=trade_id)
    assert stop is not None
    return stop.order_id


async def test_a_stop_that_is_lifted_during_a_freeze_is_over_when_it_thaws(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    incident_id, running = await opened(scene), scene.trades["DELIVERING"]
    made = await order(scene, incident_id, Measure.STOP_DELIVERIES, (await scene.trade(running)).product_id)
    await freeze(scene, running)
    await lift(scene, made)
    await unfreeze(scene, running)
    async with scene.database.write() as s:
        assert await look_again(s, scene.house.house.exchange_act(), trade_id=running)
    assert (await scene.trade(running)).status is TradeState.DELIVERING
    assert await right(scene, running) is EntitlementStatus.ACTIVE
