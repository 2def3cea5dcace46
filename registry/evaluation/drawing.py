"""The states of an evaluation as people read them: diagram and table of `docs/agencies.md`.

`python -m registry.evaluation.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from registry.evaluation.states import MOVES, EvaluationEvent, EvaluationState, Move


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if at is not move.to:
            seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += arrows(seen)
    begun = {at for at, _ in MOVES}
    lines += [f"    {state} --> [*]" for state in EvaluationState if state not in begun]
    return "\n".join(lines)


def table() -> str:
    """Every move: from, event, who, guard, until when, to; the ledger's statement is `EVL.<event>`."""
    grouped: dict[tuple[EvaluationEvent, Move | str], list[EvaluationState | None]] = {}
    kept: dict[tuple[EvaluationEvent, Move | str], Move] = {}
    for (at, event), move in MOVES.items():
        key = (event, "as it is" if at is move.to else move)
        grouped.setdefault(key, []).append(at)
        kept[key] = move
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for key, states in grouped.items():
        move = kept[key]
        who = ", ".join(sorted(move.roles))
        to = key[1] if isinstance(key[1], str) else move.to.value
        names = ", ".join(state.value if state else "" for state in states)
        rows.append(f"| {names} | {key[0]} | {who} | {move.guard} | {move.within} | {to} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("registry/evaluation/states.py", "docs/agencies.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
