"""Whether a password is among those tried first: leaked ones, common ones, walks over a keyboard, own names.

NIST SP 800-63B-4 §3.1.1.2 asks for a list of expected and broken passwords: `broken_passwords.txt`. With
twelve characters and more, what people choose badly is made of few pieces: those, common words
(`common_passwords.txt`), runs (`qwerty`, `1234`, `abcd`), years, and what is known of them. Such a password
is refused when hardly anything else is left of it. Pure.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

_LEAST_KNOWN: Final = 3
_LEAST_LEFT: Final = 5
_RUN: Final = 3
_LEET: Final = str.maketrans("013457@$!", "oieastasi")
_ROWS: Final = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
)
_YEAR: Final = re.compile(r"(19|20)\d\d")
_WORDS: Final = re.compile(r"[\W_]+")


def is_guessable(password: str, *, known: Iterable[str] = ()) -> bool:
    """Whether less than five characters, or less than three different ones, are no common piece of it.

    `known` are login, names and the like of whoever chooses it.
    """
    folded = _folded(password)
    for broken in sorted(_listed("broken_passwords.txt"), key=len, reverse=True):
        folded = folded.replace(broken, "\0")
    plain = _YEAR.sub(" ", folded)
    mine = {word for text in known for word in _WORDS.split(_folded(text)) if len(word) >= _LEAST_KNOWN}
    left = min((_without(text, mine) for text in (plain, plain.translate(_LEET))), key=len)
    return len(left) < _LEAST_LEFT or len(set(left)) < _LEAST_KNOWN


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _without(text: str, mine: set[str]) -> str:
    """What is left when known words, runs, years and whatever stands between words are taken out."""
    for word in sorted(_listed("common_passwords.txt") | mine, key=len, reverse=True):
        text = text.replace(word, "\0")
    return _WORDS.sub("", "".join(_without_runs(part) for part in text.split("\0")))


def _without_runs(text: str) -> str:
    kept, at = [], 0
    while at < len(text):
        length = max(_run_at(text, at), _repeated_at(text, at))
        if length >= _RUN:
            at += length
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _run_at(text: str, at: int) -> int:
    longest = 0
    for row in _ROWS:
        for line in (row, row[::-1]):
            place = line.find(text[at])
            length = 0
            while place >= 0 and at + length < len(text) and line[place : place + 1] == text[at + length]:
                length, place = length + 1, place + 1
            longest = max(longest, length)
    return longest


def _repeated_at(text: str, at: int) -> int:
    end = at
    while end < len(text) and text[end] == text[at]:
        end += 1
    return end - at


@cache
def _listed(name: str) -> frozenset[str]:
    told = files("identity").joinpath(name).read_text(encoding="utf-8")
    return frozenset(line for line in told.splitlines() if line and not line.startswith("#"))
