"""The states of these duties as people read them: diagrams and tables of `docs/assessments.md`.

`python -m registry.assessments.drawing` writes them into the page; a test compares.
"""

from pathlib import Path
from typing import Final

from base.drawing import Drawing
from registry.assessments.states import MACHINES
from registry.grading.drawing import diagram, table
from registry.grading.states import Moves

_PAGE: Final = "docs/assessments.md"


def _drawing(machine: str, moves: Moves) -> Drawing:
    def drawn_states() -> str:
        return diagram(moves)

    def drawn_table() -> str:
        return table(moves)

    return Drawing(f"registry/assessments/states.py: {machine}", _PAGE, drawn_states, drawn_table)


DRAWINGS: Final = tuple(_drawing(machine, moves) for machine, (_, moves) in MACHINES.items())


def redraw(page: str) -> str:
    """The page, drawn anew. Raises ValueError where a place for a drawing is missing."""
    for drawing in DRAWINGS:
        page = drawing.redraw(page)
    return page


def write() -> None:
    """Draw all of it into the page."""
    where = Path(_PAGE)
    where.write_text(redraw(where.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
