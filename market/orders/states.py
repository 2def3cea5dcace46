"""The states of a trade (`TRD`), from its inquiry to its settlement: one table, and its deadlines.

`states.md` §3.4. A provider may also refuse or stay silent before its first offer: that silence is
what the rule on refusal to deal (AB3) counts, so REFUSE and TIMEOUT leave INQUIRED as well. The
exchange's role stands for the system: it states what the clock, the meter and the bank report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Final

from base.calendar import (
    Deadline,
    deadline_after,
    moment_after,
    shanghai_day,
    working_days_between,
)
from base.clock import SHANGHAI, rfc3339
from market.orders.errors import DeadlineNotReached, DeadlinePassed, TradeWrongRole, TradeWrongState


class TradeState(StrEnum):
    INQUIRED = "INQUIRED"
    NEGOTIATING = "NEGOTIATING"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"
    ACCEPTED = "ACCEPTED"
    BLOCKED = "BLOCKED"
    CONTRACT_READY = "CONTRACT_READY"
    CONTRACTED = "CONTRACTED"
    CANCELLED = "CANCELLED"
    FUNDED = "FUNDED"
    DELIVERING = "DELIVERING"
    DELIVERED = "DELIVERED"
    ACCEPTED_GOODS = "ACCEPTED_GOODS"
    SETTLED = "SETTLED"
    FROZEN = "FROZEN"


class TradeEvent(StrEnum):
    INQUIRE = "INQUIRE"
    OFFER = "OFFER"
    COUNTER_OFFER = "COUNTER_OFFER"
    REFUSE = "REFUSE"
    TIMEOUT = "TIMEOUT"
    ACCEPT = "ACCEPT"
    PRECHECK_PASS = "PRECHECK_PASS"  # noqa: S105 - the name of an event
    PRECHECK_FAIL = "PRECHECK_FAIL"
    SIGN = "SIGN"
    CONTRACT = "CONTRACT"
    FUND = "FUND"
    FUND_TIMEOUT = "FUND_TIMEOUT"
    START_DELIVERY = "START_DELIVERY"
    DELIVERED = "DELIVERED"
    ACCEPT_GOODS = "ACCEPT_GOODS"
    SILENT_ACCEPT = "SILENT_ACCEPT"
    SETTLE = "SETTLE"
    FREEZE = "FREEZE"
    UNFREEZE = "UNFREEZE"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, and where it leads; `to` None is the state the trade was frozen in."""

    roles: frozenset[str]
    to: TradeState | None


_SYSTEM: Final = frozenset({"EXCHANGE_OPERATOR"})
_BANK: Final = frozenset({"ESCROW", "EXCHANGE_OPERATOR"})  # the exchange states what the bank reports
_PROVIDER_SIDE: Final = frozenset({"PROVIDER", "BROKER"})
_BUYER_SIDE: Final = frozenset({"BUYER", "BROKER"})
_PARTIES: Final = frozenset({"PROVIDER", "BUYER", "BROKER"})
_AUTHORITIES: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC"})
_MAY_FREEZE: Final = _AUTHORITIES | _SYSTEM

_S = TradeState
_E = TradeEvent
_STEPS: Final[Mapping[tuple[TradeState | None, TradeEvent], Move]] = {
    (None, _E.INQUIRE): Move(_BUYER_SIDE, _S.INQUIRED),
    # The list price is the provider's standing invitation: a buyer may begin by countering it.
    (_S.INQUIRED, _E.OFFER): Move(_PROVIDER_SIDE, _S.NEGOTIATING),
    (_S.INQUIRED, _E.COUNTER_OFFER): Move(_BUYER_SIDE, _S.NEGOTIATING),
    (_S.INQUIRED, _E.REFUSE): Move(_PROVIDER_SIDE, _S.REFUSED),
    (_S.INQUIRED, _E.TIMEOUT): Move(_SYSTEM, _S.LAPSED),
    # OFFER renews one's own expired offer, COUNTER_OFFER answers the other side's.
    (_S.NEGOTIATING, _E.OFFER): Move(_PARTIES, _S.NEGOTIATING),
    (_S.NEGOTIATING, _E.COUNTER_OFFER): Move(_PARTIES, _S.NEGOTIATING),
    (_S.NEGOTIATING, _E.REFUSE): Move(_PROVIDER_SIDE, _S.REFUSED),
    (_S.NEGOTIATING, _E.TIMEOUT): Move(_SYSTEM, _S.LAPSED),
    (_S.NEGOTIATING, _E.ACCEPT): Move(_PARTIES, _S.ACCEPTED),
    (_S.ACCEPTED, _E.PRECHECK_PASS): Move(_SYSTEM, _S.CONTRACT_READY),
    (_S.ACCEPTED, _E.PRECHECK_FAIL): Move(_SYSTEM, _S.BLOCKED),
    # Each party's signature leaves the trade where it is; CONTRACT follows when all have signed.
    (_S.CONTRACT_READY, _E.SIGN): Move(_PARTIES, _S.CONTRACT_READY),
    (_S.CONTRACT_READY, _E.CONTRACT): Move(_SYSTEM, _S.CONTRACTED),
    (_S.CONTRACTED, _E.FUND): Move(_BANK, _S.FUNDED),
    (_S.CONTRACTED, _E.FUND_TIMEOUT): Move(_SYSTEM, _S.CANCELLED),
    (_S.FUNDED, _E.START_DELIVERY): Move(frozenset({"PROVIDER"}), _S.DELIVERING),
    (_S.DELIVERING, _E.DELIVERED): Move(frozenset({"EXCHANGE_OPERATOR", "BUYER"}), _S.DELIVERED),
    (_S.DELIVERED, _E.ACCEPT_GOODS): Move(frozenset({"BUYER"}), _S.ACCEPTED_GOODS),
    (_S.DELIVERED, _E.SILENT_ACCEPT): Move(_SYSTEM, _S.ACCEPTED_GOODS),
    (_S.ACCEPTED_GOODS, _E.SETTLE): Move(_BANK, _S.SETTLED),
    (_S.FROZEN, _E.UNFREEZE): Move(_MAY_FREEZE, None),
}
TERMINAL: Final = frozenset({_S.REFUSED, _S.LAPSED, _S.BLOCKED, _S.CANCELLED, _S.SETTLED})
MOVES: Final[Mapping[tuple[TradeState | None, TradeEvent], Move]] = {
    **_STEPS,
    **{
        (state, _E.FREEZE): Move(_MAY_FREEZE, _S.FROZEN)
        for state in TradeState
        if state not in TERMINAL and state is not _S.FROZEN
    },
    (_S.FROZEN, _E.FREEZE): Move(_AUTHORITIES, _S.FROZEN),  # takes over the exchange's own: check_takeover
}


