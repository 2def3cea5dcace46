"""The states of a contribution (`CTB`), one table, drawn into `docs/joint-products.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.contributions.errors import ContributionWrongRole, ContributionWrongState


class ContributionState(StrEnum):
    ASKED = "ASKED"
    AGREED = "AGREED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"
    WITHDRAWN = "WITHDRAWN"


class ContributionEvent(StrEnum):
    ASK = "ASK"
    AGREE = "AGREE"
    REFUSE = "REFUSE"
    CANCEL = "CANCEL"
    WITHDRAW = "WITHDRAW"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard."""

    roles: frozenset[str]
    to: ContributionState
    guard: str


_S = ContributionState
_E = ContributionEvent
SELLERS: Final = frozenset({"PROVIDER"})
CONTRIBUTORS: Final = frozenset({"PROVIDER", "DATA_MERCHANT", "OPERATING_INSTITUTION", "PUBLIC_AGENCY"})

MOVES: Final[Mapping[tuple[ContributionState | None, ContributionEvent], Move]] = {
    (None, _E.ASK): Move(
        SELLERS, _S.ASKED, "who sells the product asks another member; all shares leave the seller one"
    ),
    (_S.ASKED, _E.AGREE): Move(
        CONTRIBUTORS, _S.AGREED, "who was asked, with a right to provide to others that stands"
    ),
    (_S.ASKED, _E.REFUSE): Move(CONTRIBUTORS, _S.REFUSED, "who was asked, with a reason"),
    (_S.ASKED, _E.CANCEL): Move(SELLERS, _S.CANCELLED, "who asked, before the answer"),
    (_S.AGREED, _E.WITHDRAW): Move(CONTRIBUTORS, _S.WITHDRAWN, "who agreed, with a reason"),
}


def may_move(state: ContributionState | None, event: ContributionEvent, role: str) -> ContributionState:
    """The state an event of this role leads to. Raises ContributionWrongState, ContributionWrongRole."""
    move = MOVES.get((state, event))
    if move is None:
        raise ContributionWrongState(
            f"a contribution that is {state or 'not there yet'} does not take {event}",
            state=str(state),
            event=event.value,
            allowed=[other.value for at, other in MOVES if at == state],
        )
    if role not in move.roles:
        raise ContributionWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to
