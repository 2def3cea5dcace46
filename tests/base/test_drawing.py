from dataclasses import dataclass
from enum import StrEnum

import pytest

from base.drawing import Drawing, Machine


class State(StrEnum):
    OPEN = "OPEN"
    HELD = "HELD"
    DONE = "DONE"


@dataclass(frozen=True)
class Move:
    roles: frozenset[str]
    to: State | None
    guard: str = ""
    within: str = ""
    or_to: tuple[State, ...] = ()


ANY = frozenset({"A", "B"})
MOVES = {
    (None, "BEGIN"): Move(ANY | {"C"}, State.OPEN, "once"),
    (State.OPEN, "NOTE"): Move(ANY, State.OPEN),
    (State.HELD, "NOTE"): Move(ANY, State.HELD),
    (State.OPEN, "HOLD"): Move(frozenset({"C"}), State.HELD),
    (State.HELD, "GO_ON"): Move(frozenset({"C"}), None, within="2 wd"),
    (State.OPEN, "END"): Move(frozenset({"B", "A", "C"}), State.DONE, or_to=(State.HELD,)),
}
MACHINE = Machine(MOVES, {ANY: "anybody"}, anywhere={"HOLD"}, statement="X.")


def test_like_moves_stand_in_one_row_and_whoever_has_a_name_is_called_by_it():
    assert MACHINE.rows() == [
        ("", "X.BEGIN", "anybody, C", "once", "", "OPEN"),
        ("OPEN, HELD", "X.NOTE", "anybody", "", "", "as it is"),
        ("OPEN", "X.HOLD", "C", "", "", "HELD"),
        ("HELD", "X.GO_ON", "C", "", "2 wd", "where it was"),
        ("OPEN", "X.END", "anybody, C", "", "", "DONE or HELD"),
    ]


def test_the_diagram_leaves_out_what_stays_and_what_is_possible_anywhere_and_tells_the_ends():
    assert MACHINE.arrows() == [
        "    [*] --> OPEN: BEGIN",
        "    OPEN --> DONE: END",
        "    OPEN --> HELD: END",
        "    DONE --> [*]",
    ]
    assert Machine({(None, "BEGIN"): MOVES[None, "BEGIN"]}, beside="Y_").arrows() == [
        "    [*] --> Y_OPEN: BEGIN",
        "    Y_OPEN --> [*]",
    ]


def test_a_table_without_times_has_no_column_of_them():
    page = "before\n<!-- drawn from x.py -->old<!-- end of what is drawn -->\nafter"
    timeless = Machine({(None, "BEGIN"): MOVES[None, "BEGIN"]})
    drawn = Drawing("x.py", "x.md", (timeless,)).redraw(page)
    assert (
        "| from | event | who | guard | to |\n|---|---|---|---|---|\n|  | BEGIN | A, B, C | once | OPEN |\n"
        in drawn
    )
    assert drawn.startswith("before\n")
    assert drawn.endswith("\nafter")
    assert "| guard | within | to |" in Drawing("x.py", "x.md", (MACHINE,)).table()
    with pytest.raises(ValueError, match="no place"):
        Drawing("y.py", "x.md", (timeless,)).redraw(page)
