"""The states of a case (`CSE`, `states.md` §3.5) as far as they are walked here, and what orders can do."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cases.errors import (
    CaseWrongRole,
    CaseWrongState,
    DecisionBeyondFinding,
    OrderBeyondPower,
    OrderMalformed,
)


class CaseState(StrEnum):
    RECEIVED = "RECEIVED"
    INVESTIGATING = "INVESTIGATING"
    CLOSED_NO_CASE = "CLOSED_NO_CASE"
    DECIDED = "DECIDED"  # the suspicion is confirmed


class CaseEvent(StrEnum):
    FILE = "FILE"
    OPEN_CASE = "OPEN_CASE"
    NO_CASE = "NO_CASE"
    DECIDE = "DECIDE"


class Measure(StrEnum):
    """What an order does. What stops something has the order that lifts it."""

    FREEZE_TRADE = "FREEZE_TRADE"
    UNFREEZE_TRADE = "UNFREEZE_TRADE"
    SUSPEND_CERTIFICATE = "SUSPEND_CERTIFICATE"
    REINSTATE_CERTIFICATE = "REINSTATE_CERTIFICATE"
    SUSPEND_LISTING = "SUSPEND_LISTING"
    RESUME_LISTING = "RESUME_LISTING"
    SUSPEND_DELIVERY = "SUSPEND_DELIVERY"
    RESUME_DELIVERY = "RESUME_DELIVERY"
    REFUND_TRADE = "REFUND_TRADE"  # after the release; nothing lifts it
    VOID_TRADE = "VOID_TRADE"  # nor this


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, and where it leads."""

    roles: frozenset[str]
    to: CaseState


REGULATORS: Final = frozenset({"SAMR", "DATA_AUTHORITY", "CAC"})
MOVES: Final[Mapping[tuple[CaseState | None, CaseEvent], Move]] = {
    (None, CaseEvent.FILE): Move(REGULATORS | {"EXCHANGE_OPERATOR"}, CaseState.RECEIVED),
    (CaseState.RECEIVED, CaseEvent.OPEN_CASE): Move(REGULATORS, CaseState.INVESTIGATING),
    (CaseState.RECEIVED, CaseEvent.NO_CASE): Move(REGULATORS, CaseState.CLOSED_NO_CASE),
    (CaseState.INVESTIGATING, CaseEvent.NO_CASE): Move(REGULATORS, CaseState.CLOSED_NO_CASE),
    (CaseState.INVESTIGATING, CaseEvent.DECIDE): Move(REGULATORS, CaseState.DECIDED),
}
# Who may order what (`states.md` §3.0: supervisor and supervised).
POWERS: Final[Mapping[Measure, frozenset[str]]] = {
    Measure.FREEZE_TRADE: REGULATORS,
    Measure.UNFREEZE_TRADE: REGULATORS,
    Measure.SUSPEND_CERTIFICATE: frozenset({"DATA_AUTHORITY"}),
    Measure.REINSTATE_CERTIFICATE: frozenset({"DATA_AUTHORITY"}),
    Measure.SUSPEND_LISTING: REGULATORS,
    Measure.RESUME_LISTING: REGULATORS,
    Measure.SUSPEND_DELIVERY: REGULATORS,
    Measure.RESUME_DELIVERY: REGULATORS,
    Measure.REFUND_TRADE: REGULATORS,
    Measure.VOID_TRADE: REGULATORS,
}


ORDERING: Final = frozenset({CaseState.INVESTIGATING, CaseState.DECIDED})


def check_decision(subjects: Collection[str], org_ids: Collection[str]) -> None:
    """A decision holds a case against some of whom the finding named. Raises DecisionBeyondFinding."""
    strangers = sorted(set(org_ids) - set(subjects))
    if strangers or not org_ids:
        raise DecisionBeyondFinding("a decision is about whom the finding named", org_ids=strangers)


def may_move(state: CaseState | None, event: CaseEvent, role: str) -> CaseState:
    """The state an event of this role leads to. Raises CaseWrongState or CaseWrongRole."""
    move = MOVES.get((state, event))
    if move is None:
        allowed = sorted(other.value for at, other in MOVES if at == state)
        raise CaseWrongState(
            f"a case that is {state or 'not there yet'} does not take {event}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise CaseWrongRole(f"{event} is not an act of {role}", role=role, roles=sorted(move.roles))
    return move.to


def check_order(state: CaseState, measure: Measure, role: str) -> None:
    """An order needs an open investigation or a decision, and an authority that has the power.

    Raises CaseWrongState, OrderBeyondPower.
    """
    if state not in ORDERING:
        raise CaseWrongState(
            "orders are issued in an investigation, or upon its decision", state=state.value, allowed=[]
        )
    if role not in POWERS[measure]:
        raise OrderBeyondPower(
            f"{measure} is not in the power of {role}", role=role, roles=sorted(POWERS[measure])
        )


def check_refund_terms(measure: Measure, *, refund_minor: int | None, fault: Collection[str]) -> None:
    """An order of a refund says how much goes back, and no other order does. Raises OrderMalformed."""
    refunds = measure is Measure.REFUND_TRADE
    if refunds and refund_minor is None:
        raise OrderMalformed("an order of a refund says how much goes back", member="refund_minor")
    if not refunds and (refund_minor is not None or fault):
        raise OrderMalformed("only an order of a refund says so", member="refund_minor")
