"""Reasons that records keep as text, said in the visitor's language: of customs' rules, of a computed level.

A record keeps what a rule said when it was asked, in English. What is not known here is shown as it stands.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from web.pages import words
from web.pages.languages import N_
from web.pages.visiting import Visitor

CUSTOMS: Final = (
    N_("a foreign court or authority asks: nothing goes without the competent authority's approval"),
    N_("state secret or core data: handed to the competent authority"),
    N_("neither a state secret nor core data"),
    N_("important data, notified or published as such"),
    N_("level %(level)s: not notified and not published as important"),
    N_("collected abroad, processed here, nothing domestic added"),
    N_("no personal information and no important data"),
    N_("there is personal information"),
    N_("needed to conclude or perform a contract with the individual"),
    N_("employees, under lawful labour rules or a collective contract"),
    N_("emergency protecting life, health or property, or a statutory duty"),
    N_("not claimed"),
    N_("claimed, and its evidence is not attached"),
    N_("no free-trade zone is claimed"),
    N_("no negative list of %(zone)s is in force for this exporter"),
    N_("outside the negative list of %(zone)s"),
    N_("on the negative list of %(zone)s: %(line)s"),
    N_("on the negative list of %(zone)s"),
    N_("passed on outside the Greater Bay Area"),
    N_("kept outside the Greater Bay Area"),
    N_("personal information within the Greater Bay Area"),
    N_("not between the nine mainland cities and Hong Kong or Macao"),
    N_("personal information of an operator of critical infrastructure"),
    N_("no operator of critical infrastructure"),
    N_("fewer persons than a contract asks for, nothing sensitive"),
    N_("%(count)s persons or more since 1 January"),
    N_("%(count)s persons or more with sensitive data"),
    N_("below the limits of an assessment"),
    N_("sensitive personal information"),
    N_("below the limits of a contract or certification, nothing sensitive"),
    N_("few persons, nothing sensitive"),
)
LAWS: Final = (
    N_("DSL 36; PIPL 41"),
    N_("DSL 21, 53; regulation 63"),
    N_("regulation 37; CAC16 Art 7"),
    N_("CAC16 Art 4"),
    N_("CAC16 Art 3"),
    N_("CAC16 Art 5(1)(1)"),
    N_("CAC16 Art 5(1)(2)"),
    N_("CAC16 Art 5(1)(3); regulation 35"),
    N_("CAC16 Art 6"),
    N_("GBA standard-contract guidelines 2023 (HK), 2024 (MO)"),
    N_("CAC16 Art 7(1)"),
    N_("CAC16 Art 7(2)"),
    N_("CAC16 Art 8"),
    N_("CAC16 Art 5(1)(4)"),
)
RISKS: Final[Mapping[str, str]] = {
    "before-halted": N_("something of this group was halted before"),
    "near-threshold": N_("close below a threshold"),
    "no-list-of-persons": N_("many persons, and no list of them"),
    "spared-by-lists": N_("only persons that several lists name keep it from a stricter route"),
    "sold-on": N_("bought here, and offered again"),
    "fewer-than-sampled": N_("fewer persons than the goods show"),
    "list-contradicts-data": N_("the list of persons is not that of those in the data"),
    "list-not-held": N_("the list of persons could not be held against the data"),
    "passed-on": N_("passed on to others"),
    "ground-claimed": N_("a ground of an exemption is claimed"),
    "remote-access": N_("remote access from abroad"),
    "no-scan": N_("personal data that nobody could scan"),
}
_LEVEL: Final = (
    (r"declared=(?P<level>[^=]+)", N_("Declared: %(level)s")),
    (
        r"ground:(?P<harmed>[^/]+)/(?P<degree>[^=]+)=(?P<level>[^=]+)",
        N_("By its ground (%(harmed)s, %(degree)s): %(level)s"),
    ),
    (r"field:(?P<name>.+) sensitive=(?P<level>[^=]+)", N_("Field %(name)s, sensitive: %(level)s")),
    (r"field:(?P<name>.+) personal=(?P<level>[^=]+)", N_("Field %(name)s, personal: %(level)s")),
    (r"field:(?P<name>.+)=(?P<level>[^=]+)", N_("Field %(name)s: %(level)s")),
    (r"floor=(?P<level>[^=]+)", N_("Least level of this kind of data: %(level)s")),
    (r"persons>=(?P<count>\d+)=(?P<level>[^=]+)", N_("%(count)s persons or more: %(level)s")),
    (
        r"sensitive-persons>=(?P<count>\d+)=(?P<level>[^=]+)",
        N_("%(count)s persons or more with sensitive data: %(level)s"),
    ),
    (
        r"joined-sources>=(?P<count>\d+)=(?P<level>[^=]+)",
        N_("%(count)s sources or more are joined: %(level)s"),
    ),
)
_PLACE: Final = re.compile(r"%\\\((\w+)\\\)s|%\((\w+)\)s")
_CODED: Final = ("level", "harmed", "degree")


def customs_reason(visitor: Visitor, text: str) -> str | None:
    """Why a rule of customs decided or did not; None where the text is not one of its."""
    for pattern, says in _customs():
        if (found := pattern.fullmatch(text)) is not None:
            return _said(visitor, says, found.groupdict())
    return None


def law(visitor: Visitor, text: str) -> str | None:
    """The articles that a rule of customs rests on."""
    return visitor.say(text) if text in LAWS else None


def risks(visitor: Visitor, reasons: Iterable[str]) -> list[str]:
    """What gave a declaration its points: `near-threshold+30` in words, with the points."""
    split = [one.partition("+") for one in reasons]
    return [f"{visitor.say(RISKS.get(code, code))} +{points}" for code, _, points in split]


def level_reason(visitor: Visitor, text: str) -> str:
    """What gave data its level, as `registry.grading.rules.computed` tells it."""
    for pattern, says in _LEVEL:
        if (found := re.fullmatch(pattern, text)) is not None:
            return _said(visitor, says, found.groupdict())
    return text


def _said(visitor: Visitor, says: str, values: Mapping[str, str]) -> str:
    shown = {
        name: visitor.say(words.word(name, value)) if name in _CODED else value
        for name, value in values.items()
    }
    return visitor.say(says, **shown) if shown else visitor.say(says)


@cache
def _customs() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(_PLACE.sub(lambda at: f"(?P<{at[1] or at[2]}>.+)", re.escape(one))), one)
        for one in CUSTOMS
    )
