"""The states of a registration as people read them: diagram and table of `docs/registration.md`.

`python -m registry.registration.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.registration.states import ANYONE, HOLDERS, MOVES

DRAWING: Final = Drawing(
    "registry/registration/states.py",
    "docs/registration.md",
    (Machine(MOVES, {ANYONE: "any member", HOLDERS: "who can hold a right"}),),
)

if __name__ == "__main__":
    write([DRAWING])
