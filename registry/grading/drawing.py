"""The states and the tables of grading as people read them: what is drawn into `docs/grading.md`.

`python -m registry.grading.drawing` writes them into the page; a test compares.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from base.drawing import drawn_apart
from registry.grading.duties import matrix
from registry.grading.rules import MATRIX, Degree
from registry.grading.states import ANYONE, MACHINES
from registry.grading.templates import INDUSTRIAL

_PAGE: Final = "docs/grading.md"


def harm() -> str:
    """The matrix of harm: six objects, three degrees, a level each."""
    rows = ["| harm to | " + " | ".join(Degree) + " |", "|---|" + "---|" * len(Degree)]
    rows += [
        f"| {harmed} | " + " | ".join(levels[degree] for degree in Degree) + " |"
        for harmed, levels in MATRIX.items()
    ]
    return "\n".join(rows)


def duties() -> str:
    """What each level asks for, who owes it, on which ground."""
    owed = matrix()
    rows = [
        "| control | owed by | " + " | ".join(owed) + " | ground |",
        "|---|---|" + "---|" * (len(owed) + 1),
    ]
    for duty in dict.fromkeys(duty for duties in owed.values() for duty in duties):
        word = "of personal data" if duty.personal else "yes"
        cells = " | ".join(word if duty in duties else "" for duties in owed.values())
        rows.append(f"| {duty.control} | {duty.party} | {cells} | {duty.basis} |")
    return "\n".join(rows)


def classes() -> str:
    """The industrial template: its classes, and the least level of each."""
    rows = ["| class | 类别 | what | not below |", "|---|---|---|---|"]
    rows += [f"| {name} | {one.zh} | {one.en} | {one.floor} |" for name, one in INDUSTRIAL.items()]
    return "\n".join(rows)


DRAWINGS: Final = drawn_apart("registry/grading/states.py", _PAGE, MACHINES, {ANYONE: "any member"})
TABLES: Final[dict[str, Callable[[], str]]] = {"harm": harm, "duties": duties, "industrial": classes}


def redraw(page: str) -> str:
    """The page, drawn anew: states, and tables between their marks. ValueError where one is missing."""
    for drawing in DRAWINGS:
        page = drawing.redraw(page)
    for name, drawn in TABLES.items():
        begin, end = f"<!-- table: {name} -->", f"<!-- end of table: {name} -->"
        before, marked, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (marked and ended):
            raise ValueError(f"the page has no place for the table {name}")
        page = f"{before}{begin}\n\n{drawn()}\n\n{end}{after}"
    return page


def write() -> None:
    """Draw all of it into the page."""
    where = Path(_PAGE)
    where.write_text(redraw(where.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
