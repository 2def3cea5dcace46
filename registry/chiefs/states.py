"""The states of an appointment (`CDO`): it stands, it has ended; one table, drawn into `docs/agencies.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.chiefs.errors import ChiefWrongRole, ChiefWrongState


class ChiefState(StrEnum):
    STANDING = "STANDING"
    ENDED = "ENDED"


class ChiefEvent(StrEnum):
    APPOINT = "APPOINT"
    END = "END"


class ChiefEnd(StrEnum):
    """Why an appointment ended."""

    REPLACED = "REPLACED"
    TERM_OVER = "TERM_OVER"
    RESIGNED = "RESIGNED"
    MOVED_ON = "MOVED_ON"
    DISMISSED = "DISMISSED"


GIVEN: Final = (ChiefEnd.RESIGNED, ChiefEnd.MOVED_ON, ChiefEnd.DISMISSED)
"""The reasons that an agency gives; the other two are the exchange's to see."""


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard."""

    roles: frozenset[str]
    to: ChiefState
    guard: str = ""


_S = ChiefState
AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_CLOCK: Final = frozenset({"EXCHANGE_OPERATOR"})

MOVES: Final[Mapping[tuple[ChiefState | None, ChiefEvent], Move]] = {
    (None, ChiefEvent.APPOINT): Move(
        AGENCY,
        _S.STANDING,
        "one of its own people, who is on record, by somebody else; who stood is replaced",
    ),
    (_S.STANDING, ChiefEvent.END): Move(
        AGENCY | _CLOCK, _S.ENDED, "the agency, with a reason; the exchange when the term is over"
    ),
}


def may_move(state: ChiefState | None, event: ChiefEvent, role: str) -> ChiefState:
    """The state an event of this role leads to. Raises ChiefWrongState, ChiefWrongRole."""
    move = MOVES.get((state, event))
    if move is None:
        raise ChiefWrongState(
            f"an appointment that is {state or 'not there yet'} does not take {event}",
            state=str(state),
            event=event.value,
        )
    if role not in move.roles:
        raise ChiefWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to
