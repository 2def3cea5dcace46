"""The states of a broker's certificate as people read them: diagram and table of `docs/brokers.md`.

`python -m brokers.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from brokers.states import ANYONE, CERTIFICATE_MOVES

DRAWING: Final = Drawing(
    "brokers/states.py", "docs/brokers.md", (Machine(CERTIFICATE_MOVES, {ANYONE: "any member"}),)
)

if __name__ == "__main__":
    write([DRAWING])
