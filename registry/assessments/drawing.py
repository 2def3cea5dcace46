"""The states of these duties as people read them: diagrams and tables of `docs/assessments.md`.

`python -m registry.assessments.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import drawn_apart, write
from registry.assessments.states import MACHINES
from registry.grading.states import ANYONE

DRAWINGS: Final = drawn_apart(
    "registry/assessments/states.py", "docs/assessments.md", MACHINES, {ANYONE: "any member"}
)

if __name__ == "__main__":
    write(DRAWINGS)