def allowed_events(state: TradeState | None) -> tuple[TradeEvent, ...]:
    """What a state takes, in the order of the table."""
    return tuple(event for at, event in MOVES if at == state)


def may_move(state: TradeState | None, event: TradeEvent, role: str) -> TradeState | None:
    """The state an event of this role leads to; None for UNFREEZE, which leads back.

    `state` None is the state before the inquiry. Raises TradeWrongState, which says the state and what
    it allows, or TradeWrongRole.
    """
    move = MOVES.get((state, event))
    if move is None:
        allowed = [other.value for other in allowed_events(state)]
        raise TradeWrongState(
            f"a trade that is {state or 'not there yet'} does not take {event}: "
            f"it takes {', '.join(allowed) or 'nothing more'}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise TradeWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to


ANSWER_WORKING_DAYS: Final = 20
FUND_WORKING_DAYS: Final = 3
ACCEPT_FILE_WORKING_DAYS: Final = 5
ACCEPT_SERVICE_WORKING_DAYS: Final = 10
SETTLE_WORKING_DAYS: Final = 1
OPERATOR_FREEZE_WORKING_DAYS: Final = 10  # how long the exchange may freeze without a regulator
BANKS_OPEN: Final = time(9)


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock does to a trade in its state, and when: after the deadline (SETTLE: from it on)."""

    event: TradeEvent
    deadline: Deadline


def due_in(state: TradeState, since: datetime, *, by_call: bool = False) -> Due | None:
    """The clock's next event for a trade whose state, or latest offer, dates from `since`.

    `by_call`: the product is an API or a service, whose acceptance takes 10 working days and not 5
    (`rules.md` §2.7). None where no clock runs.
    """
    if state in {_S.INQUIRED, _S.NEGOTIATING}:
        return Due(_E.TIMEOUT, deadline_after(since, ANSWER_WORKING_DAYS))
    if state is _S.CONTRACTED:
        return Due(_E.FUND_TIMEOUT, deadline_after(since, FUND_WORKING_DAYS))
    if state is _S.DELIVERED:
        days = ACCEPT_SERVICE_WORKING_DAYS if by_call else ACCEPT_FILE_WORKING_DAYS
        return Due(_E.SILENT_ACCEPT, deadline_after(since, days))
    if state is _S.ACCEPTED_GOODS:
        return Due(_E.SETTLE, moment_after(since, SETTLE_WORKING_DAYS, BANKS_OPEN))
    return None


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


def check_takeover(*, frozen_by: str) -> None:
    """An authority takes over the exchange's freeze, which then no longer ends by itself.

    Raises TradeWrongState where an authority's stands already.
    """
    if frozen_by not in _SYSTEM:
        raise TradeWrongState(
            "an authority's freeze stands already",
            state=TradeState.FROZEN.value,
            event=TradeEvent.FREEZE.value,
            allowed=[TradeEvent.UNFREEZE.value],
        )


def check_unfreeze(*, frozen_by: str, role: str) -> None:
    """The exchange may lift its own freeze and no regulator's; raises TradeWrongRole."""
    if role == "EXCHANGE_OPERATOR" and frozen_by != "EXCHANGE_OPERATOR":
        raise TradeWrongRole("a regulator's freeze is lifted by a regulator", role=role, frozen_by=frozen_by)
