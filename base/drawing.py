"""A table of states as people read it: a diagram and a table, drawn from the code into a page of the docs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_END = "<!-- end of what is drawn -->"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of a source, and into which page: a Mermaid diagram, then a table."""

    source: str
    page: str
    diagram: Callable[[], str]
    table: Callable[[], str]

    def drawn(self) -> str:
        """What stands between the two marks of the page."""
        return f"{self._begin}\n\n```mermaid\n{self.diagram()}\n```\n\n{self.table()}\n\n{_END}"

    def redraw(self, page: str) -> str:
        """The page, drawn anew as the code has it now. Raises ValueError where the marks are missing."""
        before, marked, rest = page.partition(self._begin)
        _, ended, after = rest.partition(_END)
        if not (marked and ended):
            raise ValueError("the page has no place for the drawing")
        return before + self.drawn() + after

    def write(self) -> None:
        """Draw it into the page."""
        where = Path(self.page)
        where.write_text(self.redraw(where.read_text(encoding="utf-8")), encoding="utf-8")

    @property
    def _begin(self) -> str:
        return f"<!-- drawn from {self.source} -->"


def arrows(moves: dict[tuple[str, str], list[str]]) -> list[str]:
    """The lines of a state diagram: from and to, and the events that lead there."""
    return [f"    {at} --> {to}: {', '.join(events)}" for (at, to), events in moves.items()]


def moves_table(moves: Mapping[Any, Any]) -> str:
    """A table of states as rows: (from, event) to a move with its `roles`, `guard`, and where `to`."""
    rows = ["| from | event | who | guard | to |", "|---|---|---|---|---|"]
    for (at, event), move in moves.items():
        who = ", ".join(sorted(move.roles))
        rows.append(f"| {at.value if at else ''} | {event} | {who} | {move.guard} | {move.to} |")
    return "\n".join(rows)
