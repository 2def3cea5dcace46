"""The states of a trade as people read them: diagram and table of `docs/trade.md`, drawn from the code.

`python -m market.orders.drawing` writes them into the page; a test compares.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from market.orders.states import MOVES, OVER, Move, TradeEvent, TradeState

BEGIN: Final = "<!-- drawn from market/orders/states.py -->"
END: Final = "<!-- end of what is drawn -->"
_ANYWHERE: Final = frozenset({TradeEvent.FREEZE, TradeEvent.VOID})


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram, without what is possible almost anywhere."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if event in _ANYWHERE or move.to is None:
            continue
        seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += [f"    {at} --> {to}: {', '.join(events)}" for (at, to), events in seen.items()]
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


def drawn() -> str:
    """What stands between the two marks of the page."""
    return f"{BEGIN}\n\n```mermaid\n{diagram()}\n```\n\n{table()}\n\n{END}"


def redraw(page: str) -> str:
    """The page with what is drawn as the code has it now. Raises ValueError where the marks are missing."""
    before, marked, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (marked and ended):
        raise ValueError("the page has no place for the drawing")
    return before + drawn() + after


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
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/trade.md")
    where.write_text(redraw(where.read_text(encoding="utf-8")), encoding="utf-8")
