"""The states of a bulletin as people read them, drawn into `docs/incidents.md`; a test compares.

`python -m cases.bulletins.drawing` writes them into the page.
"""

from typing import Final

from base.drawing import Drawing, arrows
from cases.bulletins.states import MOVES, READERS


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        seen.setdefault((at or "[*]", move.to), []).append(event.value)
    return "\n".join(["stateDiagram-v2", *arrows(seen), "    WITHDRAWN --> [*]"])


def table() -> str:
    """Every move: from, event, who, guard, within which time, to; the statement is `BUL.<event>`."""
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for (at, event), move in MOVES.items():
        who = "any member" if move.roles == READERS else ", ".join(sorted(move.roles))
        rows.append(f"| {at or ''} | {event} | {who} | {move.guard} | {move.within} | {move.to} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("cases/bulletins/states.py", "docs/incidents.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
