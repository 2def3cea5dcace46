"""The states of a bulletin as people read them, drawn into `docs/incidents.md`.

`python -m cases.bulletins.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from cases.bulletins.states import MOVES, READERS

DRAWING: Final = Drawing(
    "cases/bulletins/states.py", "docs/incidents.md", (Machine(MOVES, {READERS: "any member"}),)
)

if __name__ == "__main__":
    write([DRAWING])
