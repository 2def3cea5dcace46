"""The declaration of a file as a form: one column a line, the rest in fields. Pure."""

from typing import Any, Final

from registry.declared import ColumnType, Frequency
from web.pages.forms import Form, Invalid, Problem
from web.pages.languages import N_

_PARTS: Final = ("name", "type", "meaning", "optional")
_OPTIONAL: Final = frozenset({"optional", "可空", "可选"})
_BAD_LINE: Final = N_("Write each column as: name | type | meaning, with “| optional” where it may be empty.")


def declaration_of(form: Form) -> dict[str, Any]:
    """The JSON form of a declaration from the form's fields. Raises Invalid.

    Where columns are declared, what no file passes without is asked for at once, before it is measured.
    """
    declared: dict[str, Any] = {"columns": _columns(form.text("columns"))}
    for name in ("update_frequency", "period_column", "period_from", "period_to"):
        value = form.optional(name)
        if value is not None:
            declared[name] = value
    rows = form.whole("expected_rows")
    wrong = [Problem("expected_rows", N_("Enter a number."))] if isinstance(rows, str) else []
    if declared["columns"]:
        wrong += _lacking(declared)
    if wrong:
        raise Invalid(*wrong)
    if rows is not None:
        declared["expected_rows"] = rows
    return declared


def _lacking(declared: dict[str, Any]) -> list[Problem]:
    """What timeliness needs: a promise, and the last day of what is collected once."""
    frequency = declared.get("update_frequency")
    if frequency is None:
        return [Problem("update_frequency", N_("Say how often new data comes: without it no file passes."))]
    if frequency == Frequency.ONCE and "period_to" not in declared:
        return [
            Problem("period_to", N_("Say the last day of the period: data that is collected once needs it."))
        ]
    return []


def _columns(text: str) -> list[dict[str, Any]]:
    columns = []
    for line in text.splitlines():
        if not line.strip():
            continue
        parts = [part.strip() for part in line.split("|")]
        if not 2 <= len(parts) <= len(_PARTS) or not parts[0] or parts[1] not in tuple(ColumnType):  # noqa: PLR2004 - a name and a type at least
            raise Invalid(Problem("columns", _BAD_LINE))
        column: dict[str, Any] = {"name": parts[0], "type": parts[1]}
        if len(parts) > 2:  # noqa: PLR2004 - then the meaning
            column["meaning"] = parts[2]
        if len(parts) == len(_PARTS):
            if parts[3].lower() not in _OPTIONAL:
                raise Invalid(Problem("columns", _BAD_LINE))
            column["required"] = False
        columns.append(column)
    return columns


def columns_text(document: dict[str, Any] | None) -> str:
    """A report's columns as the lines of the form: what was declared, else what was seen."""
    if document is None:
        return ""
    lines = []
    for column in document["columns"]:
        kind = column["declared_type"] or column["inferred_type"] or ColumnType.TEXT.value
        parts = [column["name"], kind, column["meaning"] or ""]
        lines.append(" | ".join(parts if column["required"] else [*parts, "optional"]))
    return "\n".join(lines)
