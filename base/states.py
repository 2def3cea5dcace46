"""A table of states: what an event of a role leads to, and what a state takes of whom; pure.

Each room has its own table, its words for what moves, and its errors.
"""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Protocol, TypeVar

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)
To = TypeVar("To", covariant=True)  # noqa: PLC0105  # what a move leads to


class Move(Protocol[To]):
    """What stands in a table at a state and an event: who may cause it, and where it leads."""

    @property
    def roles(self) -> frozenset[str]: ...

    @property
    def to(self) -> To: ...


def moved(
    moves: Mapping[tuple[StateT | None, EventT], Move[To]],
    state: StateT | None,
    event: EventT,
    role: str,
    *,
    says: str,
    wrong_state: Callable[..., Exception],
    wrong_role: Callable[..., Exception],
    in_order: bool = False,
) -> To:
    """Where an event of this role leads; None is the state before the first event.

    `says` is what is refused where the table has no such move; beside it are told the events that the state
    takes, by name, or `in_order` of the table. Raises what `wrong_state` and `wrong_role` make.
    """
    move = moves.get((state, event))
    if move is None:
        allowed = [other.value for at, other in moves if at == state]
        facts = {"state": str(state), "event": event.value}
        raise wrong_state(says, **facts, allowed=allowed if in_order else sorted(allowed))
    if role not in move.roles:
        raise wrong_role(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to


def taken(
    moves: Mapping[tuple[StateT | None, EventT], Move[object]], state: StateT, roles: Collection[str]
) -> tuple[EventT, ...]:
    """What a state takes of somebody with these roles, in the order of the table."""
    return tuple(event for (at, event), move in moves.items() if at is state and move.roles & set(roles))
