"""The states of a trade as people read them: diagram and table of `docs/trade.md`, drawn from the code.

`python -m market.orders.drawing` writes them into the page; a test compares.
"""

from collections.abc import Iterable
from typing import Final

from base.drawing import Drawing, arrows
from market.orders.states import MOVES, OVER, Move, TradeEvent, TradeState

_ANYWHERE: Final = frozenset({TradeEvent.FREEZE, TradeEvent.VOID})


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram, without what is possible almost anywhere."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if event in _ANYWHERE or move.to is None:
            continue
        seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += arrows(seen)
    lines += [f"    {state} --> [*]" for state in TradeState if state in OVER and not _goes_on(state)]
    return "\n".join(lines)


def table() -> str:
    """Every move: from, event, who, guard, until when, to; the ledger's statement is `TRD.<event>`."""
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for (event, move), states in _grouped().items():
        who = ", ".join(sorted(move.roles))
        to = move.to or "where it was"
        rows.append(f"| {_names(states)} | {event} | {who} | {move.guard} | {move.within} | {to} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("market/orders/states.py", "docs/trade.md", diagram, table)


def _goes_on(state: TradeState) -> bool:
    return any(
        at is state and event not in _ANYWHERE and move.to is not state for (at, event), move in MOVES.items()
    )


def _grouped() -> dict[tuple[TradeEvent, Move], list[TradeState | None]]:
    found: dict[tuple[TradeEvent, Move], list[TradeState | None]] = {}
    for (at, event), move in MOVES.items():
        found.setdefault((event, move), []).append(at)
    return found


def _names(states: Iterable[TradeState | None]) -> str:
    return ", ".join(state.value if state else "" for state in states)


if __name__ == "__main__":
    DRAWING.write()
