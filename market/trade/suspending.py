"""A delivery that is stopped before it is whole, and goes on when the cause is cleared.

By a signed order of a regulator or of the exchange; and by the exchange's system when what the delivery rests
on falls: the listing is suspended (its registration lost, a consent withdrawn, a grant ended), the registered
right is gone, the product's level closes the channel. Downloads ask for all that themselves, under lock, so
that nothing leaves from that very moment; the state of the trade follows by a job of its own.
"""

from datetime import datetime
from typing import Final

from base.calendar import moment_after, shanghai_day, working_days_between
from base.clock import SHANGHAI
from base.db import WriteSession
from base.jobs import Job, enqueue
from ledger.recording import Act, record
from market.delivery import repository as deliveries
from market.delivery.errors import ListingNotDeliverable
from market.delivery.rules import Cause, check_resume
from market.delivery.service import (
    end_stop,
    freeze_entitlement,
    require_deliverable,
    unfreeze_entitlement,
)
from market.delivery.tables import DeliveryStop
from market.delivery.unconsented.holds import INCIDENT, order_holding
from market.listings.publishing import GRANT_LOST
from market.listings.repository import get_listing
from market.listings.rules import ListingState
from market.orders import repository
from market.orders.rules import TradeEvent, TradeState, check_in_time, may_move
from market.orders.service import step
from market.orders.tables import Trade
from market.orders.waiting import await_delivery
from registry.errors import ChannelClosed, RightNotHeld, UnclassifiedProduct
from registry.grading.errors import AssessmentMissing, ConsentMissing
from registry.operation.depending import GRANT_LOSSES
from registry.registration.errors import RegistrationLapsed

LOOK_AGAIN_JOB: Final = "delivery.look-again"


async def suspend_delivery(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    reason_code: str,
    order_id: str | None = None,
    cause: Cause = Cause.ORDER,
) -> Trade:
    """Stop a delivery that has begun (TRD.SUSPEND): no byte of it leaves until it is resumed.

    The term of delivery runs on, so that a delivery which stays suspended fails when it is over. Raises
    TradeWrongState, TradeWrongRole.
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    before = trade.status
    await repository.move(s, trade=trade, event=TradeEvent.SUSPEND, role=act.role)
    await freeze_entitlement(s, trade_id=trade_id)
    s.add(
        DeliveryStop(
            trade_id=trade_id,
            cause=cause,
            suspended_by=act.role,
            reason_code=reason_code,
            order_id=order_id,
            suspended_at=act.occurred_at,
        )
    )
    await s.flush()
    said = step(trade, TradeEvent.SUSPEND, before, reason_code=reason_code, order_id=order_id)
    await record(s, act, said)
    return trade


async def resume_delivery(
    s: WriteSession, act: Act, *, trade_id: str, reason_code: str, order_id: str | None = None
) -> Trade:
    """Let a suspended delivery go on (TRD.RESUME), within a term that is longer by the working days lost.

    Where an incident's order holds it besides, the exchange suspends it at once by that order. Raises
    TradeWrongState, TradeWrongRole for the exchange where a regulator suspended it, DeadlinePassed, and what
    still stands in the way: ListingNotDeliverable, RightNotHeld, ChannelClosed.
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    may_move(trade.status, TradeEvent.RESUME, act.role)
    stop = await deliveries.stop_of(s, trade_id=trade_id)
    assert stop is not None
    check_resume(suspended_by=stop.suspended_by, role=act.role)
    if trade.deliver_by is not None:
        check_in_time(trade.deliver_by, act.now)
    await require_deliverable(s, trade, now=act.now)
    before = trade.status
    values = {"deliver_by": _later(trade, stop, act)}
    await repository.move(s, trade=trade, event=TradeEvent.RESUME, role=act.role, values=values)
    await end_stop(s, trade_id=trade_id)
    await unfreeze_entitlement(s, trade_id=trade_id)
    said = step(trade, TradeEvent.RESUME, before, reason_code=reason_code, order_id=order_id)
    await record(s, act, said)
    await await_delivery(s, trade, again=act.new_id("job"))
    await _stop_held(s, act, trade_id=trade_id)
    return trade


