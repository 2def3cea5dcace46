"""The states of data subjects' records as people read them: diagrams and tables of `docs/subjects.md`.

`python -m registry.subjects.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.subjects.states import MACHINES, RECEIVERS

_WHO: Final = {RECEIVERS: "who received"}
DRAWINGS: Final = tuple(
    Drawing(
        f"registry/subjects/states.py: {name}",
        "docs/subjects.md",
        (Machine(moves, _WHO),),
    )
    for name, (_, moves) in MACHINES.items()
)

if __name__ == "__main__":
    write(DRAWINGS)
