"""The states of incidents and warnings as people read them: diagrams and table of `docs/incidents.md`.

`python -m cases.incidents.drawing` writes them into the page; a test compares.
"""

from collections.abc import Mapping
from typing import Any, Final

from base.drawing import Drawing, arrows
from cases.incidents.states import (
    MOVES,
    OWNERS,
    WARNING_MOVES,
    IncidentState,
    Move,
    WarningState,
)

_MACHINES: Final[tuple[tuple[str, Mapping[Any, Move], type[Any]], ...]] = (
    ("INC", MOVES, IncidentState),
    ("WRN", WARNING_MOVES, WarningState),
)


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram; a warning's stand beside an incident's."""
    lines = ["stateDiagram-v2"]
    for name, moves, states in _MACHINES:
        seen: dict[tuple[str, str], list[str]] = {}
        for (at, event), move in moves.items():
            if at is not None and at == move.to:
                continue
            seen.setdefault((_named(name, at), _named(name, move.to)), []).append(event.value)
        lines += arrows(seen)
        begun = {at for (at, _), move in moves.items() if at is not None and at != move.to}
        lines += [f"    {_named(name, state)} --> [*]" for state in states if state not in begun]
    return "\n".join(lines)


def _named(machine: str, state: str | None) -> str:
    return "[*]" if state is None else state if machine == "INC" else f"WARNING_{state}"


def table() -> str:
    """Every move: from, event, who, guard, within which time, to; statements are `INC.` and `WRN.<event>`."""
    rows = ["| from | statement | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for name, moves, _ in _MACHINES:
        grouped: dict[tuple[str, str], list[str]] = {}
        kept: dict[tuple[str, str], Move] = {}
        for (at, event), move in moves.items():
            to = "as it is" if at == move.to else move.to
            key = (event.value, to + move.guard)
            grouped.setdefault(key, []).append(at or "")
            kept[key] = move
        for (event, _), states in grouped.items():
            move = kept[event, _]
            who = (
                "whom it has befallen, the exchange"
                if move.roles == OWNERS
                else ", ".join(sorted(move.roles))
            )
            to = "as it is" if states == [move.to] or len(states) > 1 else move.to
            rows.append(
                f"| {', '.join(states)} | {name}.{event} | {who} | {move.guard} | {move.within} | {to} |"
            )
    return "\n".join(rows)


DRAWING: Final = Drawing("cases/incidents/states.py", "docs/incidents.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
