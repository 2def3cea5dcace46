"""The states of a listing (`LST`, `states.md` §3.2) and who moves it: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.listings.errors import ListingWrongRole, ListingWrongState


class ListingState(StrEnum):
    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    BLOCKED = "BLOCKED"
    COMPLIANCE_REVIEW = "COMPLIANCE_REVIEW"
    REJECTED = "REJECTED"
    APPROVED = "APPROVED"
    LISTED = "LISTED"
    SUSPENDED = "SUSPENDED"
    DELISTED = "DELISTED"


class ListingEvent(StrEnum):
    DRAFT = "DRAFT"
    SUBMIT = "SUBMIT"
    SCREEN_FAIL = "SCREEN_FAIL"
    SCREEN_PASS = "SCREEN_PASS"  # noqa: S105 - the name of an event
    RETURN = "RETURN"
    REJECT = "REJECT"
    APPROVE = "APPROVE"
    LIST = "LIST"
    UPDATE_MINOR = "UPDATE_MINOR"
    UPDATE_MAJOR = "UPDATE_MAJOR"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    DELIST = "DELIST"
    WITHDRAW = "WITHDRAW"
    EXPIRE = "EXPIRE"
    APPEAL = "APPEAL"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, and where it leads."""

    roles: frozenset[str]
    to: ListingState


_OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})  # its officers, and the system it runs
_SELLER: Final = frozenset({"PROVIDER", "BROKER"})  # a broker with a mandate
_PROVIDER: Final = frozenset({"PROVIDER"})
_MAY_SUSPEND: Final = frozenset({"EXCHANGE_OPERATOR", "DATA_AUTHORITY", "SAMR", "CAC"})

_S = ListingState
_E = ListingEvent
MOVES: Final[Mapping[tuple[ListingState | None, ListingEvent], Move]] = {
    (None, _E.DRAFT): Move(_SELLER, _S.DRAFT),
    (_S.DRAFT, _E.SUBMIT): Move(_SELLER, _S.SUBMITTED),
    (_S.SUBMITTED, _E.SCREEN_FAIL): Move(_OPERATOR, _S.BLOCKED),
    (_S.SUBMITTED, _E.SCREEN_PASS): Move(_OPERATOR, _S.COMPLIANCE_REVIEW),
    (_S.COMPLIANCE_REVIEW, _E.RETURN): Move(_OPERATOR, _S.DRAFT),
    (_S.COMPLIANCE_REVIEW, _E.REJECT): Move(_OPERATOR, _S.REJECTED),
    (_S.COMPLIANCE_REVIEW, _E.APPROVE): Move(_OPERATOR, _S.APPROVED),
    (_S.APPROVED, _E.LIST): Move(_OPERATOR, _S.LISTED),
    (_S.LISTED, _E.UPDATE_MINOR): Move(_PROVIDER, _S.LISTED),
    (_S.LISTED, _E.UPDATE_MAJOR): Move(_PROVIDER, _S.COMPLIANCE_REVIEW),
    (_S.LISTED, _E.SUSPEND): Move(_MAY_SUSPEND, _S.SUSPENDED),
    (_S.LISTED, _E.WITHDRAW): Move(_PROVIDER, _S.DELISTED),
    (_S.LISTED, _E.EXPIRE): Move(_OPERATOR, _S.DELISTED),
    (_S.SUSPENDED, _E.RESUME): Move(_MAY_SUSPEND, _S.LISTED),
    (_S.SUSPENDED, _E.DELIST): Move(_MAY_SUSPEND, _S.DELISTED),
    (_S.BLOCKED, _E.APPEAL): Move(_PROVIDER, _S.COMPLIANCE_REVIEW),
}


def may_move(state: ListingState | None, event: ListingEvent, role: str) -> ListingState:
    """The state an event of this role leads to; None is the state before the draft.

    Raises ListingWrongState, naming what the state allows, or ListingWrongRole.
    """
    move = MOVES.get((state, event))
    if move is None:
        allowed = [other.value for at, other in MOVES if at == state]
        raise ListingWrongState(
            f"a listing that is {state or 'not there yet'} does not take {event}: "
            f"it takes {', '.join(allowed) or 'nothing more'}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise ListingWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to


def check_lift(*, suspended_by: str, role: str) -> None:
    """The authority that suspended lifts it: the exchange no regulator's suspension; ListingWrongRole."""
    if role == "EXCHANGE_OPERATOR" and suspended_by != "EXCHANGE_OPERATOR":
        raise ListingWrongRole(
            "a regulator's suspension is lifted by a regulator", role=role, suspended_by=suspended_by
        )
