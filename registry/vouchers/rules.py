"""What asset certificates decide, purely: what a type allows, what a wish keeps to, how items are told.

Source: `rules.md` §2.3.4 (one certificate = one subject + one purpose; each use needs a live authorisation;
no raw data on the ledger). The numbers stand in `rule_table.csv`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from registry.rules import Level, highest, rank
from registry.vouchers.errors import (
    VoucherBeyondType,
    VoucherLevelTooHigh,
    VoucherMalformed,
    VoucherQualityTooLow,
)
from registry.vouchers.terms import term

MAX_ITEMS: Final = 20
MAX_PURPOSES: Final = 10
MAX_ISSUERS: Final = 50
MAX_REFERENCE: Final = 100
MAX_NAME: Final = 60
MOST_TENTHS: Final = 1000
CODE: Final = r"^[A-Z][A-Z0-9-]{1,29}$"
WORD: Final = r"^[A-Z][A-Z0-9_]{1,29}$"
MONTH: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
DECIMAL: Final = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?$"
_MONTH: Final = re.compile(MONTH)


class Scenario(StrEnum):
    """The scenarios of the pilots (R13): the business environment."""

    CREDIT = "CREDIT"
    BIDDING = "BIDDING"
    LICENCE = "LICENCE"


class Mode(StrEnum):
    """How much of the data a certificate tells."""

    VALUES = "VALUES"
    RANGES = "RANGES"
    VERIFY_ONLY = "VERIFY_ONLY"


class Form(StrEnum):
    """What is told of one item: a value, a range, an index of 0 to 1000, or whether a fact holds."""

    VALUE = "VALUE"
    RANGE = "RANGE"
    INDEX = "INDEX"
    FACT = "FACT"


class SubjectKind(StrEnum):
    """An enterprise is a member and signs itself; a person is a pseudonym; the provider brings the paper."""

    MEMBER = "MEMBER"
    PERSON = "PERSON"


class Cause(StrEnum):
    """Why a certificate is revoked, each the word of another."""

    WITHDRAWN = "WITHDRAWN"
    ERROR = "ERROR"
    COURT = "COURT"


FORMS: Final[Mapping[Mode, frozenset[Form]]] = {
    Mode.VALUES: frozenset(Form),
    Mode.RANGES: frozenset({Form.RANGE, Form.INDEX, Form.FACT}),
    Mode.VERIFY_ONLY: frozenset({Form.FACT}),
}
"""What a mode tells at most."""


@dataclass(frozen=True, slots=True)
class TypeItem:
    """One item of a type: its code, what it is called, how it is told, in which unit."""

    code: str
    name: str
    form: Form
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTerms:
    """What certificates of a type may say, to whom it is of use, and who makes them."""

    code: str
    name: str
    scenario: Scenario
    mode: Mode
    purposes: tuple[str, ...]
    items: tuple[TypeItem, ...]
    max_level: Level
    min_quality_tenths: int
    max_months: int
    max_uses: int
    valid_days: int | None = None
    issuers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked of a subject, and what it authorises: items, months (`2024-08`), days, uses."""

    items: tuple[str, ...]
    period_from: str
    period_to: str
    valid_days: int
    max_uses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a provider tells of one item: where it has it from, its level, and the fields of its form."""

    item: str
    source_department: str
    level: Level
    value: Mapping[str, Any]


def check_type(said: TypeTerms, *, at: datetime) -> None:
    """The form of a type. Raises VoucherMalformed naming the fields, VoucherLevelTooHigh."""
    codes = [item.code for item in said.items]
    wrong = [
        ("name", not 1 <= len(said.name) <= MAX_NAME),
        ("purposes", not said.purposes or len(set(said.purposes)) != len(said.purposes)),
        ("items", not codes or len(set(codes)) != len(codes)),
        ("mode", any(item.form not in FORMS[said.mode] for item in said.items)),
        ("min_quality_tenths", not 0 <= said.min_quality_tenths <= MOST_TENTHS),
        ("max_months", not 1 <= said.max_months <= term("period_most", at)),
        ("max_uses", not 1 <= said.max_uses <= term("uses_most", at)),
        ("valid_days", said.valid_days is not None and not 1 <= said.valid_days <= term("validity_most", at)),
    ]
    fields = [field for field, is_wrong in wrong if is_wrong]
    if fields:
        raise VoucherMalformed("the type is not of its form", fields=fields)
    if rank(said.max_level) >= rank(Level.IMPORTANT):
        raise VoucherLevelTooHigh("important and core data is told by no certificate", level=said.max_level)


def check_wish(
    wish: Wish,
    *,
    purpose: str,
    allowed: Collection[str],
    items: Collection[str],
    most: Mapping[str, int],
    on: date,
) -> None:
    """What is wished is within bounds: `most` has `months`, `valid_days` and `max_uses`.

    Raises VoucherBeyondType, naming the fields; VoucherMalformed for a period that is none.
    """
    months = _months(wish, on)
    wrong = [
        ("purpose", purpose not in allowed),
        ("items", not wish.items or bool(set(wish.items) - set(items)) or _twice(wish.items)),
        ("period", months > most["months"]),
        ("valid_days", not 1 <= wish.valid_days <= most["valid_days"]),
        ("max_uses", not 1 <= wish.max_uses <= most["max_uses"]),
    ]
    fields = [field for field, is_wrong in wrong if is_wrong]
    if fields:
        raise VoucherBeyondType("more than is allowed here", fields=fields)


def check_narrower(given: Wish, asked: Wish) -> None:
    """A subject gives what was asked of it, or less. Raises VoucherBeyondType."""
    wrong = [
        ("items", not set(given.items) <= set(asked.items)),
        ("period", given.period_from < asked.period_from or given.period_to > asked.period_to),
        ("valid_days", given.valid_days > asked.valid_days),
        ("max_uses", given.max_uses > asked.max_uses),
    ]
    fields = [field for field, is_wrong in wrong if is_wrong]
    if fields:
        raise VoucherBeyondType("more than was asked", fields=fields)


def check_told(told: Sequence[Told], items: Sequence[TypeItem], authorised: Collection[str]) -> None:
    """Exactly the authorised items, each once and in its form. Raises VoucherBeyondType, VoucherMalformed."""
    codes = [one.item for one in told]
    if set(codes) != set(authorised) or _twice(codes):
        raise VoucherBeyondType(
            "exactly the items that the subject authorised, each once", items=sorted(authorised)
        )
    forms = {item.code: item.form for item in items}
    wrong = [one.item for one in told if not _of_form(forms[one.item], one.value)]
    if wrong:
        raise VoucherMalformed("the item is not told in its form", fields=wrong)


def _of_form(form: Form, value: Mapping[str, Any]) -> bool:
    """Whether a value has the members of its form, and no others."""
    if form is Form.RANGE:
        return value.keys() == {"low", "high"} and Decimal(value["low"]) < Decimal(value["high"])
    if form is Form.INDEX:
        return value.keys() == {"index"} and 0 <= value["index"] <= MOST_TENTHS
    return value.keys() == ({"value"} if form is Form.VALUE else {"holds"})


def check_goods(
    levels: Collection[Level], quality_tenths: int, *, max_level: Level, min_quality_tenths: int
) -> Level:
    """The level of what is told, if that and the quality are as the type asks.

    Raises VoucherLevelTooHigh, VoucherQualityTooLow.
    """
    level = highest(levels)
    if rank(level) > rank(max_level):
        raise VoucherLevelTooHigh(
            "the data is above the type's level", level=level.value, limit=max_level.value
        )
    if quality_tenths < min_quality_tenths:
        raise VoucherQualityTooLow(
            "the data is below the type's quality", tenths=quality_tenths, least=min_quality_tenths
        )
    return level


def _months(wish: Wish, on: date) -> int:
    """How many months a period has; it is over when data of it is told. Raises VoucherMalformed."""
    ends = (wish.period_from, wish.period_to)
    if any(_MONTH.fullmatch(end) is None for end in ends) or ends[0] > ends[1]:
        raise VoucherMalformed("a period is two months, as 2024-08, the earlier one first", fields=["period"])
    if wish.period_to > f"{on:%Y-%m}":
        raise VoucherMalformed("of months to come there is no data", fields=["period_to"])
    (first_year, first), (last_year, last) = (map(int, end.split("-")) for end in ends)
    return (last_year - first_year) * 12 + last - first + 1


def _twice(codes: Sequence[str]) -> bool:
    return len(set(codes)) != len(codes)
