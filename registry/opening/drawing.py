"""The states of the open list, and of an agreement on it, as people read them, for `docs/opening.md`.

`python -m registry.opening.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.opening.states import AGREEMENT_MOVES, MOVES, USERS

_WHO: Final = {USERS: "who uses data"}
DRAWING: Final = Drawing(
    "registry/opening/states.py",
    "docs/opening.md",
    (
        Machine(MOVES, _WHO, statement="OPN."),
        Machine(AGREEMENT_MOVES, _WHO, statement="OPA.", beside="Agreement_"),
    ),
)

if __name__ == "__main__":
    write([DRAWING])
