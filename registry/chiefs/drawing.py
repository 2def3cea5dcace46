"""The states of an appointment as people read them: diagram and table of `docs/agencies.md`."""

from typing import Final

from base.drawing import Drawing, arrows, moves_table
from registry.chiefs.states import MOVES, ChiefState


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        seen.setdefault((at or "[*]", move.to), []).append(event.value)
    return "\n".join(["stateDiagram-v2", *arrows(seen), f"    {ChiefState.ENDED} --> [*]"])


def table() -> str:
    """Every move: from, event, who, guard, to; the ledger's statement is `CDO.<event>`."""
    return moves_table(MOVES)


DRAWING: Final = Drawing("registry/chiefs/states.py", "docs/agencies.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
