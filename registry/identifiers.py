"""The personal identifiers in a cell, by form and check digit, in whatever clothes they come.

Sources: GB 11643 (identity number: 18 characters, mod 11-2; the 15 digits it had until 1999 have no check
digit), ISO/IEC 7812 (card numbers, Luhn), GA 36 (plates), the 11-digit mobile numbering plan, GB 32100 (code
of an organisation, which may look like an identity number). Digits of any script, full-width letters, spaces
and hyphens of any kind are read as the plain ones; characters that nobody sees are passed over.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Final

from registry.rules import HintKind

_PROVINCES: Final = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_ANY_GAP: Final = r"[\p{Z}\p{Cf}\p{Pd}\t\n·•・‧∙.−]{0,3}"
CANDIDATE: Final = (
    rf"\p{{Nd}}(?:{_ANY_GAP}\p{{Nd}}){{10}}|{_PROVINCES}{_ANY_GAP}[A-HJ-NP-Za-hj-np-zＡ-Ｚａ-ｚ]"
    r"|[1-9]\.[0-9]{1,17}[eE]\+?1[0-9]"
)
"""RE2: a cell that does not match holds none of the identifiers below."""
IDENTITY: Final = rf"\p{{Nd}}(?:{_ANY_GAP}\p{{Nd}}){{16}}{_ANY_GAP}[\p{{Nd}}XxＸｘ×ХхΧχⅩⅹ]"
"""RE2: a cell that does not match holds no identity number."""

_GAP: Final = r"[ -]{0,2}"
_LETTER_X: Final = dict.fromkeys("×ХхΧχⅩⅹ", "X")
_CN_ID: Final = re.compile(
    rf"(?<![0-9])[1-9][0-9]{{2}}{_GAP}[0-9]{_GAP}[0-9]{{2}}{_GAP}(?:18|19|20){_GAP}[0-9]{_GAP}[0-9]"
    rf"{_GAP}[01][0-9]{_GAP}[0-3][0-9]{_GAP}[0-9]{_GAP}[0-9]{_GAP}[0-9]{_GAP}[0-9Xx](?![0-9])"
)
_OLD_ID: Final = re.compile(r"(?<![0-9.])[0-9]{15}(?:[0-9]{3})?(?![0-9Xx]|\.[1-9])")
_MOBILE: Final = re.compile(
    r"(?<![0-9])(?:(?:\+|00)?86\)?[ -]{0,2})?"
    r"(?:1[3-9][0-9](?:[ -]{0,2}[0-9]{4}[ -]{0,2}|\.[0-9]{4}\.)[0-9]{4}|1[3-9][0-9]{3}[ -][0-9]{6})(?![0-9])"
)
_CARDS: Final = tuple(
    re.compile(rf"(?<![0-9]){form}(?![0-9])")
    for form in (
        r"[1-9][0-9]{14,18}",
        r"[1-9][0-9]{3}(?:[ -]{1,2}[0-9]{4}){2}[ -]{1,2}[0-9]{3,4}(?:[ -]{0,2}[0-9]{1,3})?(?![ -]?[0-9])",
        r"[1-9][0-9]{15} ?[ -][0-9]{3}",
        r"[1-9][0-9]{5}[ -][0-9]{9,13}",
        r"[1-9][0-9]{7}[ -][0-9]{8}(?:[ -]?[0-9]{1,3})?",
        r"3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5}",
    )
)
# Who issues cards (ISO/IEC 7812 issuer ranges): 1 and 2 only where they do, so that no moment is a card.
_ISSUED: Final = re.compile(
    r"[3-6][0-9]{14,18}|9[4-9][0-9]{14,17}|(?:220[0-4]|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)"
    r"[0-9]{12}|(?:1800|2131)[0-9]{11}"
)
# GA 36: five characters with at most three letters; new energy has six, with a letter first or last.
_PLATE: Final = re.compile(
    rf"{_PROVINCES} ?(?P<city>[A-HJ-NP-Z])[·•・‧∙. -]?"
    r"(?P<serial>[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]|[A-HJ-NP-Z0-9]{4}(?:[挂学警港澳领使]|[A-HJ-NP-Z0-9]))"
    r"(?![A-Z0-9])",
    re.IGNORECASE,
)
_LETTERS_AT_MOST: Final = 3
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK: Final = "10X98765432"
_ORGANISATION: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_REGIONS: Final = frozenset(
    f"{region}"
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
    for region in range(first, last + 1)
)
_MOST_GROUPS: Final = 7
_CALLED: Final = re.compile("手机|电话|联系|致电|微信|tel|phone|mobile|call", re.IGNORECASE)
_HASH: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8,}(?:-[0-9A-Fa-f]{4}){0,3}-?[0-9A-Fa-f]{12,}(?![0-9A-Za-z])"
)
_HASH_LETTERS: Final = 3
_WHOLE: Final = re.compile(r"[+-]?([0-9]+)\.0*")
_POWER: Final = re.compile(r"([1-9])(?:\.([0-9]{0,18}))?[eE]\+?(1[0-9])")


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
    text, places = _plain(cell)
    for kind, start, end in _found(text):
        yield (kind, start, end) if places is None else (kind, places[start], places[end - 1] + 1)


def is_card_shaped(cell: str) -> bool:
    """Whether a cell holds a number of a card's form, whatever its check digit."""
    text, _ = _plain(cell)
    return any(_is_shaped(text, match) for form in _CARDS for match in form.finditer(text))


