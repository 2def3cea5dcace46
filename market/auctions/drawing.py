"""The states of an auction as people read them: diagram and table of `docs/auctions.md`, drawn from the code.

`python -m market.auctions.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from market.auctions.states import MOVES, RUNNING, AuctionState


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        seen.setdefault((at or "[*]", move.to), []).append(event.value)
    ends = [f"    {state} --> [*]" for state in AuctionState if state not in RUNNING]
    return "\n".join(["stateDiagram-v2", *arrows(seen), *ends])


def table() -> str:
    """Every move: from, event, who, guard, when, to; the ledger's statement is `AUC.<event>`."""
    rows = ["| from | event | who | guard | when | to |", "|---|---|---|---|---|---|"]
    for (at, event), move in MOVES.items():
        who = ", ".join(sorted(move.roles))
        rows.append(f"| {at or ''} | {event} | {who} | {move.guard} | {move.within} | {move.to} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("market/auctions/states.py", "docs/auctions.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
