"""The states of an auction as people read them: diagram and table of `docs/auctions.md`, drawn from the code.

`python -m market.auctions.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from market.auctions.states import MOVES

DRAWING: Final = Drawing("market/auctions/states.py", "docs/auctions.md", (Machine(MOVES),))

if __name__ == "__main__":
    write([DRAWING])
