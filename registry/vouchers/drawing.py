"""The states of an asset certificate as people read them: diagram and table of `docs/asset-certificates.md`.

`python -m registry.vouchers.drawing` writes them into the page; a test compares.
"""

from typing import Final

from base.drawing import Drawing, arrows
from registry.vouchers.states import MEMBERS, MOVES, Move, VoucherEvent, VoucherState


def diagram() -> str:
    """The states and their moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    seen: dict[tuple[str, str], list[str]] = {}
    for (at, event), move in MOVES.items():
        if at is not move.to:
            seen.setdefault((at or "[*]", move.to), []).append(event.value)
    lines += arrows(seen)
    begun = {at for at, _ in MOVES}
    lines += [f"    {state} --> [*]" for state in VoucherState if state not in begun]
    return "\n".join(lines)


def table() -> str:
    """Every move: from, event, who, guard, until when, to; the ledger's statement is `CRT.<event>`."""
    grouped: dict[tuple[VoucherEvent, Move | str], list[VoucherState | None]] = {}
    kept: dict[tuple[VoucherEvent, Move | str], Move] = {}
    for (at, event), move in MOVES.items():
        key = (event, "as it is" if at is move.to else move)
        grouped.setdefault(key, []).append(at)
        kept[key] = move
    rows = ["| from | event | who | guard | within | to |", "|---|---|---|---|---|---|"]
    for key, states in grouped.items():
        move = kept[key]
        who = "a member" if move.roles == MEMBERS else ", ".join(sorted(move.roles))
        if move.roles > MEMBERS:
            who = ", ".join(["a member", *sorted(move.roles - MEMBERS)])
        to = key[1] if isinstance(key[1], str) else move.to.value
        names = ", ".join(state.value if state else "" for state in states)
        rows.append(f"| {names} | {key[0]} | {who} | {move.guard} | {move.within} | {to} |")
    return "\n".join(rows)


DRAWING: Final = Drawing("registry/vouchers/states.py", "docs/asset-certificates.md", diagram, table)


if __name__ == "__main__":
    DRAWING.write()
