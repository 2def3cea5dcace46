"""The states of the open list as people read them: diagram and table of `docs/opening.md`.

`python -m registry.opening.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from registry.opening.states import AGREEMENT_MOVES, MOVES, USERS, Move, OpenState


def diagram() -> str:
    """The states of an entry and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if at is not move.to:
            seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += arrows(seen)
    lines.append(f"    {OpenState.RETIRED} --> [*]")
    return "\n".join(lines)


def table() -> str:
    """Every move of an entry (`OPN.<event>`), then of an agreement on one (`OPA.<event>`)."""
    grouped: dict[tuple[str, Move[OpenState] | str], list[str]] = {}
    kept: dict[tuple[str, Move[OpenState] | str], Move[OpenState]] = {}
    for (at, event), move in MOVES.items():
        key = (f"OPN.{event}", "as it is" if at is move.to else move)
        grouped.setdefault(key, []).append(at.value if at else "")
        kept[key] = move
    rows = ["| from | statement | who | guard | to |", "|---|---|---|---|---|"]
    for key, states in grouped.items():
        to = key[1] if isinstance(key[1], str) else key[1].to.value
        rows.append(
            f"| {', '.join(states)} | {key[0]} | {_who(kept[key].roles)} | {kept[key].guard} | {to} |"
        )
    for (state, agreed), step in AGREEMENT_MOVES.items():
        rows.append(f"| {state or ''} | OPA.{agreed} | {_who(step.roles)} | {step.guard} | {step.to.value} |")
    return "\n".join(rows)


def _who(roles: frozenset[str]) -> str:
    return "who uses data" if roles == USERS else ", ".join(sorted(roles))


DRAWING: Final = Drawing("registry/opening/states.py", "docs/opening.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
