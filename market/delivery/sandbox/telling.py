"""An answer as a table, and a question as the seller may see it. Pure."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from market.delivery.sandbox.forms import form_from
from market.delivery.sandbox.tables import Question
from market.listings.sandboxing import SandboxTerms

_CALCULATED: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Noise:
    """How far a number of an answer is from the exact one: its standard deviation, and within how much it
    lies in 95 of 100 answers. A mean has those of the sum of differences and of the count it is made of.
    """

    measured: str
    deviation: str
    within: str


@dataclass(frozen=True, slots=True)
class Table:
    """An answer's columns and cells, as they are read; `withheld` groups were kept back."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    noise: tuple[tuple[Noise, ...], ...]
    walls: tuple[str, ...]
    withheld: int = 0


def table_of_answer(answer: bytes) -> Table:
    """The table of a kept answer."""
    document: dict[str, Any] = orjson.loads(answer)
    columns: Sequence[dict[str, Any]] = document["columns"]
    return Table(
        header=tuple(str(column["name"]) for column in columns),
        rows=tuple(tuple("" if cell is None else str(cell) for cell in row) for row in document["rows"]),
        noise=tuple(tuple(map(_noise, column.get("noise", ()))) for column in columns),
        walls=tuple(document.get("walls", ())),
        withheld=int(document.get("withheld", 0)),
    )


def _noise(told: dict[str, str]) -> Noise:
    """By the scale of Laplace noise: √2 of it is the standard deviation, ln 20 of it holds 95 of 100."""
    scale = float(told["laplace_scale"])
    deviation, within = scale * math.sqrt(2), scale * math.log(20)
    return Noise(told["measured"], _short(deviation), _short(within))


def _short(number: float) -> str:
    """Two digits that count, as people write numbers."""
    return format(Decimal(f"{number:.2g}").normalize(), "f")


def as_csv(answer: bytes) -> str:
    """The answer as CSV (RFC 4180). A text that a spreadsheet would calculate with is quoted by `'`."""
    document: dict[str, Any] = orjson.loads(answer)
    numbers = [column["aggregate"] is not None for column in document["columns"]]
    table, written = table_of_answer(answer), io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow([_told(name) for name in table.header])
    for row in table.rows:
        rows.writerow(
            [cell if is_number else _told(cell) for cell, is_number in zip(row, numbers, strict=True)]
        )
    return written.getvalue()


def _told(text: str) -> str:
    return f"'{text}" if text.startswith(_CALCULATED) else text


def as_sql(document: dict[str, Any]) -> str:
    """A form as a person reads it: SQL again, never run."""
    selected = ", ".join(_output(output) for output in document["select"])
    parts = [f"SELECT {selected}", "FROM data"]
    if document["where"] is not None:
        parts.append(f"WHERE {_condition(document['where'])}")
    if document["group_by"]:
        parts.append(f"GROUP BY {', '.join(document['group_by'])}")
    if document["order_by"]:
        order = [f"{one['name']}{' DESC' if one['descending'] else ''}" for one in document["order_by"]]
        parts.append(f"ORDER BY {', '.join(order)}")
    if document["limit"] is not None:
        parts.append(f"LIMIT {document['limit']}")
    return " ".join(parts)


def _output(output: dict[str, Any]) -> str:
    column, aggregate = output["column"], output.get("aggregate")
    if aggregate is None:
        said = str(column)
    elif aggregate == "COUNT_DISTINCT":
        said = f"COUNT(DISTINCT {column})"
    else:
        said = f"{aggregate}({'*' if column is None else column})"
    return said if output["name"] == column else f"{said} AS {output['name']}"


def _condition(node: dict[str, Any]) -> str:
    for joint, word in (("and", " AND "), ("or", " OR ")):
        if joint in node:
            return "(" + word.join(_condition(part) for part in node[joint]) + ")"
    if "not" in node:
        return f"NOT {_condition(node['not'])}"
    column = node["column"]
    if "is_null" in node:
        return f"{column} IS NULL"
    if "in" in node:
        return f"{column} IN ({', '.join(map(_value, node['in']))})"
    if "between" in node:
        low, high = node["between"] if isinstance(node["between"], list) else ("?", "?")
        return f"{column} BETWEEN {_value(low)} AND {_value(high)}"
    return f"{column} {node['op']} {_value(node['value'])}"


def _value(value: str) -> str:
    return "?" if value == "?" else "'" + value.replace("'", "''") + "'"


def seen_by_seller(question: Question, terms: SandboxTerms) -> dict[str, Any] | None:
    """The form of a question; with what it compares where the terms say so. None where it was erased."""
    if not question.form:
        return None
    document: dict[str, Any] = orjson.loads(question.form)
    return document if terms.questions_shown else form_from(document, terms).shown()
