"""The grammar of forms: which text is an integer, a date, a missing cell (`docs/quality.md` has it in words).

SQL fragments over a trimmed value, its kind, and the parameter `$missing`. Regular expressions are RE2,
so they run in linear time on any input.
"""

from collections.abc import Mapping
from typing import Final

from registry.declared import ColumnType

_DOMINANT_PERCENT: Final = 95

# A code with leading zeros is text, not a number.
_INTEGER: Final = r"[+-]?(?:0|[1-9][0-9]{0,17})"
_DECIMAL: Final = r"[+-]?(?:(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?"
_DATE: Final = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
_MONTH: Final = r"[12][0-9]{3}-(?:0[1-9]|1[0-2])"
_DATETIME: Final = (
    _DATE + r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
UNREADABLE: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{FFFD}]"
"""Control characters and the replacement character: traces of a wrong conversion."""

_ACCEPTS: Final[Mapping[ColumnType, str]] = {
    ColumnType.INTEGER: "{kind} = 'integer'",
    ColumnType.DECIMAL: "{kind} IN ('integer', 'decimal')",
    ColumnType.BOOLEAN: "({kind} = 'boolean' OR {value} IN ('0', '1'))",
    ColumnType.YEAR: "({kind} = 'integer' AND regexp_full_match({value}, '[12][0-9]{{3}}'))",
    ColumnType.MONTH: "{kind} = 'month'",
    ColumnType.DATE: "{kind} = 'date'",
    ColumnType.DATETIME: "{kind} IN ('date', 'datetime')",
    ColumnType.TEXT: "{kind} <> 'missing'",
}
_TYPED: Final[Mapping[ColumnType, str]] = {
    ColumnType.INTEGER: "TRY_CAST({} AS BIGINT)",
    ColumnType.DECIMAL: "TRY_CAST({} AS DOUBLE)",
    ColumnType.YEAR: "TRY_CAST({} || '-01-01' AS TIMESTAMPTZ)",
    ColumnType.MONTH: "TRY_CAST({} || '-01' AS TIMESTAMPTZ)",
    ColumnType.DATE: "TRY_CAST({} AS TIMESTAMPTZ)",
    ColumnType.DATETIME: "TRY_CAST({} AS TIMESTAMPTZ)",
}


def kind_of(value: str) -> str:
    """The kind of a trimmed value: `missing` or the name of its narrowest form."""
    return f"""CASE
        WHEN {value} IS NULL OR list_contains(CAST($missing AS VARCHAR[]), {value}) THEN 'missing'
        WHEN regexp_full_match({value}, '{_INTEGER}') THEN 'integer'
        WHEN regexp_full_match({value}, '{_DECIMAL}') AND isfinite(TRY_CAST({value} AS DOUBLE)) THEN 'decimal'
        WHEN regexp_full_match({value}, '{_DATE}') AND TRY_CAST({value} AS DATE) IS NOT NULL THEN 'date'
        WHEN regexp_full_match({value}, '{_DATETIME}') AND TRY_CAST({value} AS TIMESTAMPTZ) IS NOT NULL
            THEN 'datetime'
        WHEN regexp_full_match({value}, '{_MONTH}') THEN 'month'
        WHEN lower({value}) IN ('true', 'false', 'yes', 'no') THEN 'boolean'
        ELSE 'text' END"""


def accepts(form: ColumnType, value: str, kind: str) -> str:
    """Whether a form takes a value of a kind. An integer is also a decimal, a date is also a moment."""
    return _ACCEPTS[form].format(value=value, kind=kind)


def typed(form: ColumnType, operand: str) -> str | None:
    """The operand as a value that can be compared; None for forms without an order."""
    template = _TYPED.get(form)
    return template.format(operand) if template else None


def dominant(rows: Mapping[str, int]) -> ColumnType:
    """The narrowest form of all the values of the family that at least 95 % of them belong to; else text.

    The few that do not belong are off form; a mix of integers and decimals is decimal.
    """
    present = sum(rows.values())
    for wide, narrow in (
        (ColumnType.DECIMAL, ColumnType.INTEGER),
        (ColumnType.DATETIME, ColumnType.DATE),
        (ColumnType.MONTH, ColumnType.MONTH),
        (ColumnType.BOOLEAN, ColumnType.BOOLEAN),
    ):
        if present and conforming(wide, rows) * 100 >= present * _DOMINANT_PERCENT:
            return wide if rows.get(wide.value) else narrow
    return ColumnType.TEXT


def conforming(form: ColumnType, rows: Mapping[str, int]) -> int:
    """How many cells have an inferred form, from rows per kind (`missing` left out)."""
    if form is ColumnType.TEXT:
        return sum(rows.values())
    also = {ColumnType.DECIMAL: "integer", ColumnType.DATETIME: "date"}
    return rows.get(form.value, 0) + rows.get(also.get(form, ""), 0)
