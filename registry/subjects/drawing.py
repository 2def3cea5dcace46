"""The states of data subjects' records as people read them: diagrams and tables of `docs/subjects.md`.

`python -m registry.subjects.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import drawn_apart, write
from registry.subjects.states import MACHINES, RECEIVERS

DRAWINGS: Final = drawn_apart(
    "registry/subjects/states.py", "docs/subjects.md", MACHINES, {RECEIVERS: "who received"}
)

if __name__ == "__main__":
    write(DRAWINGS)
