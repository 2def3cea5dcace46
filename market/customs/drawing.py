"""The states of a declaration as people read them: diagram and table of `docs/customs.md`.

`python -m market.customs.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from market.customs.states import EXPORTERS, MOVES

DRAWING: Final = Drawing(
    "market/customs/states.py", "docs/customs.md", (Machine(MOVES, {EXPORTERS: "the exporter"}),)
)

if __name__ == "__main__":
    write([DRAWING])
