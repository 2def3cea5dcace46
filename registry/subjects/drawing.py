"""The states of data subjects' records as people read them: what is drawn into `docs/subjects.md`.

`python -m registry.subjects.drawing` writes them into the page; a test compares.
"""

from enum import StrEnum
from pathlib import Path
from typing import Final

from base.drawing import Drawing, arrows
from registry.subjects.states import MACHINES, RECEIVERS, Move, Moves

_PAGE: Final = "docs/subjects.md"


def diagram(moves: Moves) -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in moves.items():
        if at is not move.to:
            seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += arrows(seen)
    left = {at for (at, _), move in moves.items() if at is not move.to}
    states = dict.fromkeys(move.to for move in moves.values())
    lines += [f"    {state} --> [*]" for state in states if state not in left]
    return "\n".join(lines)


def table(moves: Moves) -> str:
    """Every move: from, event, who, guard, until when, to."""
    grouped: dict[tuple[StrEnum, Move | str], list[StrEnum | None]] = {}
    kept: dict[tuple[StrEnum, Move | str], Move] = {}
    for (at, event), move in moves.items():
        key = (event, "as it is" if at is move.to else move)
        grouped.setdefault(key, []).append(at)
        kept[key] = move
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for key, states in grouped.items():
        move = kept[key]
        who = "who received" if move.roles == RECEIVERS else ", ".join(sorted(move.roles))
        to = key[1] if isinstance(key[1], str) else move.to.value
        names = ", ".join(state.value if state else "" for state in states)
        rows.append(f"| {names} | {key[0]} | {who} | {move.guard} | {move.within} | {to} |")
    return "\n".join(rows)


def _drawing(machine: str, moves: Moves) -> Drawing:
    def drawn_states() -> str:
        return diagram(moves)

    def drawn_table() -> str:
        return table(moves)

    return Drawing(f"registry/subjects/states.py: {machine}", _PAGE, drawn_states, drawn_table)


DRAWINGS: Final = tuple(_drawing(machine, moves) for machine, (_, moves) in MACHINES.items())


def write() -> None:
    """Draw all of it into the page."""
    where = Path(_PAGE)
    page = where.read_text(encoding="utf-8")
    for drawing in DRAWINGS:
        page = drawing.redraw(page)
    where.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
