"""What law a number, a finding or a time limit rests on, as a page cites it.

The tables of rules name their bases in Chinese. A Chinese page shows them so; an English page gives the
titles that `law_words.csv` knows in English, with their articles, and the Chinese in its own language.
"""

import csv
import re
from functools import cache
from pathlib import Path
from typing import Final

from markupsafe import Markup

from web.pages.languages import Lang

_TABLE: Final = Path(__file__).with_name("law_words.csv")
_DIGITS: Final = {one: at for at, one in enumerate("零一二三四五六七八九")}
_PLACES: Final = {"十": 10, "百": 100}
_COUNT: Final = r"([〇零一二三四五六七八九十百\d]+)"
_ARTICLE: Final = re.compile(rf"第{_COUNT}条(?:第{_COUNT}款)?(?:第{_COUNT}项)?")
_PLAIN: Final = re.compile(r"art\. (\d+)(?:\((\d+)\))?((?: \d+)*)")
_BARE: Final = re.compile(r"\s?(\d+(?:\(\d+\))?(?:、\d+(?:\(\d+\))?)*)")
_YEAR: Final = re.compile(r"\s?[（(][^（()）]*?(\d{4})(?![\d-])[^（()）]*[）)]")
_CHOSEN: Final = "项目默认"


def cited(lang: Lang, basis: str) -> str:
    """A legal basis as text: in Chinese as it stands; in English what of it has an English title."""
    return _in_chinese(basis) if lang == "zh" else _in_english(basis)


def law(lang: Lang, basis: str) -> Markup:
    """A legal basis for a page; on an English one the Chinese stands beside the English titles."""
    chinese = _in_chinese(basis)
    if lang == "zh":
        return Markup("{}").format(chinese)
    said = Markup('<span class="soft" lang="zh-CN">{}</span>').format(chinese)
    english = _in_english(basis)
    return Markup("{} {}").format(english, said) if english else said


@cache
def _titles() -> dict[str, str]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {row["zh"]: row["en"] for row in csv.DictReader(file)}


@cache
def _known() -> re.Pattern[str]:
    longest_first = sorted(_titles(), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def _in_chinese(basis: str) -> str:
    """`art. 45(1)` and `art. 64 85` as Chinese law is cited."""

    def article(found: re.Match[str]) -> str:
        number, clause, more = found.groups()
        numbers = "、".join([number, *more.split()])
        return f"第{numbers}条" + (f"第{clause}款" if clause else "")

    return re.sub(r"\s*" + _PLAIN.pattern, article, basis).replace("; ", "；")


def _in_english(basis: str) -> str:
    said = [_named(basis, found) for found in _known().finditer(basis)]
    if _CHOSEN in basis:
        said.append("set by this project")
    return "; ".join(dict.fromkeys(said))


def _named(basis: str, title: re.Match[str]) -> str:
    """One title with its year and articles: what stands between it and the next title."""
    following = _known().search(basis, title.end())
    rest = re.split("[；;]", basis[title.end() : following.start() if following else None])[0]
    words = _titles()[title[0]]
    if (year := _YEAR.match(rest)) is not None:
        words, rest = f"{words} ({year[1]})", rest[year.end() :]
    articles = _articles(rest)
    if not articles:
        return words
    return f"{words}, art{'s' if len(articles) > 1 else ''}. {', '.join(articles)}"


def _articles(rest: str) -> list[str]:
    if (plain := _PLAIN.search(rest)) is not None:
        return [plain[1] + (f"({plain[2]})" if plain[2] else ""), *plain[3].split()]
    if (bare := _BARE.match(rest)) is not None:
        return bare[1].split("、")
    return [
        _number(article) + "".join(f"({_number(one)})" for one in parts if one)
        for article, *parts in _ARTICLE.findall(rest)
    ]


def _number(text: str) -> str:
    """`二十二` as `22`."""
    if text.isdecimal() and text.isascii():
        return text
    whole = digit = 0
    for one in text:
        if one in _PLACES:
            whole, digit = whole + (digit or 1) * _PLACES[one], 0
        else:
            digit = _DIGITS.get(one, 0)
    return str(whole + digit)
