"""What may be asked of a product's own table: columns, filters, an order and a page. Pure.

`/rows?column=county&where.kwh=ge.100&order=-kwh&limit=50&offset=0`, and `/columns` for what there is. The
same question to the same table has the same answer, byte for byte: rows stand in the order of the file
wherever nothing else was asked.
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from market.delivery.gateway.errors import NotOffered, QueryMalformed
from market.delivery.gateway.target import Target

ROWS: Final = "/rows"
COLUMNS: Final = "/columns"
MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 100
MAX_OFFSET: Final = 10**9
MAX_MEMBERS: Final = 100
OPERATORS: Final = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_WHERE: Final = "where."
_NUMBER: Final = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Question:
    """A page of rows. Without columns all of them; filters are (column, operator, text), and all hold."""

    columns: tuple[str, ...] = ()
    filters: tuple[tuple[str, str, str], ...] = ()
    order: str | None = None
    descending: bool = False
    limit: int = DEFAULT_LIMIT
    offset: int = 0

    def document(self) -> dict[str, Any]:
        """As the child that reads the table is told it."""
        return {
            "columns": list(self.columns),
            "filters": [list(one) for one in self.filters],
            "order": self.order,
            "descending": self.descending,
            "limit": self.limit,
            "offset": self.offset,
        }


def question_of(method: str, target: Target) -> Question | None:
    """What a call asks; None where it asks for the columns. Raises NotOffered, QueryMalformed."""
    if method != "GET" or target.path not in {ROWS, COLUMNS}:
        raise NotOffered("a table answers GET /rows and GET /columns", method=method)
    try:
        members = parse_qsl(
            target.query,
            keep_blank_values=True,
            strict_parsing=bool(target.query),
            max_num_fields=MAX_MEMBERS,
        )
    except ValueError:
        raise QueryMalformed("the query is no list of members") from None
    if target.path == COLUMNS:
        if members:
            raise QueryMalformed("the columns are asked for without a query")
        return None
    once: dict[str, str] = {}
    columns: list[str] = []
    filters: list[tuple[str, str, str]] = []
    for name, value in members:
        if name == "column":
            columns.append(value)
        elif name.startswith(_WHERE):
            filters.append(_filter(name.removeprefix(_WHERE), value))
        elif name not in {"order", "limit", "offset"} or name in once:
            raise QueryMalformed("a member that is not known, or stands twice", member=name[:60])
        else:
            once[name] = value
    if len(set(columns)) != len(columns):
        raise QueryMalformed("a column is asked for twice")
    order = once.get("order")
    return Question(
        columns=tuple(columns),
        filters=tuple(filters),
        order=None if order is None else order.removeprefix("-"),
        descending=order is not None and order.startswith("-"),
        limit=_number(once, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        offset=_number(once, "offset", 0, 0, MAX_OFFSET),
    )


def _filter(column: str, value: str) -> tuple[str, str, str]:
    operator, dot, text = value.partition(".")
    if not dot or operator not in OPERATORS:
        raise QueryMalformed("a filter looks like where.column=ge.100", known=sorted(OPERATORS))
    return column, operator, text


def _number(members: dict[str, str], name: str, usual: int, low: int, high: int) -> int:
    text = members.get(name)
    if text is None:
        return usual
    if _NUMBER.fullmatch(text) is None or not low <= int(text) <= high:
        raise QueryMalformed(f"{name} is {low} to {high}", member=name)
    return int(text)
