"""What is asked about interfaces and their calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, func, select

from base.calendar import shanghai_day
from base.db import ReadSession
from base.ids import Seed
from market.delivery.acceptance import Call, Facts
from market.delivery.gateway.errors import InterfaceErased, SecretUnknown
from market.delivery.gateway.rules import OWN_TABLE, Interface, interface_of_text, is_judged
from market.delivery.gateway.tables import CallRow, InterfaceRow, InterfaceSecret

MOST_JUDGED: Final = 100_000
_OF_TIME: Final = 14  # `cal_` and ten digits of milliseconds


async def interfaces_of(s: ReadSession, *, listing_id: str) -> Sequence[InterfaceRow]:
    """What a listing's interface was declared to be, first to last."""
    query = select(InterfaceRow).where(InterfaceRow.listing_id == listing_id)
    return (await s.exec(query.order_by(col(InterfaceRow.number)))).all()


async def latest_interface(s: ReadSession, *, listing_id: str) -> InterfaceRow | None:
    """What was declared last; None while nothing was."""
    query = select(InterfaceRow).where(InterfaceRow.listing_id == listing_id)
    return (await s.exec(query.order_by(col(InterfaceRow.number).desc()).limit(1))).first()


async def interface_of(s: ReadSession, *, listing_id: str) -> Interface:
    """How a listing's interface is answered now. Raises InterfaceErased."""
    row = await latest_interface(s, listing_id=listing_id)
    return OWN_TABLE if row is None else read_interface(row)


def read_interface(row: InterfaceRow) -> Interface:
    """What a row says. Raises InterfaceErased."""
    if not row.document:
        raise InterfaceErased("what was declared was erased", listing_id=row.listing_id)
    return interface_of_text(row.document)


async def get_secret(s: ReadSession, *, secret_id: str, owner_id: str) -> InterfaceSecret:
    """A member's own secret. Raises SecretUnknown."""
    row = await s.get(InterfaceSecret, secret_id)
    if row is None or row.owner_id != owner_id:
        raise SecretUnknown("no such secret", secret_id=secret_id)
    return row


async def call_of_use(s: ReadSession, *, use_id: str) -> CallRow | None:
    """The call that was counted as a use."""
    query = select(CallRow).where(CallRow.use_id == use_id)
    return (await s.exec(query, execution_options={"populate_existing": True})).first()


async def service_facts(s: ReadSession, *, entitlement_id: str) -> Facts | None:
    """What the gateway has measured of a right's calls, as an acceptance test takes it; None without any.

    Of those alone that say something of the seller's service (`is_judged`). They are many: what is asked of
    them comes as plain tuples.
    """
    query = (
        select(CallRow.ok, CallRow.latency_ms, CallRow.called_at, CallRow.outcome)
        .where(CallRow.entitlement_id == entitlement_id)
        .order_by(col(CallRow.call_id).desc())
        .limit(MOST_JUDGED)
    )
    calls = [one for one in (await s.exec(query)).all() if is_judged(one[3])]
    if not calls:
        return None
    days = shanghai_day(calls[0][2]) - shanghai_day(calls[-1][2])
    return Facts(calls=[Call(ok, latency_ms) for ok, latency_ms, *_ in calls], measured_days=days.days + 1)


async def failing_calls(s: ReadSession, *, since: datetime, until: datetime) -> int | None:
    """The calls in [since, until) that did not go well, in thousandths of all; None where nobody called.

    Ids of calls sort by time, so that this reads no more than it counts.
    """
    first, last = (Seed(b"").new_id("cal", at)[:_OF_TIME] for at in (since, until))
    query = select(CallRow.ok, func.count()).where(col(CallRow.call_id) >= first, col(CallRow.call_id) < last)
    counts = dict((await s.exec(query.group_by(col(CallRow.ok)))).all())
    calls = sum(counts.values())
    return counts.get(False, 0) * 1000 // calls if calls else None
