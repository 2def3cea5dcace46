"""The states of a data item and of a share request, one table each (`states.md` §3.9).

They are drawn into `docs/lists.md`. What `states.md` leaves out is added: a source is assigned by the data
authority or names itself, and the other of the two confirms; a share of unconditional data is granted as it
is asked; a refusal can be contested before the data authority; what is late is stated by the clock (the
exchange's role).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from base.states import moved, taken
from registry.lists.errors import ItemWrongState, ListWrongRole, ShareWrongState


class ItemState(StrEnum):
    PROPOSED = "PROPOSED"
    SOURCE_ASSIGNED = "SOURCE_ASSIGNED"
    CONFIRMED = "CONFIRMED"
    CONFLICT = "CONFLICT"
    RESOLVED = "RESOLVED"
    RETIRED = "RETIRED"


class ItemEvent(StrEnum):
    PROPOSE = "PROPOSE"
    CLAIM = "CLAIM"
    ASSIGN = "ASSIGN"
    CONFIRM = "CONFIRM"
    DISPUTE = "DISPUTE"
    OVERDUE = "OVERDUE"
    RESOLVE = "RESOLVE"
    CHANGE = "CHANGE"
    RETIRE = "RETIRE"


class ShareState(StrEnum):
    SUBMITTED = "SUBMITTED"
    ANSWERED_GRANT = "ANSWERED_GRANT"
    ANSWERED_REFUSE = "ANSWERED_REFUSE"
    OVERDUE = "OVERDUE"
    ESCALATED = "ESCALATED"
    SERVED = "SERVED"
    CLOSED = "CLOSED"


class ShareEvent(StrEnum):
    SUBMIT = "SUBMIT"
    TAKE = "TAKE"
    GRANT = "GRANT"
    REFUSE = "REFUSE"
    OVERDUE = "OVERDUE"
    ESCALATE = "ESCALATE"
    CONTEST = "CONTEST"
    LATE = "LATE"
    SERVE = "SERVE"
    WITHDRAW = "WITHDRAW"
    CLOSE = "CLOSE"


StateT = TypeVar("StateT", ItemState, ShareState)
EventT = TypeVar("EventT", ItemEvent, ShareEvent)


@dataclass(frozen=True, slots=True)
class Move(Generic[StateT]):
    """Who may cause the event, where it leads, under what guard and until when, in words."""

    roles: frozenset[str]
    to: StateT
    guard: str = ""
    within: str = ""


AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
CLOCK: Final = frozenset({"EXCHANGE_OPERATOR"})
_I = ItemState
_IE = ItemEvent
_S = ShareState
_SE = ShareEvent
SOURCED: Final = (_I.SOURCE_ASSIGNED, _I.CONFIRMED, _I.RESOLVED)
"""The states of an item that has one source and no quarrel."""
WAITING: Final = (_S.SUBMITTED, _S.OVERDUE, _S.ESCALATED)
"""The states of a request that has no answer."""
UNDER_WAY: Final = (*WAITING, _S.ANSWERED_GRANT)
GRANTED: Final = (_S.ANSWERED_GRANT, _S.SERVED)
"""The states in which the requester has the data from the exchange."""

ITEM_MOVES: Final[Mapping[tuple[ItemState | None, ItemEvent], Move[ItemState]]] = {
    (None, _IE.PROPOSE): Move(
        AGENCY | AUTHORITY, _I.PROPOSED, "no such item exists; what is alike is named as another one"
    ),
    (_I.PROPOSED, _IE.CLAIM): Move(AGENCY, _I.SOURCE_ASSIGNED, "its function, and the law that gives it"),
    (_I.PROPOSED, _IE.ASSIGN): Move(AUTHORITY, _I.SOURCE_ASSIGNED, "an agency, and the law"),
    (_I.SOURCE_ASSIGNED, _IE.CONFIRM): Move(
        AGENCY | AUTHORITY,
        _I.CONFIRMED,
        "of a claim the data authority, of an assignment the agency that is named",
    ),
    **{
        (state, _IE.DISPUTE): Move(
            AGENCY, _I.CONFLICT, "another agency names itself the source", "10 working days to decide"
        )
        for state in SOURCED
    },
    (_I.CONFLICT, _IE.OVERDUE): Move(CLOCK, _I.CONFLICT, "not decided in time", "after the deadline"),
    (_I.CONFLICT, _IE.RESOLVE): Move(
        AUTHORITY, _I.RESOLVED, "one of the two, with reasons; never by one of the two", "10 working days"
    ),
    **{
        (state, _IE.CHANGE): Move(AUTHORITY, state, "meaning, synonyms; no other item has the name")
        for state in (_I.PROPOSED, *SOURCED)
    },
    **{
        (state, _IE.RETIRE): Move(AUTHORITY, _I.RETIRED, "no entry's field holds it")
        for state in (_I.PROPOSED, *SOURCED)
    },
}

SHARE_MOVES: Final[Mapping[tuple[ShareState | None, ShareEvent], Move[ShareState]]] = {
    (None, _SE.SUBMIT): Move(
        AGENCY,
        _S.SUBMITTED,
        "of an entry that is shared on a condition, a correction, or a backflow",
        "answered in 10 working days",
    ),
    (None, _SE.TAKE): Move(AGENCY, _S.ANSWERED_GRANT, "of an unconditional entry below general-3"),
    **{
        (state, _SE.GRANT): Move(
            AGENCY, _S.ANSWERED_GRANT, "the provider; late it counts against it", "served in 20 working days"
        )
        for state in (_S.SUBMITTED, _S.OVERDUE)
    },
    **{
        (state, _SE.REFUSE): Move(
            AGENCY, _S.ANSWERED_REFUSE, "the provider, with a reason, signed by its chief data officer"
        )
        for state in (_S.SUBMITTED, _S.OVERDUE)
    },
    (_S.SUBMITTED, _SE.OVERDUE): Move(CLOCK, _S.OVERDUE, "no answer", "after 10 working days"),
    (_S.OVERDUE, _SE.ESCALATE): Move(CLOCK, _S.ESCALATED, "still no answer", "after 5 working days more"),
    (_S.ANSWERED_REFUSE, _SE.CONTEST): Move(
        AGENCY, _S.ESCALATED, "the requester, with its grounds, once", "10 working days"
    ),
    (_S.ESCALATED, _SE.GRANT): Move(
        AGENCY | AUTHORITY,
        _S.ANSWERED_GRANT,
        "the data authority decides; the provider may still give way",
        "served in 20 working days",
    ),
    (_S.ESCALATED, _SE.REFUSE): Move(AUTHORITY, _S.ANSWERED_REFUSE, "with a reason; it stays so"),
    (_S.ANSWERED_GRANT, _SE.LATE): Move(
        CLOCK, _S.ANSWERED_GRANT, "not served in time", "after 20 working days"
    ),
    (_S.ANSWERED_GRANT, _SE.SERVE): Move(
        AGENCY | CLOCK, _S.SERVED, "the provider; the exchange, of a mounted file", "20 working days"
    ),
    **{(state, _SE.WITHDRAW): Move(AGENCY, _S.CLOSED, "the requester") for state in UNDER_WAY},
    **{
        (state, _SE.CLOSE): Move(AGENCY, _S.CLOSED, "the requester: it has what it asked, or leaves it so")
        for state in (_S.SERVED, _S.ANSWERED_REFUSE)
    },
}


def move_item(state: ItemState | None, event: ItemEvent, role: str) -> ItemState:
    """The state an event of this role leads to. Raises ItemWrongState, ListWrongRole."""
    return moved(
        ITEM_MOVES,
        state,
        event,
        role,
        says=f"an item that is {state or 'not there yet'} does not take {event}",
        wrong_state=ItemWrongState,
        wrong_role=ListWrongRole,
    )


def move_share(state: ShareState | None, event: ShareEvent, role: str) -> ShareState:
    """The state an event of this role leads to. Raises ShareWrongState, ListWrongRole."""
    return moved(
        SHARE_MOVES,
        state,
        event,
        role,
        says=f"a request that is {state or 'not there yet'} does not take {event}",
        wrong_state=ShareWrongState,
        wrong_role=ListWrongRole,
    )


def events_of(
    moves: Mapping[tuple[StateT | None, EventT], Move[StateT]], state: StateT, roles: Collection[str]
) -> tuple[EventT, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return taken(moves, state, roles)
