"""The states of an asset certificate as people read them: diagram and table of `docs/asset-certificates.md`.

`python -m registry.vouchers.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from registry.vouchers.states import MEMBERS, MOVES

DRAWING: Final = Drawing(
    "registry/vouchers/states.py", "docs/asset-certificates.md", (Machine(MOVES, {MEMBERS: "a member"}),)
)

if __name__ == "__main__":
    write([DRAWING])
