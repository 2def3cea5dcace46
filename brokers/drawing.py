"""The states of a broker's certificate as people read them: diagram and table of `docs/brokers.md`.

`python -m brokers.drawing` writes them into the page; a test compares.
"""

import sys
from pathlib import Path
from typing import Final

from brokers.states import ANYONE, CERTIFICATE_MOVES, CertificateEvent, CertificateMove, CertificateState

BEGIN: Final = "<!-- drawn from brokers/states.py -->"
END: Final = "<!-- end of what is drawn -->"


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in CERTIFICATE_MOVES.items():
        for to in (move.to, *move.or_to):
            seen.setdefault((at or "[*]", to), []).append(event.value)
    lines += [f"    {at} --> {to}: {', '.join(events)}" for (at, to), events in seen.items()]
    begun = {at for at, _ in CERTIFICATE_MOVES}
    lines += [f"    {state} --> [*]" for state in CertificateState if state not in begun]
    return "\n".join(lines)


def table() -> str:
    """Every move: from, event, who, guard, until when, to; the ledger's statement is `BRK.<event>`."""
    grouped: dict[tuple[CertificateEvent, CertificateMove, bool], list[CertificateState | None]] = {}
    for (at, event), move in CERTIFICATE_MOVES.items():
        stays = at is move.to
        same = CertificateMove(move.roles, CertificateState.ACTIVE, move.guard, move.within)
        grouped.setdefault((event, same if stays else move, stays), []).append(at)
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for (event, move, stays), states in grouped.items():
        who = "any member" if move.roles == ANYONE else ", ".join(sorted(move.roles))
        names = ", ".join(state.value if state else "" for state in states)
        to = "as it is" if stays else " or ".join((move.to, *move.or_to))
        rows.append(f"| {names} | {event} | {who} | {move.guard} | {move.within} | {to} |")
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


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/brokers.md")
    where.write_text(redraw(where.read_text(encoding="utf-8")), encoding="utf-8")
