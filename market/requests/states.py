"""The states of a data request (`REQ`): one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.requests.errors import RequestWrongRole, RequestWrongState


class RequestState(StrEnum):
    OPEN = "OPEN"
    FULFILLED = "FULFILLED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class RequestEvent(StrEnum):
    PUBLISH = "PUBLISH"
    ANSWER = "ANSWER"
    FULFIL = "FULFIL"
    WITHDRAW = "WITHDRAW"
    EXPIRE = "EXPIRE"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, and where it leads. The ledger statement of an event is `REQ.<event>`."""

    roles: frozenset[str]
    to: RequestState


_BUYER: Final = frozenset({"BUYER"})
MOVES: Final[Mapping[tuple[RequestState | None, RequestEvent], Move]] = {
    (None, RequestEvent.PUBLISH): Move(_BUYER, RequestState.OPEN),
    (RequestState.OPEN, RequestEvent.ANSWER): Move(frozenset({"PROVIDER", "BROKER"}), RequestState.OPEN),
    (RequestState.OPEN, RequestEvent.FULFIL): Move(_BUYER, RequestState.FULFILLED),
    (RequestState.OPEN, RequestEvent.WITHDRAW): Move(_BUYER, RequestState.WITHDRAWN),
    (RequestState.OPEN, RequestEvent.EXPIRE): Move(frozenset({"EXCHANGE_OPERATOR"}), RequestState.EXPIRED),
}


def may_move(state: RequestState | None, event: RequestEvent, role: str) -> RequestState:
    """Where the event leads. Raises RequestWrongState (with what is allowed) and RequestWrongRole."""
    move = MOVES.get((state, event))
    if move is None:
        raise RequestWrongState(
            f"{event} is not possible in {state}",
            event=event.value,
            state=state.value if state else None,
            allowed=sorted(known.value for at, known in MOVES if at is state),
        )
    if role not in move.roles:
        raise RequestWrongRole(
            f"{event} belongs to another role", event=event.value, role=role, roles=sorted(move.roles)
        )
    return move.to
