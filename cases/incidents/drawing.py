"""The states of incidents and warnings as people read them: diagram and table of `docs/incidents.md`.

`python -m cases.incidents.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from cases.incidents.states import MOVES, OWNERS, WARNING_MOVES

_WHO: Final = {OWNERS: "whom it has befallen, the exchange"}
DRAWING: Final = Drawing(
    "cases/incidents/states.py",
    "docs/incidents.md",
    (
        Machine(MOVES, _WHO, statement="INC."),
        Machine(WARNING_MOVES, _WHO, statement="WRN.", beside="WARNING_"),
    ),
)

if __name__ == "__main__":
    write([DRAWING])