def says_mobile(cell: str) -> bool:
    """Whether a cell says of a number that it is called: words around it, a prefix, or groups of digits."""
    text, _ = _plain(cell)
    for kind, start, end in _found(text):
        if kind is not HintKind.MOBILE:
            continue
        alone = not any(
            one.isascii() and (one.isalnum() or one == "_")
            for one in text[start - 1 : start] + text[end : end + 1]
        )
        words = any(character.isalpha() for character in text)
        if _CALLED.search(text) or not text[start:end].isdigit() or (alone and words):
            return True
    return False


def old_identities(cell: str) -> tuple[int, int]:
    """The numbers of 15 or 18 digits in a cell, and how many look like identity numbers without their check.

    Of fifteen digits, or of eighteen whose last ones a spreadsheet has made noughts: they tell a region and a
    day of birth.
    """
    text, _ = _plain(cell)
    found = [match[0] for match in _OLD_ID.finditer(text)]
    return len(found), sum(_is_old(one) and not is_cn_id(one) for one in found)


def _plain(cell: str) -> tuple[str, list[int] | None]:
    """A cell in plain digits, letters and gaps, without its hashes; and where each character stood, if any
    was passed over.
    """
    if cell.isascii():
        return _HASH.sub(_blank, _number(cell.replace("\t", " ").replace("\n", " "))), None
    kept, places = [], []
    for place, character in enumerate(cell):
        one = character if character.isascii() else _narrow(character)
        if one:
            kept.append(one)
            places.append(place)
    return _HASH.sub(_blank, "".join(kept)), places if len(kept) < len(cell) else None


