"""The states of an evaluation as people read them: diagram and table of `docs/agencies.md`.

`python -m registry.evaluation.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.evaluation.states import MOVES

DRAWING: Final = Drawing("registry/evaluation/states.py", "docs/agencies.md", (Machine(MOVES),))

if __name__ == "__main__":
    write([DRAWING])
