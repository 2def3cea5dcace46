"""Recognising personal identifiers in cells: forms, check digits, and how many make a hint.

A hint is a reason to look, never a proof. Sources: GB 11643 (identity number, mod 11-2), ISO/IEC 7812 (Luhn),
GA 36 (plates), the 11-digit mobile numbering plan.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from registry.rules import Hint, HintKind

_PROVINCES: Final = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
CANDIDATE: Final = rf"[0-9](?:[ -]?[0-9]){{10}}|{_PROVINCES}[A-HJ-NP-Z]"
"""RE2: a cell that does not match holds none of the identifiers below."""

_CN_ID: Final = re.compile(r"(?<![0-9.])[1-9][0-9]{5}((?:18|19|20)[0-9]{6})[0-9]{3}[0-9Xx](?![0-9A-Za-z])")
_MOBILE: Final = re.compile(
    r"(?<![0-9.])(?:(?:\+|00)?86[ -]?)?(?P<bare>1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4})(?!\.?[0-9])"
)
_CARD: Final = re.compile(
    r"(?<![0-9.])[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{3,4}(?:[ -]?[0-9]{1,3})?(?!\.?[0-9])"
)
_PLATE: Final = re.compile(
    _PROVINCES + r"[A-HJ-NP-Z][·• ]?"
    r"[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳][A-HJ-NP-Z0-9]?(?![A-Za-z0-9])"
)
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK: Final = "10X98765432"
_LATITUDE: Final = re.compile(r"(?:^|_|\b)(?:lat|latitude)(?:$|_|\b)|纬度", re.IGNORECASE)
_LONGITUDE: Final = re.compile(r"(?:^|_|\b)(?:lon|lng|long|longitude)(?:$|_|\b)|经度", re.IGNORECASE)
_ONE_PERCENT: Final = 100


def is_cn_id(text: str) -> bool:
    """Whether 18 characters are an identity number: a real birth date and the right check character."""
    if not _CN_ID.fullmatch(text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _ID_WEIGHTS, strict=True))
    return _ID_CHECK[total % 11] == text[17].upper()


def passes_luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digit sum of a doubled digit
    return total % 10 == 0


def identifiers(cell: str) -> Iterator[tuple[HintKind, int, int]]:
    """The identifiers in a cell, each with its start and end. An identity number is no card."""
    taken: list[tuple[int, int]] = []
    for kind, pattern in ((HintKind.CN_ID, _CN_ID), (HintKind.BANK_CARD, _CARD), (HintKind.MOBILE, _MOBILE)):
        for match in pattern.finditer(cell):
            start, end = match.span()
            if any(start < until and since < end for since, until in taken) or not _holds(kind, match[0]):
                continue
            taken.append((start, end))
            yield kind, start, end
    for match in _PLATE.finditer(cell):
        yield HintKind.PLATE, *match.span()


def column_hints(column: str, values: Iterable[tuple[str, int]], checked: int) -> list[Hint]:
    """Hints of one column, from candidate values with their number of rows; `checked` cells have a value.

    One identity number is enough to flag (its check digit and date do not come by chance); the others,
    which any column of long numbers can imitate, are flagged from one percent of the cells.
    """
    rows: dict[HintKind, int] = {}
    for value, count in values:
        for kind in {kind for kind, _, _ in identifiers(value)}:
            rows[kind] = rows.get(kind, 0) + count
    return [
        Hint(
            kind, column, rows[kind], checked, kind is HintKind.CN_ID or rows[kind] * _ONE_PERCENT >= checked
        )
        for kind in HintKind
        if kind in rows
    ]


def place_hints(columns: Sequence[tuple[str, str | None, str | None, int]]) -> list[Hint]:
    """Pairs of columns that are places, by name and range: (name, minimum, maximum, cells with a value)."""
    latitude = next((c for c in columns if _LATITUDE.search(c[0]) and _within(c, 90)), None)
    longitude = next((c for c in columns if _LONGITUDE.search(c[0]) and _within(c, 180)), None)
    if latitude is None or longitude is None:
        return []
    rows, checked = min(latitude[3], longitude[3]), max(latitude[3], longitude[3])
    return [Hint(HintKind.GPS_PAIR, c[0], rows, checked, flagged=True) for c in (latitude, longitude)]


def _holds(kind: HintKind, text: str) -> bool:
    if kind is HintKind.CN_ID:
        return is_cn_id(text)
    if kind is HintKind.BANK_CARD:
        digits = text.replace(" ", "").replace("-", "")
        return passes_luhn(digits)
    return True


def _within(column: tuple[str, str | None, str | None, int], bound: int) -> bool:
    _, low, high, _ = column
    try:
        return low is not None and high is not None and -bound <= Decimal(low) <= Decimal(high) <= bound
    except InvalidOperation:
        return False
