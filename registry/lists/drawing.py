"""The states of an item and of a share request as people read them: diagrams and tables of `docs/lists.md`.

`python -m registry.lists.drawing` writes them into the page; a test compares.
"""

from typing import Any, Final

from base.drawing import Drawing, arrows
from registry.lists.states import AGENCY, ITEM_MOVES, SHARE_MOVES, ItemState, ShareState

_MACHINES: Final[Any] = ((ITEM_MOVES, ItemState), (SHARE_MOVES, ShareState))


def diagram() -> str:
    """The states of both and their moves as one Mermaid state diagram: items above, requests below."""
    lines = ["stateDiagram-v2"]
    for name, (moves, states) in zip(("Item", "Share"), _MACHINES, strict=True):
        seen: dict[tuple[str, str], list[str]] = {}
        for (at, event), move in moves.items():
            if at is not move.to:
                begin = f"{name}_{at.value}" if at else "[*]"
                seen.setdefault((begin, f"{name}_{move.to.value}"), []).append(event.value)
        lines += arrows(seen)
        begun = {at for at, _ in moves}
        lines += [f"    {name}_{state.value} --> [*]" for state in states if state not in begun]
    return "\n".join(lines)


def table() -> str:
    """Every move: from, statement, who, guard, within, to."""
    rows = ["| from | statement | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for prefix, (moves, _) in zip(("ITM", "SHR"), _MACHINES, strict=True):
        for (at, event), move in moves.items():
            who = ", ".join("agency" if role in AGENCY else _WHO[role] for role in sorted(move.roles))
            to = "as it is" if at is move.to else move.to.value
            start = at.value if at else ""
            rows.append(f"| {start} | `{prefix}.{event}` | {who} | {move.guard} | {move.within} | {to} |")
    return "\n".join(rows)


_WHO: Final = {"DATA_AUTHORITY": "data authority", "EXCHANGE_OPERATOR": "the clock"}
DRAWING: Final = Drawing("registry/lists/states.py", "docs/lists.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
