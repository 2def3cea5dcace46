"""The states of a grant as people read them: diagram and table of `docs/operation.md`.

`python -m registry.operation.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.operation.states import MOVES

DRAWING: Final = Drawing("registry/operation/states.py", "docs/operation.md", (Machine(MOVES),))

if __name__ == "__main__":
    write([DRAWING])
