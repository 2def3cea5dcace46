"""What a seller lets be asked of a table that stays where it lies: the sandbox terms of a listing. Pure.

They are public and the same for everybody: which columns may be grouped by, compared and added up, how much
privacy each answer may cost and how much all of them. A contract that delivers by sandbox carries them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import prod
from typing import Any, Final

from market.listings.errors import ListingMalformed

MAX_COLUMNS: Final = 64
MAX_VALUES: Final = 400
MAX_VALUE_CHARS: Final = 80
MAX_NAME_CHARS: Final = 200
MAX_GROUPS: Final = 1_000
MAX_SCALED: Final = 10**10  # of a clipping bound, in its last decimal: sums of any table stay in 64 bits
MAX_DECIMALS: Final = 6
MAX_UNIT_ROWS: Final = 10_000
MAX_EPSILON_MICRO: Final = 100_000_000
MAX_DELTA_PICO: Final = 1_000_000  # one in a million
MAX_QUERIES: Final = 10_000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class AnswerMode(StrEnum):
    """DP: every number is noisy, and its price is counted. PLAIN: exact, of groups that are large enough."""

    DP = "DP"
    PLAIN = "PLAIN"


class ColumnType(StrEnum):
    """As what the cells of a column are read; what cannot be read so counts as empty."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedColumn:
    """What may be asked of one column.

    `group` with `values`: grouped by exactly these, which are public; without: by the values that are found,
    as far as the (ε, δ) threshold lets them be told. `low` and `high` are the clipping bounds, as decimal
    texts: a column that has them may be added up and averaged. `distinct`: its different values are counted.
    """

    name: str
    type: ColumnType = ColumnType.TEXT
    decimals: int = 0
    filter: bool = False
    group: bool = False
    values: tuple[str, ...] = ()
    distinct: bool = False
    low: str | None = None
    high: str | None = None

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The clipping bounds in units of the last decimal; None where nothing is added up."""
        if self.low is None or self.high is None:
            return None
        return scaled(self.low, self.decimals), scaled(self.high, self.decimals)

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type.value,
            "decimals": self.decimals,
            "filter": self.filter,
            "group": self.group,
            "values": list(self.values),
            "distinct": self.distinct,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxTerms:
    """What may be asked, how large a group has to be, and what it costs.

    What is protected is a unit: everything that one value of `unit_column` has in the table, of which
    `unit_rows` rows count at most; without such a column, any `unit_rows` rows. Privacy is counted in
    millionths of ε for each buyer and product; `delta_pico` (10⁻¹²) is the δ of one question that is grouped
    by found values. With `approval` only a question that the seller has approved is run. The seller sees the
    form of each question; the values in it where `questions_shown`.
    """

    columns: tuple[AskedColumn, ...]
    epsilon_query_micro: int = 0
    epsilon_total_micro: int = 0
    mode: AnswerMode = AnswerMode.DP
    min_group: int = 10
    max_queries: int = 100
    delta_pico: int | None = None
    unit_column: str | None = None
    unit_rows: int = 1
    approval: bool = False
    questions_shown: bool = False
    _by_name: Mapping[str, AskedColumn] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {column.name: column for column in self.columns})

    def column(self, name: str) -> AskedColumn | None:
        """What may be asked of a column, by its name."""
        return self._by_name.get(name)

    def document(self) -> dict[str, Any]:
        """As the draft's statement says them in public, as they are kept and as a contract carries them."""
        return {
            "mode": self.mode.value,
            "columns": [column.document() for column in self.columns],
            "min_group": self.min_group,
            "epsilon_query_micro": self.epsilon_query_micro,
            "epsilon_total_micro": self.epsilon_total_micro,
            "delta_pico": self.delta_pico,
            "max_queries": self.max_queries,
            "unit_column": self.unit_column,
            "unit_rows": self.unit_rows,
            "approval": self.approval,
            "questions_shown": self.questions_shown,
        }


def scaled(text: str, decimals: int) -> int:
    """A decimal text in units of its last decimal. Raises ValueError where it has more of them.

    >>> scaled("-1.5", 2)
    -150
    """
    try:
        number = Decimal(text)
        if not number.is_finite() or abs(number) > MAX_SCALED:
            raise ValueError(text)
        units = number.scaleb(decimals)
    except ArithmeticError:  # no number, or one beyond every exponent
        raise ValueError(text) from None
    if units != units.to_integral_value():
        raise ValueError(text)
    return int(units)


def sandbox_from(document: Mapping[str, Any]) -> SandboxTerms:
    """The reverse of `SandboxTerms.document`; a member that is not there has its default.

    Raises ListingMalformed for unknown members, values out of bounds, and terms that contradict each other.
    """
    given = _known(document, SandboxTerms)
    try:
        given["mode"] = AnswerMode(given.get("mode", AnswerMode.DP))
        given["columns"] = tuple(_column(one) for one in given.get("columns", ()))
        terms = SandboxTerms(**given)
    except (TypeError, ValueError) as wrong:
        raise _malformed("the terms have no form", reason=type(wrong).__name__) from None
    _check(terms)
    return terms


def _known(document: Mapping[str, Any], shape: type) -> dict[str, Any]:
    unknown = sorted(document.keys() - {member.name for member in fields(shape) if member.init})
    if unknown:
        raise _malformed("no such term of a sandbox", members=unknown[:10])
    return dict(document)


def _column(document: Mapping[str, Any]) -> AskedColumn:
    given = _known(document, AskedColumn)
    given["type"] = ColumnType(given.get("type", ColumnType.TEXT))
    given["values"] = tuple(given.get("values", ()))
    return AskedColumn(**given)


