"""The states of a trade as people read them: diagram and table of `docs/trade.md`, drawn from the code.

`python -m market.orders.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, Machine, write
from market.orders.states import MOVES, TradeEvent

DRAWING: Final = Drawing(
    "market/orders/states.py",
    "docs/trade.md",
    (Machine(MOVES, anywhere={TradeEvent.FREEZE, TradeEvent.VOID}),),
)

if __name__ == "__main__":
    write([DRAWING])
