"""The states of a contribution as people read them: diagram and table of `docs/joint-products.md`.

`python -m registry.contributions.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.contributions.states import MOVES

DRAWING: Final = Drawing("registry/contributions/states.py", "docs/joint-products.md", (Machine(MOVES),))

if __name__ == "__main__":
    write([DRAWING])