def _narrow(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or character == "−":
        return "-"
    if "！" <= character <= "～":  # the full-width forms of ASCII
        return chr(ord(character) - 0xFEE0)
    return _LETTER_X.get(character, character)


def _blank(match: re.Match[str]) -> str:
    """A hash is no number, whatever run of digits it has."""
    letters = sum(character.isalpha() for character in match[0])
    return " " * len(match[0]) if letters >= _HASH_LETTERS else match[0]


def _number(text: str) -> str:
    """A whole number that was written as a float is its digits: 13812345678.0 and 1.3812345678E+10.

    The text keeps its length: what stood there is blank.
    """
    trimmed = text.strip()
    whole, power = _WHOLE.fullmatch(trimmed), _POWER.fullmatch(trimmed)
    digits = whole[1] if whole else None
    if power is not None:
        fraction, places = power[2] or "", int(power[3])
        digits = power[1] + fraction.ljust(places, "0") if len(fraction.rstrip("0")) <= places else None
    return text if digits is None else digits[: len(text)].ljust(len(text))


def _found(text: str) -> Iterator[tuple[HintKind, int, int]]:
    taken: list[tuple[int, int]] = []
    for kind, forms in (
        (HintKind.CN_ID, (_CN_ID,)),
        (HintKind.BANK_CARD, _CARDS),
        (HintKind.MOBILE, (_MOBILE,)),
    ):
        for form in forms:
            at = 0
            while (match := form.search(text, at)) is not None:
                start, end = match.span()
                if any(start < until and since < end for since, until in taken) or not _holds(
                    kind, text, match
                ):
                    # A wrong card is wrong as a whole: its last groups are no card either.
                    at = end if kind is HintKind.BANK_CARD and _is_shaped(text, match) else start + 1
                    continue
                taken.append((start, end))
                at = end
                yield kind, start, end
    for match in _PLATE.finditer(text):
        if _is_plate(match):
            yield HintKind.PLATE, *match.span()


def _holds(kind: HintKind, text: str, match: re.Match[str]) -> bool:
    bare = _bare(match[0])
    if kind is HintKind.CN_ID:
        grouped = len(re.split("[ -]+", match[0])) > _MOST_GROUPS
        return not (grouped or _is_part(text, match.start()) or _is_organisation(bare)) and is_cn_id(bare)
    if kind is HintKind.BANK_CARD:
        return _is_shaped(text, match) and passes_luhn(bare)
    return not _is_fraction(text, *match.span())


def _is_shaped(text: str, match: re.Match[str]) -> bool:
    bare = _bare(match[0])
    return (
        _ISSUED.fullmatch(bare) is not None
        and text[match.end() : match.end() + 1] not in {"X", "x"}  # of an identity number, right or wrong
        and not _tells_birth(bare)
        and not _is_part(text, match.start())
        and not _is_fraction(text, *match.span())
    )


def _is_part(text: str, start: int) -> bool:
    """Whether digits are what a number has after its point; in words, 1.440… is the first of a list."""
    inside = start > 1 and text[start - 1] == "." and text[start - 2].isdigit()
    return inside and not any(character.isalpha() for character in text)


def _is_fraction(text: str, start: int, end: int) -> bool:
    """Whether digits stand next to a decimal point: a measure, no number of something."""
    before = start > 1 and text[start - 1] == "." and text[start - 2].isdigit()
    after = text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()
    return before or (after and text[end + 1 :].rstrip().strip("0") != "")


def _is_plate(match: re.Match[str]) -> bool:
    city, serial = str(match["city"]), str(match["serial"])
    letters = sum(character.isascii() and character.isalpha() for character in serial)
    upper = (city + serial).isupper()
    return letters <= (_LETTERS_AT_MOST if upper else 1)


def _tells_birth(digits: str) -> bool:
    if len(digits) != 18 or _CN_ID.fullmatch(digits) is None:  # noqa: PLR2004 - GB 11643
        return False
    return _is_day(digits[6:10], digits[10:12], digits[12:14])


def _is_old(digits: str) -> bool:
    if len(digits) == 15:  # noqa: PLR2004 - GB 11643-1989
        born = "19" + digits[6:12]
    else:
        born = digits[6:14] if digits.endswith("00") and digits[6:8] in {"19", "20"} else "0"
    return digits[:2] in _REGIONS and _is_day(born[:4], born[4:6], born[6:])


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _is_organisation(text: str) -> bool:
    """Whether 18 characters are an enterprise's code of GB 32100, which has no day of birth to tell."""
    if not text.startswith("9") or not set(text) <= set(_ORGANISATION):
        return False
    values = [_ORGANISATION.index(character) for character in text]
    return (sum(v * w for v, w in zip(values, (*_ORGANISATION_WEIGHTS, 1), strict=True))) % 31 == 0


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "").replace(".", "")
