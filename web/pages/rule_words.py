"""What numbers are called on pages, a line each in `rule_words.csv`: those of the rule tables, their
units, and those that a rule computes (`figure`).

A number whose name ends `_from`, `_above` or `_below` is a bound; which one is said behind its words.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

from web.pages.languages import N_, Lang, translations

_TABLE: Final = Path(__file__).with_suffix(".csv")
_BOUNDS: Final[Mapping[str, str]] = {
    "_from": N_("%(number)s, at least"),
    "_above": N_("%(number)s, more than"),
    "_below": N_("%(number)s, less than"),
}


@cache
def known() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """The words in each language, by what is named (`number`, `unit` or `figure`) and its code."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {(row["of"], row["code"]): row for row in csv.DictReader(file)}


def said(lang: Lang, of: Literal["number", "unit", "figure"], code: str) -> str:
    """The words of a number, by its name or as a finding cites it (`WT2@1.longest`), or of a unit."""
    name = code.rpartition(".")[2] if of == "number" else code
    words = known().get((of, name))
    if words is None:
        return code.replace("_", " ")
    bound = next((text for end, text in _BOUNDS.items() if of == "number" and name.endswith(end)), None)
    return translations(lang).gettext(bound) % {"number": words[lang]} if bound else words[lang]
