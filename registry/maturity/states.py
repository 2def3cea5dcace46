"""The states of a certificate of maturity (`DCM`), one table, drawn into `docs/agencies.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from identity.rules import Role
from registry.maturity.errors import MaturityWrongRole, MaturityWrongState


class MaturityState(StrEnum):
    CLAIMED = "CLAIMED"
    CONFIRMED = "CONFIRMED"
    DECLINED = "DECLINED"
    REVOKED = "REVOKED"


class MaturityEvent(StrEnum):
    CLAIM = "CLAIM"
    RECORD = "RECORD"
    CONFIRM = "CONFIRM"
    DECLINE = "DECLINE"
    REVOKE = "REVOKE"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard."""

    roles: frozenset[str]
    to: MaturityState
    guard: str = ""


_S = MaturityState
_E = MaturityEvent
AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
MEMBERS: Final = frozenset(role.value for role in Role) - {"AUDITOR", "DATA_AUTHORITY"}

MOVES: Final[Mapping[tuple[MaturityState | None, MaturityEvent], Move]] = {
    (None, _E.CLAIM): Move(MEMBERS, _S.CLAIMED, "the organisation itself, with the certificate's digest"),
    (None, _E.RECORD): Move(AUTHORITY, _S.CONFIRMED, "of another organisation, from the certificate"),
    (_S.CLAIMED, _E.CONFIRM): Move(AUTHORITY, _S.CONFIRMED, "the certificate was looked at; it is valid"),
    (_S.CLAIMED, _E.DECLINE): Move(AUTHORITY, _S.DECLINED, "a reason"),
    (_S.CONFIRMED, _E.REVOKE): Move(AUTHORITY, _S.REVOKED, "a reason"),
}


def may_move(state: MaturityState | None, event: MaturityEvent, role: str) -> MaturityState:
    """The state an event of this role leads to. Raises MaturityWrongState, MaturityWrongRole."""
    move = MOVES.get((state, event))
    if move is None:
        raise MaturityWrongState(
            f"a certificate that is {state or 'not there yet'} does not take {event}",
            state=str(state),
            event=event.value,
        )
    if role not in move.roles:
        raise MaturityWrongRole(f"{event} is not an act of {role}", role=role, roles=sorted(move.roles))
    return move.to
