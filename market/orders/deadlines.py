"""The clocks of a trade: what falls due in which state, counted in working days (`states.md` §3.4)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from base.calendar import (
    Deadline,
    deadline_after,
    end_of_day_shanghai,
    moment_after,
    shanghai_day,
    working_days_between,
)
from base.clock import SHANGHAI, rfc3339
from market.orders.errors import DeadlineNotReached, DeadlinePassed
from market.orders.states import TradeEvent, TradeState

_S = TradeState
_E = TradeEvent

ANSWER_WORKING_DAYS: Final = 20
FUND_WORKING_DAYS: Final = 3
DELIVER_WORKING_DAYS: Final = 5  # after funding, where the contract does not say otherwise
ACCEPT_FILE_WORKING_DAYS: Final = 5
ACCEPT_SERVICE_WORKING_DAYS: Final = 10
MEDIATE_WORKING_DAYS: Final = 20
SETTLE_WORKING_DAYS: Final = 1
FILE_WORKING_DAYS: Final = 5
DESTROY_WORKING_DAYS: Final = 10  # from the end of a licence to the proof that the data is gone
OPERATOR_FREEZE_WORKING_DAYS: Final = 10  # how long the exchange may freeze without a regulator
BANKS_OPEN: Final = time(9)


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock does to a trade in its state, and when: after the deadline (SETTLE: from it on)."""

    event: TradeEvent
    deadline: Deadline


def due_in(
    state: TradeState,
    since: datetime,
    *,
    acceptance_days: int = ACCEPT_FILE_WORKING_DAYS,
    delivery_days: int = DELIVER_WORKING_DAYS,
) -> Due | None:
    """The clock's next event for a trade whose state, or latest offer, dates from `since`.

    `acceptance_days`: the contract's acceptance window, in working days from the delivery (usually 5, and 10
    for what is used by call or over time: `rules.md` §2.7). `delivery_days`: the contract's term of delivery,
    in working days from the funding; it goes on running while the delivery does. None where no clock begins.
    """
    if state in {_S.INQUIRED, _S.NEGOTIATING}:
        return Due(_E.TIMEOUT, deadline_after(since, ANSWER_WORKING_DAYS))
    if state is _S.CONTRACTED:
        return Due(_E.FUND_TIMEOUT, deadline_after(since, FUND_WORKING_DAYS))
    if state is _S.FUNDED:
        return Due(_E.DELIVERY_FAIL, deadline_after(since, delivery_days))
    if state is _S.DELIVERED:
        return Due(_E.SILENT_ACCEPT, deadline_after(since, acceptance_days))
    if state in {_S.ACCEPTED_GOODS, _S.PARTIAL_SETTLE}:
        return Due(_E.SETTLE, moment_after(since, SETTLE_WORKING_DAYS, BANKS_OPEN))
    return None


def invoice_by(settled_at: datetime) -> datetime:
    """Until when a settled trade is invoiced: the end of the month in Shanghai."""
    day = shanghai_day(settled_at)
    return end_of_day_shanghai(day.replace(day=monthrange(day.year, day.month)[1]))


def file_by(settled_at: datetime) -> datetime:
    """Until when a settled trade is filed."""
    return deadline_after(settled_at, FILE_WORKING_DAYS).at


def check_in_time(deadline: datetime, now: datetime) -> None:
    """Refuse what comes after its deadline, with DeadlinePassed; the deadline itself is in time."""
    if now > deadline:
        raise DeadlinePassed("the deadline has passed", deadline=rfc3339(deadline), now=rfc3339(now))


def check_reached(event: TradeEvent, deadline: datetime, now: datetime) -> None:
    """Refuse what the clock does before its time, with DeadlineNotReached.

    A settlement may happen at its moment; the other events only when it has passed.
    """
    early = now < deadline if event is _E.SETTLE else now <= deadline
    if early:
        raise DeadlineNotReached(
            f"{event} is not due yet", event=event.value, deadline=rfc3339(deadline), now=rfc3339(now)
        )


def resumed(deadline: datetime, *, frozen_at: datetime, unfrozen_at: datetime) -> Deadline:
    """A deadline after a freeze, at its old hour: the working days that the trade stood still are added."""
    lost = working_days_between(shanghai_day(frozen_at), shanghai_day(unfrozen_at))
    return moment_after(deadline, lost, deadline.astimezone(SHANGHAI).time())
