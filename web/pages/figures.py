"""The numbers that a rule computed, laid out for people: `finding.statistic` as lines and tables.

A name is said by `rule_words.csv`; one without words stands as it is. Its ending tells how its value is
shown: `_minor` as money, `_bp` as per cent, `_at` as a time; an id of a member by the member's name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from web.pages import rule_words, showing, words
from web.pages.languages import N_
from web.pages.visiting import Visitor

_WHOLE: Final = re.compile(r"-?\d+")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_ID: Final = re.compile(r"[a-z]{3}_[0-9a-z]{20,}")
_YES, _NO, _NONE = N_("yes"), N_("no"), N_("none")
_MILLI: Final = 1000
_CODED: Final[Mapping[str, str]] = {"level": "level", "status": "state"}
"""Members whose values are codes that have words, and the group of these words."""
_LEVELS: Final[Mapping[str, str]] = {
    "organisation": N_("between organisations"),
    "controller": N_("between controllers"),
}
"""The level of a circle of trades."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number in words: a line (`text`), or a table with the names of its columns."""

    label: str
    text: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def figures(visitor: Visitor, statistic: Mapping[str, Any], names: Mapping[str, str]) -> list[Figure]:
    """Every member of a finding's statistic. `names` are those of `members(statistic)`."""
    return [_figure(visitor, name, value, names) for name, value in statistic.items()]


def members(value: Any) -> Iterator[str]:
    """The organisations that a statistic names, however deep."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from members(part)
    elif isinstance(value, str):
        if value.startswith("org_"):
            yield value
    elif isinstance(value, Sequence):
        for part in value:
            yield from members(part)


def _figure(visitor: Visitor, name: str, value: Any, names: Mapping[str, str]) -> Figure:
    label = rule_words.said(visitor.lang, "figure", name)
    if _is_list(value) and value and all(isinstance(one, Mapping) for one in value):
        columns = list(dict.fromkeys(column for one in value for column in one))
        head = [rule_words.said(visitor.lang, "figure", column) for column in columns]
        rows = [[_shown(visitor, column, one.get(column), names) for column in columns] for one in value]
        return Figure(label, head=head, rows=rows)
    return Figure(label, text=_shown(visitor, name, value, names))


def _shown(visitor: Visitor, name: str, value: Any, names: Mapping[str, str]) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return visitor.say(_YES if value else _NO)
    if isinstance(value, Mapping):
        parts = [(part, _shown(visitor, part, one, names)) for part, one in value.items()]
        labelled = [(rule_words.said(visitor.lang, "figure", part), shown) for part, shown in parts]
        return Markup("<br>").join(Markup("{} {}").format(*one) for one in labelled)
    if _is_list(value):
        each = [_shown(visitor, name, one, names) for one in value]
        return Markup(" · ").join(each) if each else visitor.say(_NONE)
    return _said(visitor, name, str(value), names)


def _said(visitor: Visitor, name: str, text: str, names: Mapping[str, str]) -> str:
    if _WHOLE.fullmatch(text):
        if name.endswith("_minor"):
            return showing.money(visitor.lang, text)
        if name.endswith("_bp"):
            return f"{int(text) / 100:.2f} %"
        if name.endswith("_milli"):
            return f"{int(text) / _MILLI:,.3f}"
    if _TIME.fullmatch(text):
        return showing.when(text)
    if name in _CODED:
        return visitor.say(_LEVELS.get(text, words.word(_CODED[name], text)))
    return names[text] if text in names else showing.ident(text) if _ID.fullmatch(text) else text


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
