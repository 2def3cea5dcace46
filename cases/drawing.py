"""The states of a case as people read them: diagram and table of `docs/cases.md`, drawn from the code.

`python -m cases.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from cases.states import MOVES, CaseEvent

DRAWING: Final = Drawing(
    "cases/states.py", "docs/cases.md", (Machine(MOVES, anywhere={CaseEvent.TELL, CaseEvent.OVERDUE}),)
)

if __name__ == "__main__":
    write([DRAWING])
