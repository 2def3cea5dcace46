"""The states of a case as people read them: diagram and table of `docs/cases.md`, drawn from the code.

`python -m cases.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from cases.states import ENDED, MOVES, CaseEvent, CaseState, Move

_ANYWHERE: Final = frozenset({CaseEvent.TELL, CaseEvent.OVERDUE})


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram, without what is possible almost anywhere."""
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if event not in _ANYWHERE:
            seen.setdefault((at or "[*]", move.to), []).append(event.value)
    ends = [f"    {state} --> [*]" for state in CaseState if state in ENDED]
    return "\n".join(["stateDiagram-v2", *arrows(seen), *ends])


def table() -> str:
    """Every move: from, event, who, guard, within which time, to; the ledger's statement is `CSE.<event>`."""
    grouped: dict[tuple[CaseEvent, Move | str], list[str]] = {}
    moves: dict[tuple[CaseEvent, Move | str], Move] = {}
    for (at, event), move in MOVES.items():
        key = (event, "as it is") if event in _ANYWHERE else (event, move)
        grouped.setdefault(key, []).append(at.value if at else "")
        moves[key] = move
    rows = ["| from | event | who | guard | time | to |", "|---|---|---|---|---|---|"]
    for (event, to), states in grouped.items():
        move = moves[event, to]
        who = ", ".join(sorted(move.roles))
        end = to if isinstance(to, str) else to.to
        rows.append(f"| {', '.join(states)} | {event} | {who} | {move.guard} | {move.within} | {end} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("cases/states.py", "docs/cases.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
