"""The states of these duties as people read them: diagrams and tables of `docs/assessments.md`.

`python -m registry.assessments.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.assessments.states import MACHINES
from registry.grading.states import ANYONE

_WHO: Final = {ANYONE: "any member"}
DRAWINGS: Final = tuple(
    Drawing(
        f"registry/assessments/states.py: {name}",
        "docs/assessments.md",
        (Machine(moves, _WHO),),
    )
    for name, (_, moves) in MACHINES.items()
)

if __name__ == "__main__":
    write(DRAWINGS)
