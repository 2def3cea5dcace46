"""The states of an item and of a share request as people read them: diagram and table of `docs/lists.md`.

`python -m registry.lists.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.lists.states import AGENCY, AUTHORITY, CLOCK, ITEM_MOVES, SHARE_MOVES

_WHO: Final = {AGENCY: "agency", AUTHORITY: "data authority", CLOCK: "the clock"}
DRAWING: Final = Drawing(
    "registry/lists/states.py",
    "docs/lists.md",
    (
        Machine(ITEM_MOVES, _WHO, statement="ITM.", beside="Item_"),
        Machine(SHARE_MOVES, _WHO, statement="SHR.", beside="Share_"),
    ),
)

if __name__ == "__main__":
    write([DRAWING])
