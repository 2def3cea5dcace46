"""The states of a declaration and its routing rules as people read them, for `docs/customs.md`.

`python -m market.customs.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from market.customs.states import EXPORTERS, MOVES, DeclarationEvent, DeclarationState, Move


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if at is not move.to:
            seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += arrows(seen)
    begun = {at for at, _ in MOVES}
    lines += [f"    {state} --> [*]" for state in DeclarationState if state not in begun]
    return "\n".join(lines)


def table() -> str:
    """Every move: from, event, who, guard, until when, to; the ledger's statement is `XBD.<event>`."""
    grouped: dict[tuple[DeclarationEvent, Move], list[str]] = {}
    for (at, event), move in MOVES.items():
        grouped.setdefault((event, move), []).append(at.value if at else "")
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for (event, move), states in grouped.items():
        who = ", ".join(sorted("exporter" if role in EXPORTERS else role for role in move.roles))
        who = ", ".join(sorted({"the exporter" if one == "exporter" else one for one in who.split(", ")}))
        rows.append(f"| {', '.join(states)} | {event} | {who} | {move.guard} | {move.within} | {move.to} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("market/customs/states.py", "docs/customs.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
