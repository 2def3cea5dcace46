"""Recognising personal data in columns: how many identifiers make a hint, and which columns tell of people.

A hint is a reason to look, never a proof. What an identifier is stands in `registry.identifiers`; the other
source is ICD-10 (codes of diagnoses).
"""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from registry.identifiers import identifiers, is_card_shaped, old_identities, says_mobile
from registry.rules import Hint, HintKind

DIAGNOSIS: Final = (
    r"[A-TV-Za-tv-z][0-9][0-9A-Ba-b](?:\.[0-9A-Za-z]{1,4}(?:[Xx][0-9]{1,4})?)?[*+†]?"
    r"(?:[ ;；,，、|/][^\n]{0,60})?"
)
"""RE2: a whole cell of this form may be an ICD-10 code, with what it is called or others after it."""
_DEGREES: Final = r"[ ]*-?[0-9]{1,3}\.[0-9]{4,}[ ]*"
PLACE: Final = rf"(?i)(?:^|point *\(|[\[(（]){_DEGREES}(?:[,，;；/]| ){_DEGREES}(?:$|[\])）])"
"""RE2: a cell of this form is two decimals that may be a place."""

_LATITUDE: Final = re.compile(
    r"(?:^|_|\b)(?:lat|latitude|weidu)[0-9]?(?:$|_|\b)|纬度|(?-i:[a-z]Lat$)", re.IGNORECASE
)
_LONGITUDE: Final = re.compile(
    r"(?:^|_|\b)(?:lon|lng|long|longitude|jingdu)[0-9]?(?:$|_|\b)|经度|(?-i:[a-z](?:Lng|Lon)$)", re.IGNORECASE
)
_ONE_PERCENT: Final = 100
_FEW_SHAPED: Final = 40
_FAR: Final = 81  # (10 x 3 standard deviations)^2 of a share of a tenth, over their number
_FEW_OLD: Final = 3
_IDENTITY: Final = re.compile(r"身份|证件|证号|identity|id_?(?:card|no|num)", re.IGNORECASE)
_CARD: Final = re.compile(r"卡号|银行|账号|账户|bank|card|(?:^|_)pan(?:$|_)", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"手机|电话|联系|致电|phone|mobile|(?:^|_)(?:tel|cell|contact|msisdn)(?:$|_)", re.IGNORECASE
)
_HEALTH: Final = re.compile(
    r"icd|diagnos|disease|medicat|hba1c|allerg|prescription|(?:^|_)dx(?:$|_)|诊断|疾病|病种|病名|病史|病历|用药"
    r"|处方|血糖|血压|血型|过敏|糖化|手术|化验|检验结果|症状|残疾",
    re.IGNORECASE,
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
    "address": r"(?:^|_)(?:home_)?address(?:$|_)|住址|家庭地址|联系地址|详细地址|户籍|籍贯",
    "employer": r"(?:^|_)employer(?:$|_)|工作单位|雇主|就职",
    "occupation": r"(?:^|_)(?:occupation|profession)(?:$|_)|职业",
    "education": r"(?:^|_)education(?:$|_)|学历|文化程度|毕业院校",
    "nationality": r"(?:^|_)(?:ethnic|nationality)|民族",
    "marriage": r"(?:^|_)marital|婚姻",
}
_CLASSES: Final = {name: re.compile(form, re.IGNORECASE) for name, form in (_WHO | _BESIDE).items()}
BESIDE: Final = "*"
"""The column of what stands in no column: the header, records that do not fit it, notes in a workbook."""
K: Final = 5
"""Fewer rows alike than this single people out (`rules.md` §2.5.2)."""


def column_hints(
    column: str, values: Iterable[tuple[str, int]], checked: int, of: int | None = None
) -> list[Hint]:
    """Hints of one column, from candidate values with their number of rows; `checked` cells have a value.

    Where only some of the candidates were looked at, `of` is the rows of all: what was found is taken as a
    share of them. One identity number is enough to flag (its check digit and date do not come by chance),
    and so is one plate. One long number in ten passes Luhn by chance: where just so many of a column's do
    (within three standard deviations of many), they are no cards; more are, and so are fewer, which somebody
    has chosen. A number of eleven digits in a column of numbers may be any: mobile numbers are flagged from
    one percent of the cells, or where the column's name, words around them or their grouping say so.
    Identity numbers without a check digit (`old_identities`) count where at least half of a column's long
    numbers are some, three at least or under a name that says so.
    """
    rows: dict[HintKind, int] = {}
    looked = shaped = told = long = old = 0
    for value, count in values:
        looked += count
        shaped += count if is_card_shaped(value) else 0
        found = {kind for kind, _, _ in identifiers(value)}
        told += count if HintKind.MOBILE in found and says_mobile(value) else 0
        of_length, fit = old_identities(value)
        long, old = long + count * of_length, old + count * fit
        for kind in found:
            rows[kind] = rows.get(kind, 0) + count
    if old * 2 >= long and old >= (1 if _IDENTITY.search(column) else _FEW_OLD):
        rows[HintKind.CN_ID] = rows.get(HintKind.CN_ID, 0) + old
    share = Fraction(of, looked) if of and looked else Fraction(1)
    counted = {kind: int(rows[kind] * share) for kind in HintKind if kind in rows}
    off = 10 * rows.get(HintKind.BANK_CARD, 0) - shaped
    enough = {
        HintKind.CN_ID: True,
        HintKind.PLATE: True,
        HintKind.BANK_CARD: shaped <= _FEW_SHAPED
        or off * off >= _FAR * shaped
        or _CARD.search(column) is not None,
        HintKind.MOBILE: counted.get(HintKind.MOBILE, 0) * _ONE_PERCENT >= checked
        or told > 0
        or _PHONE.search(column) is not None,
    }
    return [Hint(kind, column, count, checked, enough[kind]) for kind, count in counted.items()]


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


def place_bound(column: str) -> int | None:
    """How many degrees a column of latitudes or longitudes reaches to, by its name; None for any other."""
    if _LATITUDE.search(column):
        return 90
    return 180 if _LONGITUDE.search(column) else None


def place_hints(columns: Sequence[tuple[str, int, int]]) -> list[Hint]:
    """Pairs of columns that are places, by name and range: (name, cells in range, cells with a value).

    Half of the cells are enough: what is missing or wrong is written in many ways.
    """
    sound = [one for one in columns if one[2] and one[1] * 2 >= one[2]]
    latitude = next((one for one in sound if place_bound(one[0]) == 90), None)  # noqa: PLR2004 - degrees
    longitude = next((one for one in sound if place_bound(one[0]) == 180), None)  # noqa: PLR2004 - degrees
    if latitude is None or longitude is None:
        return []
    rows, checked = min(latitude[1], longitude[1]), max(latitude[2], longitude[2])
    return [Hint(HintKind.GPS_PAIR, one[0], rows, checked, flagged=True) for one in (latitude, longitude)]


def pair_hints(column: str, *, pairs: int, checked: int) -> list[Hint]:
    """Whether a column holds places, both decimals in one cell: half of its cells do."""
    if not pairs or pairs * 2 < checked:
        return []
    return [Hint(HintKind.GPS_PAIR, column, pairs, checked, flagged=True)]
