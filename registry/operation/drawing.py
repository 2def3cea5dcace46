"""The states of a grant as people read them: diagram and table of `docs/operation.md`.

`python -m registry.operation.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from registry.operation.states import MOVES, GrantEvent, GrantState, Move


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if at is not move.to:
            seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += arrows(seen)
    left = {at for (at, _), move in MOVES.items() if at is not move.to}
    lines += [f"    {state} --> [*]" for state in GrantState if state not in left]
    return "\n".join(lines)


def table() -> str:
    """Every move: from, event, who, guard, until when, to; the ledger's statement is `AOG.<event>`."""
    grouped: dict[tuple[GrantEvent, Move | str], list[GrantState | None]] = {}
    kept: dict[tuple[GrantEvent, Move | str], Move] = {}
    for (at, event), move in MOVES.items():
        key = (event, "as it is" if at is move.to else move)
        grouped.setdefault(key, []).append(at)
        kept[key] = move
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for key, states in grouped.items():
        move = kept[key]
        to = key[1] if isinstance(key[1], str) else move.to.value
        names = ", ".join(state.value if state else "" for state in states)
        who = ", ".join(sorted(move.roles))
        rows.append(f"| {names} | {key[0]} | {who} | {move.guard} | {move.within} | {to} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("registry/operation/states.py", "docs/operation.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
