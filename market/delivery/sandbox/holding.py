"""Whether a run of a question is bounded whatever the table says: by what is public of both alone. Pure.

What a limit breaks off says something of the data, exactly. So no limit may depend on it: how many rows the
table has (which its report says) and what the question asks decide, before anything is read, whether it is
run at all; and of groups that are found only those of `least_rows` are held, of which no table has too many.
"""

from collections.abc import Iterator
from typing import Final

from market.delivery.sandbox.forms import Form, Node, refused
from market.delivery.sandbox.planning import Measured, Plan
from market.delivery.sandbox.writing import GROUP_CHARS, columns_of
from market.listings.sandboxing import AnswerMode, ColumnType, SandboxTerms

MAX_FOUND: Final = 100_000
MOST_HELD_BYTES: Final = 448 * 2**20
MOST_WORK_NS: Final = 15 * 10**9  # of one processor; a run has twice as much
_WIDTHS: Final = {ColumnType.TEXT: 4 * GROUP_CHARS, ColumnType.DECIMAL: 16}
_NARROW: Final = 8
_OF_A_KEY: Final = 112  # a digest with its count, in a table of them
_OF_A_UNIT: Final = 96  # a row that is put in order: its unit, its place, and what ordering takes
_A_ROW_NS: Final = 200
_A_CELL_NS: Final = 500
_A_VALUE_NS: Final = 10
_A_KEY_NS: Final = 1_000


def least_rows(rows: int) -> int:
    """How many rows a group has to have for there to be few enough of them in a table of so many rows."""
    return max(1, -(-rows // MAX_FOUND))


def require_room(form: Form, plan: Plan, terms: SandboxTerms, *, rows: int) -> None:
    """Whether the question fits, whatever stands in so many rows. Raises QuestionRefused."""
    held, work = rows * _held_bytes(form, plan, terms), rows * _work_ns(form, plan, terms)
    if held > MOST_HELD_BYTES or work > MOST_WORK_NS:
        raise refused("table-too-large", "the table is too large for this question: ask for fewer columns")


def _width(name: str | None, terms: SandboxTerms) -> int:
    column = terms.column(name or "")
    return 0 if column is None else _WIDTHS.get(column.type, _NARROW)


def _held_bytes(form: Form, plan: Plan, terms: SandboxTerms) -> int:
    """What is held of each row at most: where rows are told apart, and where they are put in order."""
    keys = sum(_width(name, terms) for name in form.group_by)
    held = _apart(plan, terms) * (_OF_A_KEY + keys) + (_OF_A_KEY if _finds(form, terms) else 0)
    if terms.unit_column is not None:
        carried = {*form.group_by, *(number.column for number in plan.numbers)}
        held += _OF_A_UNIT + 2 * sum(_width(name, terms) for name in carried)
    return held


def _work_ns(form: Form, plan: Plan, terms: SandboxTerms) -> int:
    """What each row takes, at most."""
    compared = list(_compared(form.where))
    cells = len(columns_of(form, plan)) + len(plan.numbers) + len(compared)
    keys = _apart(plan, terms) + bool(form.group_by) + 2 * (terms.unit_column is not None)
    declared = [len(column.values) for column in map(terms.column, form.group_by) if column is not None]
    return _A_ROW_NS + _A_CELL_NS * cells + _A_KEY_NS * keys + _A_VALUE_NS * (sum(compared) + sum(declared))


def _finds(form: Form, terms: SandboxTerms) -> bool:
    return any(not column.values for column in map(terms.column, form.group_by) if column is not None)


def _apart(plan: Plan, terms: SandboxTerms) -> int:
    """In how many ways rows are told apart."""
    units = terms.mode is AnswerMode.PLAIN and terms.unit_column is not None
    return units + sum(number.measured in {Measured.DISTINCT, Measured.UNITS} for number in plan.numbers)


def _compared(where: Node | None) -> Iterator[int]:
    """With how many values a column is compared, each time it is."""
    if where is None:
        return
    for inner in (*where.get("and", ()), *where.get("or", ()), where.get("not")):
        yield from _compared(inner)
    if "column" in where:
        yield len(where.get("in", (None,)))
