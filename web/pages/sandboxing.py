"""What may be asked where the data stays, on pages: its fields in the form of a draft, and its words. Pure.

Forms say ε and δ as people write them, one column a line; terms say millionths of ε and 10⁻¹² of δ.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from market.listings.sandboxing import AnswerMode, AskedColumn, ColumnType, SandboxTerms
from web.pages.forms import Form, Invalid, Problem
from web.pages.languages import N_

MICRO: Final = 10**6
PICO: Final = 10**12
COLUMNS: Final = "sandbox_columns"
MODES: Final = {
    AnswerMode.DP: N_("noisy, at a price in privacy (differential privacy)"),
    AnswerMode.PLAIN: N_("exact, of groups that are large enough"),
}
_NUMBERS: Final = ("min_group", "max_queries", "unit_rows")
_PARTS: Final = ("name", "type", "may", "bounds", "values")
_MAY: Final = frozenset({"filter", "group", "distinct", "sum"})
_TYPE: Final = re.compile(r"(text|integer|date|decimal)(?:\(([0-6])\))?")
_BOUNDS: Final = re.compile(r"(-?[0-9.]{1,18})\s*(?:\.\.|…|–)\s*(-?[0-9.]{1,18})")
_BAD_LINE: Final = N_(
    "Write each column as: name | type | filter, group, distinct, sum | lowest .. highest | values."
)
_BAD_NUMBER: Final = N_("Enter a number, such as 0.5.")


def sandbox_of_form(form: Form) -> dict[str, Any] | None:
    """The terms as the act takes them; None where the form names no column. Raises Invalid."""
    lines = [line for line in form.text(COLUMNS).splitlines() if line.strip()]
    if not lines:
        return None
    mode = form.text("sandbox_mode") or AnswerMode.DP.value
    terms: dict[str, Any] = {
        "columns": [_column(line) for line in lines],
        "mode": mode,
        "unit_column": form.optional("sandbox_unit_column"),
        "approval": form.flag("sandbox_approval"),
        "questions_shown": form.flag("sandbox_questions_shown"),
    }
    for name in _NUMBERS:
        number = form.whole(f"sandbox_{name}")
        terms |= {} if number is None else {name: number}
    if mode == AnswerMode.DP:
        terms["epsilon_query_micro"] = _parts(form, "sandbox_epsilon_query", MICRO) or 0
        terms["epsilon_total_micro"] = _parts(form, "sandbox_epsilon_total", MICRO) or 0
        terms["delta_pico"] = _parts(form, "sandbox_delta", PICO)
    return terms


def _parts(form: Form, name: str, parts: int) -> int | None:
    """A number as whole parts of one; None where nothing was entered."""
    text = form.text(name)
    if not text:
        return None
    try:
        number = Decimal(text) * parts if text.isascii() and "_" not in text else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not 0 <= number <= 10**15 or number % 1:
        raise Invalid(Problem(name, _BAD_NUMBER))
    return int(number)


def _column(line: str) -> dict[str, Any]:
    """One line as a column's terms."""
    told = [part.strip() for part in line.replace("｜", "|").split("|")]
    parts = dict(zip(_PARTS, told, strict=False))
    kind = _TYPE.fullmatch(parts.get("type", ""))
    may = set(re.split(r"[\s,，、]+", parts.get("may", ""))) - {""}
    bounds = _BOUNDS.fullmatch(parts.get("bounds", ""))
    if (
        len(told) > len(_PARTS)
        or not parts["name"]
        or kind is None
        or not may <= _MAY
        or bool(parts.get("bounds")) is not (bounds is not None)
        or ("sum" in may) is not (bounds is not None)
    ):
        raise Invalid(Problem(COLUMNS, _BAD_LINE))
    values = [value.strip() for value in re.split(r"[,，]", parts.get("values", "")) if value.strip()]
    asked = {name: name in may for name in ("filter", "group", "distinct")}
    column = {"name": parts["name"], "type": kind[1], "values": values, **asked}
    if kind[1] == ColumnType.DECIMAL:
        column["decimals"] = int(kind[2] or 2)
    return column | ({} if bounds is None else {"low": bounds[1], "high": bounds[2]})


def allowed(column: AskedColumn) -> list[str]:
    """The parts of a question in which a column may stand."""
    parts = {
        "WHERE": column.filter,
        "GROUP BY": column.group,
        "SUM, AVG": column.bounds is not None,
        "COUNT(DISTINCT)": column.distinct,
    }
    return [part for part, may in parts.items() if may]


def shown_terms(terms: SandboxTerms | None) -> dict[str, Any] | None:
    """What a page says of terms: the columns with what may be done, and the numbers as people write them."""
    if terms is None:
        return None
    return {
        "terms": terms,
        "columns": [(column, allowed(column)) for column in terms.columns],
        "each": plain(terms.epsilon_query_micro, MICRO),
        "total": plain(terms.epsilon_total_micro, MICRO),
        "delta": None if terms.delta_pico is None else plain(terms.delta_pico, PICO),
    }


def plain(parts: int, of: int) -> str:
    """So many parts of one as people write it: 1500000 millionths are 1.5."""
    return format((Decimal(parts) / of).normalize(), "f")
