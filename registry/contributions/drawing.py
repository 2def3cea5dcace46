"""The states of a contribution as people read them: diagram and table of `docs/joint-products.md`.

`python -m registry.contributions.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, moves_table
from registry.contributions.states import MOVES, ContributionState

_S = ContributionState


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = [f"    {at.value if at else '[*]'} --> {move.to}: {event}" for (at, event), move in MOVES.items()]
    ends = [f"    {state} --> [*]" for state in (_S.REFUSED, _S.CANCELLED, _S.WITHDRAWN)]
    return "\n".join(["stateDiagram-v2", *lines, *ends])


def table() -> str:
    """Every move: from, event, who, guard, to; the ledger's statement is `CTB.<event>`."""
    return moves_table(MOVES)


DRAWING: Final = Drawing("registry/contributions/states.py", "docs/joint-products.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