async def _stop_held(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """Suspend, as the exchange, a delivery whose right an incident's order holds; whether one does."""
    order_id = await order_holding(s, trade_id=trade_id)
    if order_id is not None:
        exchange = act.as_exchange()
        await suspend_delivery(s, exchange, trade_id=trade_id, order_id=order_id, reason_code=INCIDENT)
    return order_id is not None


async def end_order(s: WriteSession, act: Act, *, trade_id: str, reason_code: str, order_id: str) -> bool:
    """End an order over a suspended delivery; whether it goes on.

    Where what it rests on has fallen meanwhile, or it is frozen, the stop becomes the exchange's own, which
    looks again then; a term that is over fails by itself. So one trade keeps no order from ending for others.
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    stop = await deliveries.stop_of(s, trade_id=trade_id)
    assert stop is not None
    overdue = trade.deliver_by is not None and act.now > trade.deliver_by
    stands = trade.status is TradeState.DELIVERY_SUSPENDED
    if stands and not overdue and await _fallen(s, act, trade) is None:
        await resume_delivery(s, act, trade_id=trade_id, reason_code=reason_code, order_id=order_id)
        return True
    stop.cause, stop.order_id = Cause.BASIS, None
    s.add(stop)
    await s.flush()
    return False


def _later(trade: Trade, stop: DeliveryStop, act: Act) -> datetime | None:
    """The term, at its old hour, later by the working days of the stop that no freeze has given back."""
    if trade.deliver_by is None:
        return None
    lost = working_days_between(shanghai_day(stop.suspended_at), shanghai_day(act.now)) - stop.given_days
    return moment_after(trade.deliver_by, max(lost, 0), trade.deliver_by.astimezone(SHANGHAI).time()).at


async def look_again(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """Suspend a delivery whose basis has fallen, or resume one whose basis is back; whether it was moved.

    The exchange's system, which undoes its own suspensions alone.
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    if trade.status is TradeState.DELIVERING:
        if await _stop_held(s, act, trade_id=trade_id):  # ordered while it was frozen
            return True
        reason = await _fallen(s, act, trade)
        if reason is not None:
            await suspend_delivery(s, act, trade_id=trade_id, reason_code=reason, cause=Cause.BASIS)
        return reason is not None
    stop = await deliveries.stop_of(s, trade_id=trade_id)
    if trade.status is not TradeState.DELIVERY_SUSPENDED or stop is None or stop.cause is not Cause.BASIS:
        return False
    overdue = trade.deliver_by is not None and act.now > trade.deliver_by
    if overdue or await _fallen(s, act, trade) is not None:
        return False
    await resume_delivery(s, act, trade_id=trade_id, reason_code="CAUSE_CLEARED")
    return True


async def _fallen(s: WriteSession, act: Act, trade: Trade) -> str | None:
    """What a delivery rested on and does not any more, as a reason code; None where all of it stands."""
    try:
        await require_deliverable(s, trade, now=act.now)
    except ListingNotDeliverable:
        listing = await get_listing(s, listing_id=trade.listing_id)
        told = listing.reasons if listing.status is ListingState.SUSPENDED else []
        return told[0] if told else "LISTING_NOT_DELIVERABLE"
    except (RightNotHeld, RegistrationLapsed):
        return "RIGHT_NOT_HELD"
    except (ChannelClosed, UnclassifiedProduct):
        return "CHANNEL_CLOSED"
    except (ConsentMissing, AssessmentMissing):
        return "CONSENT_LOST"
    except GRANT_LOSSES:
        return GRANT_LOST
    return None


async def look_at_all(s: WriteSession, job: Job) -> None:
    """Have every delivery of a product looked at, each in a transaction of its own."""
    for trade_id in await deliveries.deliveries_of(s, product_id=job.payload["product_id"]):
        await queue_look(s, trade_id=trade_id, name=job.key, at=job.now)


async def queue_look(s: WriteSession, *, trade_id: str, name: str, at: datetime) -> None:
    """Have one delivery looked at; `name` tells apart the times that this is asked for."""
    key = f"{trade_id}:{name}"
    await enqueue(s, kind=LOOK_AGAIN_JOB, key=key, run_at=at, payload={"trade_id": trade_id})
