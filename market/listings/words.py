"""Words of a text as a search knows them: the same on every database, Chinese by pairs of characters.

Chinese has no spaces, so a run of Han characters is kept as its single characters and its overlapping
pairs (用电量 → 用 电 量 用电 电量): any word of one or two characters is one token, a longer one is the
pairs it consists of, and `runs` tells the search which exact runs to look for beside them.
"""

import re
import unicodedata
from itertools import pairwise
from typing import Final

MAX_QUERY_CHARS: Final = 100
_HAN: Final = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN: Final = re.compile(rf"[{_HAN}]+|(?:(?![{_HAN}])[^\W_])+")
_IS_HAN: Final = re.compile(rf"[{_HAN}]")
_PLURAL: Final = 4  # flights → flight; gas and class stay


def folded(text: str) -> str:
    """The text in one width and one case (NFKC, casefold): what runs are looked for in."""
    return unicodedata.normalize("NFKC", text).casefold()


def tokens(text: str) -> frozenset[str]:
    """Every token by which a text is found."""
    found: set[str] = set()
    for run in _RUN.findall(folded(text)):
        if _IS_HAN.match(run):
            found.update(run)
            found.update(_pairs(run))
        else:
            found.add(_singular(run))
    return frozenset(found)


def query_tokens(text: str) -> tuple[str, ...]:
    """The tokens that a listing must all have, in the order of the query, at most `MAX_QUERY_CHARS` read."""
    wanted: dict[str, None] = {}
    for run in _RUN.findall(folded(text[:MAX_QUERY_CHARS])):
        if not _IS_HAN.match(run):
            wanted[_singular(run)] = None
        elif len(run) == 1:
            wanted[run] = None
        else:
            wanted |= dict.fromkeys(_pairs(run))
    return tuple(wanted)


def runs(text: str) -> tuple[str, ...]:
    """Han runs of three characters and more: a listing has to have each as it is, not only its pairs."""
    found = (run for run in _RUN.findall(folded(text[:MAX_QUERY_CHARS])) if _IS_HAN.match(run))
    return tuple(dict.fromkeys(run for run in found if len(run) > 2))  # noqa: PLR2004 - a pair is two


def _pairs(run: str) -> list[str]:
    return [first + second for first, second in pairwise(run)]


def _singular(word: str) -> str:
    if len(word) >= _PLURAL and word.isascii() and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word
