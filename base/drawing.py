"""Tables of states as people read them: diagram and table, drawn from the code into a page of the docs."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_END = "<!-- end of what is drawn -->"
_STAYS = "as it is"


@dataclass(frozen=True, slots=True)
class Machine:
    """The moves of a thing: from (None: it begins) and event, to a move.

    A move has `roles`, a `guard`, `to` (None: back to where it was), and may have `within` and `or_to`.
    `roles` are sets of roles as people call them, wider ones first. What is possible `anywhere` stands in
    the table and not in the diagram. `statement` is the ledger's word before an event; `beside` tells the
    states of this machine in a diagram that it shares.
    """

    moves: Mapping[Any, Any]
    roles: Mapping[frozenset[str], str] = field(default_factory=dict)
    anywhere: Collection[str] = ()
    statement: str = ""
    beside: str = ""

    def arrows(self) -> list[str]:
        """The lines of a Mermaid state diagram: from and to, and the events that lead there; the ends."""
        seen: dict[tuple[str, str], list[str]] = {}
        left, reached = set(), dict[str, None]()
        for (at, event), move in self.moves.items():
            for to in _ends(move):
                if event in self.anywhere or at == to:
                    continue
                left.add(at)
                if to is not None:
                    reached[to] = None
                    seen.setdefault((self._node(at), self._node(to)), []).append(event)
        lines = [f"    {at} --> {to}: {', '.join(events)}" for (at, to), events in seen.items()]
        return lines + [f"    {self._node(state)} --> [*]" for state in reached if state not in left]

    def rows(self) -> list[tuple[str, ...]]:
        """The lines of the table: from, event, who, guard, within, to; like moves in one line."""
        like: dict[tuple[str, ...], list[str]] = {}
        for (at, event), move in self.moves.items():
            to = _STAYS if at == move.to else " or ".join(one or "where it was" for one in _ends(move))
            said = (f"{self.statement}{event}", self._who(move.roles), move.guard, _within(move), to)
            like.setdefault(said, []).append(at or "")
        return [(", ".join(states), *said) for said, states in like.items()]

    def _node(self, state: str | None) -> str:
        return f"{self.beside}{state}" if state else "[*]"

    def _who(self, roles: frozenset[str]) -> str:
        names: list[str] = []
        for known, name in self.roles.items():
            if known <= roles:
                roles, names = roles - known, [*names, name]
        return ", ".join([*names, *sorted(roles)])


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of a source, and into which page: machines in one Mermaid diagram, then in one table."""

    source: str
    page: str
    machines: tuple[Machine, ...]

    def diagram(self) -> str:
        """The states and their moves as a Mermaid state diagram."""
        return "\n".join(["stateDiagram-v2", *(line for one in self.machines for line in one.arrows())])

    def table(self) -> str:
        """Every move: from, event, who, guard, within which time, to."""
        rows = [row for one in self.machines for row in one.rows()]
        heads: tuple[str, ...] = ("from", "event", "who", "guard", "within", "to")
        if not any(row[-2] for row in rows):  # nothing here has a time
            heads, rows = _without_time(heads), [_without_time(row) for row in rows]
        lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])

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

    @property
    def _begin(self) -> str:
        return f"<!-- drawn from {self.source} -->"


def drawn_apart(
    source: str,
    page: str,
    machines: Mapping[str, tuple[str, Mapping[Any, Any]]],
    roles: dict[frozenset[str], str],
) -> tuple[Drawing, ...]:
    """A drawing for each machine of a source, by the prefix of its events."""
    return tuple(
        Drawing(f"{source}: {prefix}", page, (Machine(moves, roles),))
        for prefix, (_, moves) in machines.items()
    )


def write(drawings: Iterable[Drawing]) -> None:
    """Draw them into their pages."""
    for drawing in drawings:
        where = Path(drawing.page)
        where.write_text(drawing.redraw(where.read_text(encoding="utf-8")), encoding="utf-8")


def _ends(move: Any) -> tuple[str | None, ...]:
    return (move.to, *getattr(move, "or_to", ()))


def _within(move: Any) -> str:
    return str(getattr(move, "within", ""))


def _without_time(row: tuple[str, ...]) -> tuple[str, ...]:
    return (*row[:-2], row[-1])
