"""What a provider declares about its file: the columns, the rules between them, how fresh it is kept.

Frozen values that check themselves. The document goes into the quality report as it is, so that a
buyer can measure the same file against the same words.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from base.errors import Malformed
from registry.errors import DeclarationBroken

MAX_COLUMNS: Final = 500
MISSING_MARKERS: Final = ("", "NA", "N/A", "NULL", "null", "NaN", "nan", "\\N")


class ColumnType(StrEnum):
    """The forms a column can be declared to have; `docs/quality.md` has each form's grammar."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    YEAR = "year"
    MONTH = "month"
    DATE = "date"
    DATETIME = "datetime"
    TEXT = "text"


NUMERIC: Final = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL})
TEMPORAL: Final = frozenset({ColumnType.YEAR, ColumnType.MONTH, ColumnType.DATE, ColumnType.DATETIME})

_BOUND: Final[Mapping[ColumnType, str]] = {
    ColumnType.INTEGER: r"[+-]?(?:0|[1-9][0-9]{0,17})",
    ColumnType.DECIMAL: r"[+-]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?",
    ColumnType.YEAR: r"[12][0-9]{3}",
    ColumnType.MONTH: r"[12][0-9]{3}-(?:0[1-9]|1[0-2])",
    ColumnType.DATE: r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}",
    ColumnType.DATETIME: r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
}


class Frequency(StrEnum):
    """How often the provider promises new data. ONCE is a closed collection that never ages."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    ONCE = "once"


INTERVAL: Final[Mapping[Frequency, timedelta]] = {
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(days=7),
    Frequency.MONTHLY: timedelta(days=31),
    Frequency.QUARTERLY: timedelta(days=92),
    Frequency.YEARLY: timedelta(days=366),
}


class Comparison(StrEnum):
    """How two columns of one record stand to each other."""

    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    EQ = "=="
    NE = "!="


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, hide_input_in_errors=True)


class DeclaredColumn(_Value):
    """One column. Bounds are inclusive and written in the column's own form; `pattern` is RE2."""

    name: str = Field(min_length=1, max_length=200)
    type: ColumnType
    meaning: str = Field(default="", max_length=500)
    required: bool = True
    min: str | None = None
    max: str | None = None
    pattern: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def bounds_have_the_columns_form(self) -> Self:
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        form = _BOUND.get(self.type)
        if bounds and form is None:
            raise ValueError("a column of this type has no bounds")
        for bound in bounds:
            if not re.fullmatch(form or "", bound):
                raise ValueError("a bound does not have the column's form")
            if self.type in {ColumnType.DATE, ColumnType.DATETIME}:
                date.fromisoformat(bound[:10])
        if len(bounds) == 2 and not _in_order(self.type, *bounds):  # noqa: PLR2004 - both ends
            raise ValueError("min is above max")
        return self


class CrossRule(_Value):
    """A rule between two columns of one record, asked wherever both have a value."""

    left: str = Field(min_length=1, max_length=200)
    op: Comparison
    right: str = Field(min_length=1, max_length=200)


class Declared(_Value):
    """All that is declared. An empty declaration is allowed, and scores what it deserves."""

    columns: tuple[DeclaredColumn, ...] = Field(default=(), max_length=MAX_COLUMNS)
    rules: tuple[CrossRule, ...] = Field(default=(), max_length=50)
    missing: tuple[str, ...] = Field(default=MISSING_MARKERS, max_length=20)
    update_frequency: Frequency | None = None
    allowed_delay_days: int | None = Field(default=None, ge=1, le=3660)
    period_column: str | None = Field(default=None, min_length=1, max_length=200)
    period_from: date | None = None
    period_to: date | None = None
    expected_rows: int | None = Field(default=None, ge=1, le=10**12)

    @model_validator(mode="after")
    def says_each_thing_once(self) -> Self:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("a column is declared twice")
        period = self.column(self.period_column) if self.period_column else None
        if period is not None and period.type not in TEMPORAL:
            raise ValueError("the period column has no time")
        if self.period_from and self.period_to and self.period_from > self.period_to:
            raise ValueError("the period ends before it begins")
        return self

    def column(self, name: str) -> DeclaredColumn | None:
        """The declaration of a column, by its name in the header."""
        return next((column for column in self.columns if column.name == name), None)

    def document(self) -> dict[str, Any]:
        """The JSON form that reports carry; `declared_from` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)


def declared_from(document: Any) -> Declared:
    """Read a declaration from JSON. Raises DeclarationBroken, naming where and why."""
    try:
        declared = Declared.model_validate(document)
    except ValidationError as error:
        problems = [
            {"at": ".".join(str(part) for part in item["loc"]), "reason": item["msg"]}
            for item in error.errors(include_url=False, include_context=False, include_input=False)[:20]
        ]
        raise DeclarationBroken("the declaration is malformed", problems=problems) from None
    except Malformed as error:
        raise DeclarationBroken(error.detail) from None
    return declared


def _in_order(kind: ColumnType, low: str, high: str) -> bool:
    """Times in one form sort as text; numbers do not."""
    return Decimal(low) <= Decimal(high) if kind in NUMERIC else low <= high
