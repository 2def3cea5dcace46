"""Containment on the market: each measure goes through the door that is there, with the order's id.

The officer signs the order (INC.MEASURE); what it stops, the exchange states with that order's id, since an
act has one signature. The way back is the same (INC.LIFT); only what was halted at customs is let go by the
CAC's own signature.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from base.db import WriteSession
from base.errors import Refusal
from base.jobs import enqueue
from cases.incidents import repository
from cases.incidents.errors import (
    IncidentMalformed,
    IncidentReportDue,
    MeasureBeyondPower,
    MeasureIdle,
)
from cases.incidents.moving import Said, check_text, claim_for, claim_owned, step
from cases.incidents.rules import (
    LIFTERS,
    OBJECTS,
    POWERS,
    Matter,
    Measure,
)
from cases.incidents.states import IncidentEvent
from cases.incidents.tables import IncidentRow, MeasureRow
from ledger.recording import Act
from market.customs import deciding as customs
from market.delivery import repository as deliveries
from market.delivery.keys import revoke_key
from market.delivery.tables import AccessKey
from market.delivery.unconsented.holds import (
    INCIDENT,
    free_product,
    hold_right,
    not_held_by,
    release_right,
    stop_product,
)
from market.listings.publishing import resume_listing, suspend_listing
from market.listings.repository import offers_of
from market.orders.repository import claim_trade
from market.trade.freezing import freeze_trade, unfreeze_trade
from market.trade.suspending import end_order, resume_delivery, suspend_delivery

_E = IncidentEvent
STOP_JOB: Final = "incident.stop-more"
AT_ONCE: Final = 50
LIFTED: Final = "INCIDENT_CONTAINED"
_BY_LAW: Final = (Matter.REPORT, Matter.REPORT_SECURITY)


async def order_measure(
    s: WriteSession, act: Act, *, incident_id: str, measure: Measure, object_id: str, reason: str
) -> MeasureRow:
    """Order a measure (INC.MEASURE): what it names is stopped in the same transaction.

    Of a product with more than fifty deliveries the rest is stopped by a job at once. Raises
    MeasureBeyondPower, MeasureIdle, IncidentMalformed, and what the market's door raises.
    """
    row = await claim_for(s, act, incident_id, _E.MEASURE)
    _check_power(act, POWERS[measure], measure)
    if not object_id.startswith(OBJECTS[measure]):
        raise IncidentMalformed("this measure is about something else", member="object_id")
    ordered = MeasureRow(
        order_id=act.new_id("ino"),
        incident_id=incident_id,
        measure=measure,
        object_id=object_id,
        stopped=[],
        reason=check_text(reason),
        ordered_at=act.occurred_at,
    )
    said = Said(
        public={"order_id": ordered.order_id, "measure": measure.value},
        opening={"object_of_order": object_id, "reason": reason},
    )
    await step(s, act, _E.MEASURE, row, said)
    ordered.stopped = await _stop(s, act.as_exchange(), ordered)
    s.add(ordered)
    await s.flush()
    return ordered


async def stop_more(s: WriteSession, act: Act, *, incident_id: str, order_id: str) -> int:
    """Stop what is left of an order that stands: what fifty deliveries did not hold. Answers how many."""
    await repository.claim_incident(s, incident_id=incident_id)
    ordered = await repository.standing_measure(s, incident_id=incident_id, order_id=order_id)
    more = await _stop_product(s, act, ordered)
    ordered.stopped = [*ordered.stopped, *more]
    s.add(ordered)
    await s.flush()
    return len(more)


async def lift_measure(
    s: WriteSession, act: Act, *, incident_id: str, order_id: str, reason: str
) -> MeasureRow:
    """Take a measure back (INC.LIFT): what it stopped goes on, as far as nothing else stands in the way.

    Raises MeasureUnknown, MeasureBeyondPower, and what the market's door raises.
    """
    row = await claim_for(s, act, incident_id, _E.LIFT)
    ordered = await repository.standing_measure(s, incident_id=incident_id, order_id=order_id)
    _check_power(act, LIFTERS[ordered.measure], ordered.measure)
    said = Said(
        public={"order_id": order_id, "measure": ordered.measure.value},
        opening={"reason": check_text(reason)},
    )
    halted = ordered.measure is Measure.HALT_CLEARANCE
    await step(s, act.as_exchange() if halted else act, _E.LIFT, row, said)
    await _let_go(s, act, ordered, reason)
    ordered.lifted_at = act.occurred_at
    s.add(ordered)
    await s.flush()
    return ordered


async def contain(s: WriteSession, act: Act, *, incident_id: str, text: str) -> IncidentRow:
    """Say that it spreads no further, and how that came about (INC.CONTAIN).

    Raises IncidentReportDue while a report from "larger" on has not been made.
    """
    row = await claim_owned(s, act, incident_id, _E.CONTAIN)
    await check_reported(s, row, by=_BY_LAW)
    said = Said(public={"measures": await _standing(s, row)}, opening={"text": check_text(text)})
    await step(s, act, _E.CONTAIN, row, said)
    return row


async def check_reported(s: WriteSession, row: IncidentRow, *, by: Collection[Matter]) -> None:
    """Every report of these that is due was made, in time or not. Raises IncidentReportDue."""
    waiting = [
        one.matter.value
        for one in await repository.duties_of(s, incident_id=row.incident_id)
        if one.matter in by and one.met_at is None and one.dropped_at is None
    ]
    if waiting:
        raise IncidentReportDue("report it first", waiting=waiting)


async def _standing(s: WriteSession, row: IncidentRow) -> int:
    rows = await repository.measures_of(s, incident_id=row.incident_id)
    return sum(one.lifted_at is None for one in rows)


def _check_power(act: Act, roles: frozenset[str], measure: Measure) -> None:
    if act.role not in roles:
        raise MeasureBeyondPower(
            f"{measure.value} is not in the power of {act.role}", role=act.role, roles=sorted(roles)
        )


async def _stop(s: WriteSession, act: Act, ordered: MeasureRow) -> list[str]:
    named: dict[str, Any] = {"order_id": ordered.order_id, "reason_code": INCIDENT}
    about = ordered.object_id
    if ordered.measure is Measure.STOP_DELIVERIES:
        return await _stop_product(s, act, ordered)
    if ordered.measure is Measure.STOP_DELIVERY:
        await suspend_delivery(s, act, trade_id=about, **named)
    elif ordered.measure is Measure.SUSPEND_LISTING:
        await suspend_listing(s, act, listing_id=about, **named)
    elif ordered.measure is Measure.HALT_CLEARANCE:
        reason = f"{ordered.order_id}: {ordered.reason}"
        await customs.halt(s, act, declaration_id=about, reason_code=INCIDENT, reason=reason)
    elif ordered.measure is Measure.REVOKE_KEY:
        known = await s.get(AccessKey, about, populate_existing=True)
        if known is not None and known.revoked_at is not None:
            raise MeasureIdle("this key has ended", object_id=about)
        await revoke_key(s, act, key_id=about, order_id=ordered.order_id)
    else:
        await freeze_trade(s, act, trade_id=about, **named)
    return [about]


async def _stop_product(s: WriteSession, act: Act, ordered: MeasureRow) -> list[str]:
    """Offers are taken off, and no delivery of what was sold before begins; those under way are suspended.

    What was delivered, or what another has suspended or frozen already and may let go first, is held by this
    order besides.
    """
    product_id = ordered.object_id
    if not await stop_product(s, product_id=product_id, by=ordered.order_id, at=act.occurred_at):
        raise IncidentMalformed("no such product", member="object_id")
    named: dict[str, Any] = {"order_id": ordered.order_id, "reason_code": INCIDENT}
    stopped: list[str] = []
    for listing_id in await offers_of(s, product_id=product_id):
        await suspend_listing(s, act, listing_id=listing_id, **named)
        stopped.append(listing_id)
    most = AT_ONCE + 1
    under_way: Sequence[str] = await deliveries.delivering_of(s, product_id=product_id, limit=most)
    for trade_id in under_way[:AT_ONCE]:
        await suspend_delivery(s, act, trade_id=trade_id, **named)
        stopped.append(trade_id)
    delivered: Sequence[str] = await not_held_by(s, product_id=product_id, by=ordered.order_id, limit=most)
    for trade_id in delivered[:AT_ONCE]:
        await claim_trade(s, trade_id=trade_id)
        if await hold_right(s, trade_id=trade_id, by=ordered.order_id, at=act.occurred_at):
            stopped.append(trade_id)
    if stopped and max(len(under_way), len(delivered)) > AT_ONCE:
        payload = {"incident_id": ordered.incident_id, "order_id": ordered.order_id}
        key = f"{ordered.order_id} {len(ordered.stopped) + len(stopped)}"
        await enqueue(s, kind=STOP_JOB, key=key, run_at=act.now, payload=payload)
    return stopped


async def _offer_again(s: WriteSession, act: Act, *, listing_id: str, **named: Any) -> None:
    """A listing goes back on offer, or stays off it where something else keeps it there."""
    try:
        async with s.begin_nested():
            await resume_listing(s, act, listing_id=listing_id, **named)
    except Refusal:
        return


async def _let_go(s: WriteSession, act: Act, ordered: MeasureRow, reason: str) -> None:
    exchange = act.as_exchange()
    named: dict[str, Any] = {"order_id": ordered.order_id, "reason_code": LIFTED}
    about = ordered.object_id
    if ordered.measure is Measure.STOP_DELIVERIES:
        await free_product(s, by=ordered.order_id)
        for listing_id in (one for one in ordered.stopped if one.startswith("lst_")):
            await _offer_again(s, exchange, listing_id=listing_id, **named)
        for trade_id in (one for one in ordered.stopped if one.startswith("trd_")):
            await claim_trade(s, trade_id=trade_id)
            await release_right(s, trade_id=trade_id, by=ordered.order_id)
            stop = await deliveries.stop_of(s, trade_id=trade_id)
            if stop is not None and stop.order_id == ordered.order_id:
                await end_order(s, exchange, trade_id=trade_id, **named)
    elif ordered.measure is Measure.STOP_DELIVERY:
        await resume_delivery(s, exchange, trade_id=about, **named)
    elif ordered.measure is Measure.SUSPEND_LISTING:
        await resume_listing(s, exchange, listing_id=about, **named)
    elif ordered.measure is Measure.HALT_CLEARANCE:
        await customs.resume(s, act, declaration_id=about, reason=f"{ordered.order_id}: {reason}")
    else:
        await unfreeze_trade(s, exchange, trade_id=about, **named)