def _check(terms: SandboxTerms) -> None:
    names = [column.name for column in terms.columns]
    if not 0 < len(names) <= MAX_COLUMNS or len(set(names)) < len(names):
        raise _malformed(f"1 to {MAX_COLUMNS} columns, each named once", member="columns")
    for column in terms.columns:
        _check_column(column)
    private = terms.mode is AnswerMode.DP
    for name, value, low, high in (
        ("min_group", terms.min_group, 1 if private else 2, 10**6),
        ("max_queries", terms.max_queries, 1, MAX_QUERIES),
        ("unit_rows", terms.unit_rows, 1, MAX_UNIT_ROWS),
        ("epsilon_query_micro", terms.epsilon_query_micro, int(private), MAX_EPSILON_MICRO),
        ("epsilon_total_micro", terms.epsilon_total_micro, int(private), MAX_EPSILON_MICRO * 10),
    ):
        if type(value) is not int or not low <= value <= high:
            raise _malformed(f"{name} is a whole number from {low} to {high}", member=name)
    if private and terms.epsilon_query_micro > terms.epsilon_total_micro:
        raise _malformed("one question costs no more than all of them", member="epsilon_query_micro")
    if not private and (terms.epsilon_query_micro or terms.epsilon_total_micro or terms.delta_pico):
        raise _malformed("exact answers have no privacy budget", member="epsilon_total_micro")
    _check_unit(terms)
    _check_groups(terms)
    if {type(terms.approval), type(terms.questions_shown)} != {bool}:
        raise _malformed("approval and questions_shown are true or false", member="approval")


def _check_unit(terms: SandboxTerms) -> None:
    unit = terms.unit_column
    if unit is not None and not _is_name(unit):
        raise _malformed("unit_column names a column", member="unit_column")


def _check_groups(terms: SandboxTerms) -> None:
    """Every way of grouping can be answered: few enough groups, found values under a threshold alone."""
    grouped = [column for column in terms.columns if column.group]
    declared = [len(column.values) for column in grouped if column.values]
    if prod(declared) > MAX_GROUPS:
        raise _malformed(f"at most {MAX_GROUPS} groups from declared values", member="values")
    found = len(declared) < len(grouped)
    delta = terms.delta_pico
    if delta is not None and (type(delta) is not int or not 1 <= delta <= MAX_DELTA_PICO):
        raise _malformed(f"delta_pico is 1 to {MAX_DELTA_PICO}", member="delta_pico")
    if terms.mode is AnswerMode.DP and found and delta is None:
        raise _malformed("to group by found values takes a δ, or declare the values", member="delta_pico")


def _check_column(column: AskedColumn) -> None:
    if not _is_name(column.name):
        raise _malformed(f"a column's name has 1 to {MAX_NAME_CHARS} characters", member="name")
    if {type(column.filter), type(column.group), type(column.distinct)} != {bool}:
        raise _malformed("filter, group and distinct are true or false", member=column.name)
    decimals = column.decimals
    most = MAX_DECIMALS if column.type is ColumnType.DECIMAL else 0
    if type(decimals) is not int or not 0 <= decimals <= most:
        raise _malformed(f"{column.type.value} has 0 to {most} decimals", member="decimals")
    if column.values and not column.group:
        raise _malformed("values are declared to group by them", member=column.name)
    if column.group and column.type is ColumnType.DECIMAL:
        raise _malformed("a decimal column is not grouped by", member=column.name)
    _check_values(column, column.values)
    _check_bounds(column)


def _check_values(column: AskedColumn, values: Sequence[str]) -> None:
    if len(values) > MAX_VALUES or len(set(values)) < len(values):
        raise _malformed(f"at most {MAX_VALUES} values, each once", member=column.name)
    if not all(is_value(value, column) for value in values):
        raise _malformed("a declared value is not of its column's type", member=column.name)


def _check_bounds(column: AskedColumn) -> None:
    if column.low is None and column.high is None:
        return
    numeric = column.type in {ColumnType.INTEGER, ColumnType.DECIMAL}
    try:
        bounds = column.bounds
    except (TypeError, ValueError):
        bounds = None
    if not numeric or bounds is None or not bounds[0] < bounds[1] or max(map(abs, bounds)) > MAX_SCALED:
        raise _malformed("low and high are numbers of the column's form, low below high", member=column.name)


def is_value(value: object, column: AskedColumn) -> bool:
    """Whether a text is a value of a column, in the one way that it is written."""
    if not isinstance(value, str) or len(value) > MAX_VALUE_CHARS or _CONTROL.search(value):
        return False
    try:
        if column.type is ColumnType.DATE:
            return date.fromisoformat(value).isoformat() == value
        if column.type is ColumnType.INTEGER:
            return str(scaled(value, 0)) == value
        if column.type is ColumnType.DECIMAL:
            scaled(value, column.decimals)
    except ValueError:
        return False
    return True


def require_columns(terms: SandboxTerms, header: Iterable[str]) -> None:
    """Whether a table has the columns that may be asked of, each once. Raises ListingMalformed.

    The engine takes `Name` and `name` for one column: whoever may ask of one would be answered of the other.
    """
    asked = {column.name for column in terms.columns} | ({terms.unit_column} if terms.unit_column else set())
    names = list(header)
    missing = sorted(asked - set(names))
    if missing:
        raise _malformed("the file has no such columns", columns=missing[:10])
    folded = Counter(name.casefold() for name in names)
    unclear = sorted(name for name in asked if folded[name.casefold()] > 1)
    if unclear:
        raise _malformed("other columns of the file have the same names", columns=unclear[:10])


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME_CHARS and not _CONTROL.search(name)


def _malformed(detail: str, **facts: Any) -> ListingMalformed:
    return ListingMalformed(detail, **({"member": "sandbox"} | facts))
