"""The two languages of the pages: which one a visitor wants, and its messages.

English is the source. The Chinese catalogue is compiled in memory from its `.po` when it is first asked
for, so a change of a translation needs no build step.
"""

import re
from collections.abc import Callable
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

Lang: TypeAlias = Literal["zh", "en"]
LANGS: Final[tuple[Lang, ...]] = ("zh", "en")
TAGS: Final[dict[Lang, str]] = {"zh": "zh-CN", "en": "en"}
NAMES: Final[dict[Lang, str]] = {"zh": "中文", "en": "English"}
DEFAULT: Final[Lang] = "zh"
COOKIE: Final = "databourse_lang"
CATALOGUE: Final = Path(__file__).parent.parent / "locale" / "zh_CN" / "LC_MESSAGES" / "messages.po"

DETAILS: Final = CATALOGUE.with_name("details.po")
_PLACE: Final = re.compile(r"\{\d\}")
_LETTERS: Final = 10


class Named(Protocol):
    """What has a name in both languages, such as a `market.listings.categories.Label`."""

    @property
    def zh(self) -> str: ...

    @property
    def en(self) -> str: ...


def N_(text: str) -> str:  # noqa: N802 - the name by which Babel finds a text that is translated later
    """Mark a text for translation where it is only named; it is translated where it is shown."""
    return text


@cache
def translations(lang: Lang) -> NullTranslations:
    """The messages of a language; the source texts themselves for English."""
    if lang == "en":
        return NullTranslations()
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="zh_CN")
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


@cache
def details(lang: Lang) -> dict[str, str]:
    """What refusals say in particular, by their English, `{0}` for what is filled in; English has nothing."""
    if lang == "en":
        return {}
    with DETAILS.open("rb") as file:
        return {
            str(one.id): str(one.string) for one in read_po(file, locale="zh_CN") if one.id and one.string
        }


@cache
def _filled_in(lang: Lang) -> list[tuple[re.Pattern[str], str]]:
    """The texts with places in them, those that say most first; one of a word or two would fit all."""
    texts = {
        text: said
        for text, said in details(lang).items()
        if _PLACE.search(text) and len(re.findall(r"[a-z]", _PLACE.sub("", text))) >= _LETTERS
    }
    return [
        (re.compile("(.+?)".join(map(re.escape, _PLACE.split(text))), re.DOTALL), texts[text])
        for text in sorted(texts, key=lambda text: (-len(_PLACE.sub("", text)), text))
    ]


def particular(detail: str, lang: Lang, word: Callable[[str], str]) -> str | None:
    """What a refusal says, in a language; None where nobody has said it there.

    `word` tells what is filled in, where that is a code.
    """
    if detail in details(lang):
        return details(lang)[detail]
    for pattern, said in _filled_in(lang):
        if found := pattern.fullmatch(detail):
            return said.format(*map(word, found.groups()))
    return None


def lang_of(path: str) -> Lang | None:
    """The language that a path is in, by its first segment."""
    first = path.removeprefix("/").partition("/")[0]
    for lang in LANGS:
        if lang == first:
            return lang
    return None


def preferred(cookie: str | None, accept_language: str | None) -> Lang:
    """The language for a visitor who has not named one: the cookie's, else Accept-Language's best."""
    for lang in LANGS:
        if cookie == lang:
            return lang
    ranked: list[tuple[float, Lang]] = []
    for item in (accept_language or "").split(",")[:20]:
        tag, _, parameters = item.strip().partition(";")
        named = lang_of(tag.strip().lower().replace("-", "/"))
        if named is not None:
            ranked.append((_quality(parameters), named))
    best = max(ranked, key=lambda pair: pair[0], default=(0.0, DEFAULT))
    return best[1] if best[0] > 0 else DEFAULT


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
