"""The states of a bulletin (`BUL`), drawn into `docs/incidents.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.states import moved
from cases.bulletins.errors import BulletinWrongRole, BulletinWrongState
from identity.rules import Role


class BulletinState(StrEnum):
    ISSUED = "ISSUED"
    WITHDRAWN = "WITHDRAWN"


class BulletinEvent(StrEnum):
    ISSUE = "ISSUE"
    RECEIVE = "RECEIVE"
    REMIND = "REMIND"
    WITHDRAW = "WITHDRAW"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and within which time, in words."""

    roles: frozenset[str]
    to: BulletinState
    guard: str = ""
    within: str = ""


_S = BulletinState
_E = BulletinEvent
_EXCHANGE: Final = frozenset({"EXCHANGE_OPERATOR"})
ISSUERS: Final = _EXCHANGE | {"CAC", "DATA_AUTHORITY", "PUBLIC_SECURITY"}
READERS: Final = frozenset(role.value for role in Role if role is not Role.AUDITOR)
MOVES: Final[Mapping[tuple[BulletinState | None, BulletinEvent], Move]] = {
    (None, _E.ISSUE): Move(ISSUERS, _S.ISSUED, "somebody is of these roles, regions and sectors"),
    (_S.ISSUED, _E.RECEIVE): Move(
        READERS, _S.ISSUED, "whom it is addressed to, once", "red 2, orange 8, yellow 24, blue 72 hours"
    ),
    (_S.ISSUED, _E.REMIND): Move(_EXCHANGE, _S.ISSUED, "somebody has not read it in time"),
    (_S.ISSUED, _E.WITHDRAW): Move(ISSUERS, _S.WITHDRAWN, "who issued it, with the reason"),
}


def may_move(state: BulletinState | None, event: BulletinEvent, role: str) -> BulletinState:
    """The state an event of this role leads to. Raises BulletinWrongState or BulletinWrongRole."""
    return moved(
        MOVES,
        state,
        event,
        role,
        says=f"a bulletin that is {state or 'not there yet'} does not take {event}",
        wrong_state=BulletinWrongState,
        wrong_role=BulletinWrongRole,
    )
