"""A delivery is stopped at once, by order or because its ground fell, and goes on when that is cleared."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from base.jobs import JobRow
from market.delivery.errors import DeliverySuspended, ListingNotDeliverable
from market.delivery.repository import stop_of
from market.delivery.rules import Cause, EntitlementStatus
from market.delivery.service import require_outgoing
from market.listings.moving import MOVED_JOB
from market.listings.publishing import (
    resume_listing,
    suspend_dependents,
    suspend_listing,
    suspend_of_grant,
    withdraw_listing,
)
from market.listings.repository import get_listing
from market.orders.errors import DeadlinePassed, TradeWrongRole, TradeWrongState
from market.orders.repository import claim_trade
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.trade.suspending import look_again, resume_delivery, suspend_delivery
from registry.errors import RightNotHeld
from registry.operation.errors import GrantNotLive
from registry.registration.errors import RegistrationLapsed
from registry.registration.rules import Kind
from registry.registration.states import RegistrationState
from registry.registration.tables import RegistrationRow
from registry.rules import Level, Right, RightEnd
from registry.tables import ClassificationRow, RightsRow
from tests.houses import Party
from tests.market.disputes.staging import right, said
from tests.market.trade.scene import Scene, both
from tests.market.trade.test_freezing import download, freeze, unfreeze
from tests.standstill import refused

TERM = datetime(2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC)
STOPPED = ["TRD.SUSPEND", "TRD.RESUME"]
THURSDAY = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)


async def suspend(scene: Scene, trade_id: str, who: Party | None = None) -> Trade:
    return await (who or scene.samr).do(
        suspend_delivery,
        attempted="TRD.SUSPEND",
        object_id=trade_id,
        trade_id=trade_id,
        reason_code="CONSENT_WITHDRAWN",
        order_id="ord_7",
    )


async def resume(scene: Scene, trade_id: str, who: Party | None = None) -> Trade:
    return await (who or scene.samr).do(
        resume_delivery,
        attempted="TRD.RESUME",
        object_id=trade_id,
        trade_id=trade_id,
        reason_code="CAUSE_CLEARED",
        order_id="ord_8",
    )


async def listing(scene: Scene, verb: Any, reason_code: str = "CONSENT_WITHDRAWN") -> None:
    await scene.house.operator.do(verb, listing_id=scene.listing.listing_id, reason_code=reason_code)


async def look(scene: Scene, trade_id: str) -> bool:
    async with scene.database.write() as s:
        return await look_again(s, scene.house.house.exchange_act(), trade_id=trade_id)


async def status(scene: Scene, trade_id: str) -> str:
    return (await scene.trade(trade_id)).status.value


async def test_an_order_stops_every_byte_at_once_and_another_lets_it_go_on(scene):
    trade_id = scene.trades["DELIVERING"]
    assert (await download(scene, trade_id)).download_id is not None
    assert (await suspend(scene, trade_id)).status is TradeState.DELIVERY_SUSPENDED
    assert await right(scene, trade_id) is EntitlementStatus.FROZEN
    predicate, _ = await said(scene, trade_id, "TRD.SUSPEND")
    assert (predicate["role"], predicate["reason_code"], predicate["order_id"]) == (
        "SAMR",
        "CONSENT_WITHDRAWN",
        "ord_7",
    )
    assert (predicate["from"], predicate["to"]) == ("DELIVERING", "DELIVERY_SUSPENDED")
    async with refused(scene.database, DeliverySuspended):
        await download(scene, trade_id)
    async with refused(scene.database, TradeWrongState):
        await scene.confirm(trade_id)
    async with refused(scene.database, TradeWrongState):
        await suspend(scene, trade_id)
    assert (await resume(scene, trade_id)).status is TradeState.DELIVERING
    assert await right(scene, trade_id) is EntitlementStatus.ACTIVE
    assert (await download(scene, trade_id)).download_id is not None
    assert [event for event in await scene.events(trade_id) if event != "REF.REFUSE"][-2:] == STOPPED
    async with scene.database.read() as s:
        assert await stop_of(s, trade_id=trade_id) is None


async def test_the_exchange_lifts_no_regulators_suspension_and_a_regulator_the_exchanges(scene):
    trade_id, operator = scene.trades["DELIVERING"], scene.house.operator
    await suspend(scene, trade_id)
    async with refused(scene.database, TradeWrongRole):
        await resume(scene, trade_id, operator)
    await resume(scene, trade_id, scene.authority)
    await suspend(scene, trade_id, operator)
    await resume(scene, trade_id, operator)
    scene.clock.advance(timedelta(minutes=1))
    await suspend(scene, trade_id, operator)
    assert (await resume(scene, trade_id)).status is TradeState.DELIVERING


async def test_parties_neither_suspend_nor_resume(scene):
    trade_id = scene.trades["DELIVERING"]
    for party in (scene.seller, scene.buyer, scene.broker):
        async with refused(scene.database, TradeWrongRole):
            await suspend(scene, trade_id, party)
    await suspend(scene, trade_id)
    async with refused(scene.database, TradeWrongRole):
        await resume(scene, trade_id, scene.seller)


async def test_the_term_runs_on_and_is_longer_by_the_working_days_lost(scene):
    kept, lost = scene.trades["DELIVERING"], await scene.walk(TradeState.DELIVERING)
    await suspend(scene, kept)
    await suspend(scene, lost)
    scene.clock.move_to(THURSDAY)
    assert (await resume(scene, kept)).deliver_by == TERM + timedelta(days=3)  # Monday to Thursday
    await scene.run_jobs(TERM + timedelta(milliseconds=1))
    assert (await status(scene, kept), await status(scene, lost)) == ("DELIVERING", "REFUND_PENDING")
    predicate, _ = await said(scene, lost, "TRD.DELIVERY_FAIL")
    assert predicate["reason_code"] == "SUSPENDED_TOO_LONG"
    assert await right(scene, lost) is EntitlementStatus.REVOKED
    await scene.run_jobs(TERM + timedelta(days=3))
    assert await status(scene, kept) == "DELIVERING"
    await scene.run_jobs(TERM + timedelta(days=3, milliseconds=1))
    assert await status(scene, kept) == "REFUND_PENDING"


async def test_after_the_term_nothing_is_resumed_any_more(scene):
    trade_id = scene.trades["DELIVERING"]
    await suspend(scene, trade_id)
    scene.clock.move_to(TERM + timedelta(milliseconds=1))
    async with refused(scene.database, DeadlinePassed):
        await resume(scene, trade_id)


async def test_a_freeze_in_between_gives_back_each_day_once(scene):
    trade_id = scene.trades["DELIVERING"]
    await suspend(scene, trade_id)  # Monday
    scene.clock.advance(timedelta(days=1))
    await freeze(scene, trade_id)  # Tuesday
    scene.clock.move_to(THURSDAY)
    trade = await unfreeze(scene, trade_id)
    assert (trade.status, trade.deliver_by) == (TradeState.DELIVERY_SUSPENDED, TERM + timedelta(days=2))
    assert await right(scene, trade_id) is EntitlementStatus.FROZEN
    async with refused(scene.database, DeliverySuspended):
        await download(scene, trade_id)
    scene.clock.advance(timedelta(days=1))
    trade = await resume(scene, trade_id)  # Friday: four working days lost, two of them given back
    assert trade.deliver_by == TERM + timedelta(days=4)


@pytest.mark.parametrize("reason", ["REGISTRATION_LOST", "CONSENT_WITHDRAWN", "GRANT_ENDED"])
async def test_when_the_listing_falls_every_delivery_of_it_stops_and_goes_on_with_it(sqlite_scene, reason):
    scene = sqlite_scene
    first, second = scene.trades["DELIVERING"], await scene.walk(TradeState.DELIVERING)
    await listing(scene, suspend_listing, reason)
    for trade_id in (first, second):  # before any job has run
        async with refused(scene.database, ListingNotDeliverable):
            await download(scene, trade_id)
    await scene.run_jobs()
    for trade_id in (first, second):
        assert await status(scene, trade_id) == "DELIVERY_SUSPENDED"
        predicate, _ = await said(scene, trade_id, "TRD.SUSPEND")
        assert (predicate["reason_code"], predicate["role"], predicate["order_id"]) == (
            reason,
            "EXCHANGE_OPERATOR",
            None,
        )
    async with refused(scene.database, ListingNotDeliverable):
        await resume(scene, first)  # the cause stands
    await listing(scene, resume_listing, "CAUSE_CLEARED")
    await scene.run_jobs()
    for trade_id in (first, second):
        assert await status(scene, trade_id) == "DELIVERING"
        assert (await download(scene, trade_id)).download_id is not None
    assert [event for event in await scene.events(first) if event != "REF.REFUSE"][-2:] == STOPPED
    assert not await look(scene, first)


async def test_the_system_does_not_lift_what_somebody_ordered(scene):
    trade_id = scene.trades["DELIVERING"]
    await suspend(scene, trade_id, scene.house.operator)
    await listing(scene, suspend_listing)
    await listing(scene, resume_listing)
    await scene.run_jobs()
    assert await status(scene, trade_id) == "DELIVERY_SUSPENDED"
    async with scene.database.read() as s:
        stop = await stop_of(s, trade_id=trade_id)
    assert stop is not None
    assert stop.cause is Cause.ORDER


async def test_of_a_suspended_listing_nothing_goes_out_after_the_delivery_either(scene):
    trade_id = scene.trades["DELIVERED"]
    await listing(scene, suspend_listing)
    async with refused(scene.database, ListingNotDeliverable):
        await download(scene, trade_id)
    await scene.run_jobs()
    assert await status(scene, trade_id) == "DELIVERED"


async def test_a_withdrawn_listing_is_delivered_to_its_end(scene):
    trade_id = scene.trades["DELIVERING"]
    await scene.seller.do(withdraw_listing, role="PROVIDER", listing_id=scene.listing.listing_id)
    await scene.run_jobs()
    assert await status(scene, trade_id) == "DELIVERING"
    assert (await download(scene, trade_id)).download_id is not None


async def test_a_right_that_is_gone_stops_the_delivery(scene):
    trade_id = scene.trades["DELIVERING"]
    async with scene.database.write() as s:
        row = await s.get(RightsRow, (scene.listing.product_id, Right.OPERATE, scene.seller.org_id))
        await s.delete(row)
    async with refused(scene.database, RightNotHeld):
        await download(scene, trade_id)
    assert await look(scene, trade_id)
    predicate, _ = await said(scene, trade_id, "TRD.SUSPEND")
    assert predicate["reason_code"] == "RIGHT_NOT_HELD"


async def test_a_level_that_was_raised_stops_the_delivery_and_lowered_lets_it_go_on(scene):
    trade_id = scene.trades["DELIVERING"]
    await graded(scene, Level.IMPORTANT)
    assert await look(scene, trade_id)
    predicate, _ = await said(scene, trade_id, "TRD.SUSPEND")
    assert predicate["reason_code"] == "CHANNEL_CLOSED"
    assert not await look(scene, trade_id)
    await graded(scene, Level.GENERAL_2)
    assert await look(scene, trade_id)
    assert await status(scene, trade_id) == "DELIVERING"


async def test_what_falls_in_a_freeze_is_seen_when_it_is_lifted(scene):
    trade_id = scene.trades["DELIVERING"]
    await freeze(scene, trade_id)
    await listing(scene, suspend_listing)
    await scene.run_jobs()
    assert await status(scene, trade_id) == "FROZEN"
    await unfreeze(scene, trade_id)
    async with refused(scene.database, ListingNotDeliverable):
        await download(scene, trade_id)
    await scene.run_jobs()
    assert await status(scene, trade_id) == "DELIVERY_SUSPENDED"


async def test_a_suspension_and_a_receipt_at_once_are_one_after_the_other(scene):
    trade_id = scene.trades["DELIVERING"]
    confirmed, suspended = await both(scene.confirm(trade_id), suspend(scene, trade_id))
    assert isinstance(confirmed, Trade) != isinstance(suspended, Trade)
    assert await status(scene, trade_id) in {"DELIVERED", "DELIVERY_SUSPENDED"}


async def graded(scene: Scene, level: Level) -> None:
    async with scene.database.write() as s:
        row = await s.get(ClassificationRow, scene.listing.product_id)
        row.level = level
        s.add(row)


async def test_a_grant_that_has_fallen_stops_what_a_withdrawn_listing_still_delivers(scene):
    trade_id, delivered = scene.trades["DELIVERING"], scene.trades["DELIVERED"]
    await scene.seller.do(withdraw_listing, role="PROVIDER", listing_id=scene.listing.listing_id)
    async with scene.database.write() as s:
        row = await get_listing(s, listing_id=scene.listing.listing_id)
        row.grant_id, row.public_data = "aog_" + "0" * 26, True
        s.add(row)
        await s.flush()
        for one in (trade_id, delivered):
            trade = await claim_trade(s, trade_id=one)
            with pytest.raises(GrantNotLive):
                await require_outgoing(s, trade, now=scene.clock.now())
    assert await look(scene, trade_id)
    assert await status(scene, trade_id) == "DELIVERY_SUSPENDED"
    predicate, _ = await said(scene, trade_id, "TRD.SUSPEND")
    assert predicate["reason_code"] == "GRANT_LOST"
    async with scene.database.write() as s:
        assert await suspend_of_grant(s, scene.house.house.exchange_act(), grant_id="aog_" + "0" * 26) == []
        queued = select(JobRow.payload).where(JobRow.kind == MOVED_JOB)
        assert {"product_id": scene.listing.product_id} in list(await s.exec(queued))


@pytest.mark.parametrize("how", ["revoked", "expired", "registration-revoked"])
async def test_a_right_found_wrong_stops_what_a_withdrawn_listing_delivers_and_one_that_ended_lets_it_run_on(
    sqlite_scene, how
):
    scene = sqlite_scene
    trade_id, delivered = scene.trades["DELIVERING"], scene.trades["DELIVERED"]
    product_id, seller_id = scene.listing.product_id, scene.seller.org_id
    await scene.seller.do(withdraw_listing, role="PROVIDER", listing_id=scene.listing.listing_id)
    async with scene.database.write() as s:
        row = await s.get(RightsRow, (product_id, Right.OPERATE, seller_id))
        if how == "revoked":
            row.ended_as, row.ended_at = RightEnd.REVOKED, scene.clock.now()
        else:
            standing = registration(
                scene,
                RegistrationState.REVOKED if how == "registration-revoked" else RegistrationState.EXPIRED,
            )
            s.add(standing)
            row.registration_id = standing.registration_id
        s.add(row)
    async with scene.database.write() as s:
        trade = await claim_trade(s, trade_id=delivered)
        if how == "expired":
            await require_outgoing(s, trade, now=scene.clock.now())
        else:
            with pytest.raises((RightNotHeld, RegistrationLapsed)):
                await require_outgoing(s, trade, now=scene.clock.now())
        about = {"product_id": product_id, "holder_id": seller_id}
        assert await suspend_dependents(s, scene.house.house.exchange_act(), **about) == []
    await scene.run_jobs()
    predicate, _ = await said(scene, trade_id, "TRD.SUSPEND")
    assert predicate["reason_code"] == "RIGHT_NOT_HELD"


def registration(scene: Scene, status: RegistrationState) -> RegistrationRow:
    """A registration of the product that stands no more."""
    return RegistrationRow(
        registration_id="reg_" + "0" * 26,
        kind=Kind.PROPERTY_RIGHT,
        applicant_id=scene.seller.org_id,
        applied_by=None,
        registrar_id=scene.seller.org_id,
        data_id=scene.listing.product_id,
        status=status,
        name="数据集",
        source="SELF_COLLECTED",
        sample_sha256="a" * 64,
        declaration={},
        applied_at=scene.clock.now(),
        since=scene.clock.now(),
    )
