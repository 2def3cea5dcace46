"""The part of a table that a contract lets out: some columns, and the rows that meet conditions. Pure.

What is outside it never leaves the exchange: a table of the part alone is made, and that is what is read.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.errors import Malformed

MAX_COLUMNS: Final = 500
MAX_CONDITIONS: Final = 20
MAX_VALUES: Final = 200
MAX_CHARS: Final = 200
_BETWEEN: Final = " | "
_LINE: Final = re.compile(r"(?P<column>.+?)\s+(?P<op>=|!=|<=|>=|<|>|in|IN)\s+(?P<values>.+)")


class Comparison(StrEnum):
    """How a cell stands to a value; IN takes several."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"


@dataclass(frozen=True, slots=True)
class Condition:
    """What holds of every row of the part; values are text, read as the column's own type."""

    column: str
    op: Comparison
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= (MAX_VALUES if self.op is Comparison.IN else 1):
            raise Malformed("a condition compares with one value, or is one of several", member="values")


@dataclass(frozen=True, slots=True)
class View:
    """No columns are all of them, no conditions every row."""

    columns: tuple[str, ...] = ()
    rows: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if len(self.columns) > MAX_COLUMNS or len(self.rows) > MAX_CONDITIONS:
            raise Malformed("a part of a table has too many columns or conditions", member="view")
        if len({name.casefold() for name in self.columns}) != len(self.columns):
            raise Malformed("a column is named twice", member="columns")
        texts = (*self.columns, *(text for one in self.rows for text in (one.column, *one.values)))
        if any(len(text) > MAX_CHARS for text in texts) or not all((*self.columns, *self.names)):
            raise Malformed("a column or a value is too long, or a column has no name", member="view")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that conditions speak of."""
        return tuple(one.column for one in self.rows)

    @property
    def whole(self) -> bool:
        """Whether it is the whole table."""
        return not self.columns and not self.rows

    def document(self) -> dict[str, Any]:
        """As a contract says it."""
        return {
            "columns": list(self.columns),
            "rows": [[one.column, one.op.value, *one.values] for one in self.rows],
        }


WHOLE: Final = View()


def view_from(said: Any) -> View:
    """The reverse of `View.document`. Raises Malformed."""
    try:
        rows = tuple(
            Condition(column, Comparison(op), tuple(map(_text, values)))
            for column, op, *values in said["rows"]
        )
        return View(tuple(map(_text, said["columns"])), rows)
    except (KeyError, TypeError, ValueError):
        raise Malformed("this is no part of a table", member="view") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def line_of(condition: Condition) -> str:
    """A condition as people write it: `county in 440101 | 440102`."""
    return f"{condition.column} {condition.op.value} {_BETWEEN.join(condition.values)}"


def condition_in(line: str) -> tuple[str, str, list[str]] | None:
    """Column, operator and values of a written condition; None for a line that is none."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    op, values = found["op"].lower(), found["values"]
    several = [value.strip() for value in values.split(_BETWEEN.strip())] if op == "in" else [values]
    return found["column"], op, several


def text_of(view: View) -> str:
    """A part as a row keeps it; empty for the whole table."""
    return "" if view.whole else canonical(view.document()).decode()


def view_of_text(text: str) -> View:
    """The reverse of `text_of`."""
    return view_from(orjson.loads(text)) if text else WHOLE
