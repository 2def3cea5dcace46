"""The states of a broker's certificate as people read them: diagram and table of `docs/brokers.md`.

`python -m brokers.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from brokers.states import ANYONE, CERTIFICATE_MOVES, CertificateEvent, CertificateMove, CertificateState


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in CERTIFICATE_MOVES.items():
        for to in (move.to, *move.or_to):
            seen.setdefault((at or "[*]", to), []).append(event.value)
    lines += arrows(seen)
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


DRAWING: Final = Drawing("brokers/states.py", "docs/brokers.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
