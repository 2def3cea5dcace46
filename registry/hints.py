"""Recognising personal identifiers in cells: forms, check digits, and how many make a hint.

A hint is a reason to look, never a proof. Sources: GB 11643 (identity number, mod 11-2), ISO/IEC 7812 (Luhn),
GA 36 (plates), the 11-digit mobile numbering plan, ICD-10 (codes of diagnoses). Full-width characters are
read as their narrow ones.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from registry.rules import Hint, HintKind

_PROVINCES: Final = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
WIDE: Final = "０１２３４５６７８９ＸｘＡＢＣＤＥＦＧＨＪＫＬＭＮＰＱＲＳＴＵＶＷＹＺ－　＋"
NARROW: Final = "0123456789XxABCDEFGHJKLMNPQRSTUVWYZ- +"
CANDIDATE: Final = rf"[0-9](?:[ -]?[0-9]){{10}}|{_PROVINCES}[A-HJ-NP-Z]"
"""RE2: a cell that does not match holds none of the identifiers below."""
IDENTITY: Final = (
    "[1-9][0-9]{5}[ -]?(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[ -]?[0-9]{3}[0-9Xx]"
)
"""RE2: a cell that does not match holds no identity number."""
DIAGNOSIS: Final = r"[A-TV-Za-tv-z][0-9][0-9A-Ba-b](?:\.[0-9A-Za-z]{1,4})?[*+]?"
"""RE2: a whole cell of this form may be an ICD-10 code."""

_NARROWED: Final = str.maketrans(WIDE, NARROW)
_CN_ID: Final = re.compile(
    r"(?<![0-9.])[1-9][0-9]{5}[ -]?((?:18|19|20)[0-9]{6})[ -]?[0-9]{3}[0-9Xx](?![0-9A-Za-z])"
)
_MOBILE: Final = re.compile(
    r"(?<![0-9.])(?:(?:\+|00)?86[ -]?)?(?P<bare>1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4})(?!\.?[0-9])"
)
_CARD: Final = re.compile(
    r"(?<![0-9.])[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{3,4}(?:[ -]?[0-9]{1,3})?(?!\.?[0-9]|[A-Za-z])"
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
_FEW_SHAPED: Final = 40
_FAR: Final = 144  # (10 x 4 standard deviations)^2 of a share of a tenth, over their number
_HEALTH: Final = re.compile(
    r"icd|diagnos|disease|medicat|hba1c|诊断|疾病|病种|病名|病史|用药|血糖|血压|过敏|糖化", re.IGNORECASE
)
_BIOMETRIC: Final = re.compile(
    r"fingerprint|finger_?vein|palm_?print|voice_?print|face_?print"
    r"|(?:^|_)(?:face|facial|iris|retina|gait)_?(?:id|code|scan|image|template|feature|vector|embedding)"
    r"|指纹|人脸|面部(?:特征|图像)|虹膜|视网膜|声纹|掌纹|指静脉|步态|基因(?:序列|型)",
    re.IGNORECASE,
)
_PART: Final = re.compile(
    r"(?:^|_)(?:part|model|sku|bom|spec|drawing|material|item)(?:$|_)(?:no|num|code|id)?"
    r"|零件|部件|型号|图号|料号|物料|规格|货号|批次",
    re.IGNORECASE,
)
# The last category of each letter of ICD-10 (WHO), where it is not 99; W, X and Y, Z are whole.
_LAST_CATEGORY: Final = {"D": 89, "E": 90, "H": 95, "K": 93, "P": 96, "T": 98, "Y": 98}
_NO_CATEGORY: Final = frozenset({"D49", "V00"})
_NINE_TENTHS: Final = (9, 10)
# Classes of columns that single people out together: those of who somebody is, and others.
_WHO: Final = {
    "birth": r"birth|(?:^|_)dob(?:$|_)|出生|生日",
    "age": r"(?:^|_)age(?:$|_)|年龄",
    "sex": r"(?:^|_)(?:sex|gender)(?:$|_)|性别",
}
_BESIDE: Final = {
    "postcode": r"(?:^|_)(?:zip|postcode|postal)(?:$|_|code)|邮编|邮政编码",
    "address": r"(?:^|_)(?:home_)?address(?:$|_)|住址|家庭地址|户籍",
    "employer": r"(?:^|_)employer(?:$|_)|工作单位|雇主|就职",
    "occupation": r"(?:^|_)(?:occupation|profession)(?:$|_)|职业",
    "education": r"(?:^|_)education(?:$|_)|学历|文化程度",
    "nationality": r"(?:^|_)(?:ethnic|nationality)|民族",
    "marriage": r"(?:^|_)marital|婚姻",
}
_CLASSES: Final = {name: re.compile(form, re.IGNORECASE) for name, form in (_WHO | _BESIDE).items()}
K: Final = 5
"""Fewer rows alike than this single people out (`rules.md` §2.5.2)."""


def is_cn_id(text: str) -> bool:
    """Whether 18 characters are an identity number: a real birth date and the right check character."""
    text = _bare(text)
    if not _tells_birth(text):
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
    """The identifiers in a cell, each with its start and end.

    An identity number is no card, nor is one with a wrong check character: no card has eighteen digits
    that tell a day of birth.
    """
    cell = cell if cell.isascii() else cell.translate(_NARROWED)
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


def column_hints(
    column: str, values: Iterable[tuple[str, int]], checked: int, of: int | None = None
) -> list[Hint]:
    """Hints of one column, from candidate values with their number of rows; `checked` cells have a value.

    Where only some of the candidates were looked at, `of` is the rows of all: what was found is taken as a
    share of them. One identity number is enough to flag (its check digit and date do not come by chance);
    the others, which any column of long numbers can imitate, are flagged from one percent of the cells.
    One long number in ten passes Luhn by chance: where just so many of a column's do (within four standard
    deviations), they are no cards; more are, and so are fewer, which somebody has chosen.
    """
    rows: dict[HintKind, int] = {}
    looked = shaped = 0
    for value, count in values:
        looked += count
        shaped += count if _CARD.search(value) else 0
        for kind in {kind for kind, _, _ in identifiers(value)}:
            rows[kind] = rows.get(kind, 0) + count
    share = Fraction(of, looked) if of and looked else Fraction(1)
    found = {kind: int(rows[kind] * share) for kind in HintKind if kind in rows}
    off = 10 * rows.get(HintKind.BANK_CARD, 0) - shaped
    by_chance = shaped > _FEW_SHAPED and off * off <= _FAR * shaped
    return [
        Hint(
            kind,
            column,
            count,
            checked,
            kind is HintKind.CN_ID
            or (count * _ONE_PERCENT >= checked and not (kind is HintKind.BANK_CARD and by_chance)),
        )
        for kind, count in found.items()
    ]


def is_icd_category(category: str) -> bool:
    """Whether three characters are a category of ICD-10: a letter and a number that the letter has.

    U holds what is assigned for a time. A second letter (C4A) is of national clinical modifications.
    """
    letter, number = category[:1].upper(), category[1:3]
    if category.upper() in _NO_CATEGORY or not "A" <= letter <= "Z":
        return False
    return not number.isdigit() or int(number) <= _LAST_CATEGORY.get(letter, 99)


def health_hints(column: str, *, coded: int, dotted: int, checked: int) -> list[Hint]:
    """Whether a column tells of health: by its name, or nearly all its cells are codes of diagnoses.

    `coded` cells are codes of ICD-10 by form and category, `dotted` of these with a place after the point.
    Without a name that says so, nine cells in ten are codes and half have a place; what is named as parts,
    models or materials is none, whatever its codes look like.
    """
    named = _HEALTH.search(column) is not None
    many, of = _NINE_TENTHS
    shaped = coded * of >= checked * many and dotted * 2 >= checked and _PART.search(column) is None
    if not checked or not (named or shaped):
        return []
    return [Hint(HintKind.HEALTH, column, checked if named else coded, checked, flagged=True)]


def biometric_hints(column: str, *, checked: int) -> list[Hint]:
    """Whether a column holds fingerprints, faces, irises or voices, by its name; an empty one does not."""
    if not checked or _BIOMETRIC.search(column) is None:
        return []
    return [Hint(HintKind.BIOMETRIC, column, checked, checked, flagged=True)]


def singling_out(columns: Sequence[str]) -> list[str]:
    """The columns that could single people out together, by their names: one of who, and another class."""
    by_class = {
        name: [column for column in columns if form.search(column)] for name, form in _CLASSES.items()
    }
    found = {name: named for name, named in by_class.items() if named}
    if not found.keys() & _WHO.keys() or len(found) < 2:  # noqa: PLR2004 - one class alone singles nobody out
        return []
    return [column for column in columns if any(column in named for named in found.values())]


def quasi_hints(columns: Sequence[str], *, alone: int, rows: int) -> list[Hint]:
    """The columns of `singling_out`; `alone` rows of all have fewer than K alike, themselves counted."""
    return [Hint(HintKind.QUASI, column, alone, rows, flagged=alone > 0) for column in columns]


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
        return passes_luhn(_bare(text)) and not _tells_birth(_bare(text))
    return True


def _tells_birth(digits: str) -> bool:
    if _CN_ID.fullmatch(digits) is None:
        return False
    try:
        date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    return True


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _within(column: tuple[str, str | None, str | None, int], bound: int) -> bool:
    _, low, high, _ = column
    try:
        return low is not None and high is not None and -bound <= Decimal(low) <= Decimal(high) <= bound
    except InvalidOperation:
        return False
