"""The scope of a licence: what an offer gives beside price, quantity and term. Pure.

It becomes the usage policy of the contract (`market.orders.policy`), which is asked at every access.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

import orjson

from base.calendar import end_of_day_shanghai, shanghai_day
from base.canonical import canonical
from base.ids import is_id
from market.listings.conditions import (
    MAX_COUNT,
    MAX_DELETE_WD,
    MAX_RECIPIENTS,
    Conditions,
    Purpose,
    parse_places,
    parse_purposes,
    places_holding,
)
from market.listings.errors import ListingMalformed
from market.orders.errors import (
    CountExceeded,
    DerivativeNotPermitted,
    OfferMalformed,
    PurposeNotPermitted,
    RecipientNotPermitted,
    ResaleNotPermitted,
    RetentionTooLong,
    TermEnded,
    TerritoryNotPermitted,
)

DEFAULT_COUNT: Final = 3
DEFAULT_DELETE_WD: Final = 10  # destruction or return is proved within ten working days (`states.md` §3.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceScope:
    """What the buyer may do, how often, and who else may have it.

    `purposes` are codes, each access declares one of them. `recipients` are organisations that may have
    the data beside the buyer. `max_count` is how often the right may be exercised: full downloads of a
    file, calls of an interface. `delete_within_wd` are the working days after the licence's end within
    which every copy is destroyed and the proof is brought. A resale is asked for here only to be refused.
    """

    purposes: tuple[Purpose, ...] = (Purpose.INTERNAL_USE,)
    recipients: tuple[str, ...] = ()
    derivative_allowed: bool = False
    resale_allowed: bool = False
    max_count: int = DEFAULT_COUNT
    delete_within_wd: int = DEFAULT_DELETE_WD

    def document(self) -> dict[str, Any]:
        """As an offer's opening and the contract say it."""
        return {
            "purposes": [purpose.value for purpose in self.purposes],
            "recipients": list(self.recipients),
            "derivative_allowed": self.derivative_allowed,
            "resale_allowed": self.resale_allowed,
            "max_count": self.max_count,
            "delete_within_wd": self.delete_within_wd,
        }

    def text(self) -> str:
        """As a row keeps it."""
        return canonical(self.document()).decode()


def scope_from(document: Mapping[str, Any]) -> LicenceScope:
    """The reverse of `LicenceScope.document`; a member that is not there has its default.

    Raises OfferMalformed for unknown members and values without form.
    """
    unknown = sorted(document.keys() - {member.name for member in fields(LicenceScope)})
    if unknown:
        raise OfferMalformed("no such term of a licence", members=unknown[:10])
    given = dict(document)
    try:
        if "purposes" in given:
            given["purposes"] = parse_purposes(given["purposes"])
        if "recipients" in given:
            given["recipients"] = tuple(sorted(set(given["recipients"])))
    except (ListingMalformed, TypeError) as wrong:
        raise OfferMalformed("the terms of the licence are malformed", known=sorted(Purpose)) from wrong
    scope = LicenceScope(**given)
    check_scope(scope)
    return scope


def scope_of_text(text: str) -> LicenceScope:
    """The reverse of `LicenceScope.text`."""
    return scope_from(orjson.loads(text))


def default_scope(conditions: Conditions) -> LicenceScope:
    """What an offer gives that says nothing more: the usual, inside the listing's conditions."""
    usual = LicenceScope()
    fitting = set(usual.purposes) & conditions.purposes
    return LicenceScope(
        purposes=tuple(sorted(fitting)) or (min(conditions.purposes),),
        max_count=min(usual.max_count, conditions.max_count),
        delete_within_wd=min(usual.delete_within_wd, conditions.delete_within_wd),
    )


def check_scope(scope: LicenceScope) -> None:
    """The form of a scope, whatever the listing allows; raises OfferMalformed."""
    if not scope.purposes:
        raise OfferMalformed("a licence names at least one purpose", member="purposes")
    if len(scope.recipients) > MAX_RECIPIENTS or not all(map(_names_org, scope.recipients)):
        raise OfferMalformed(
            "recipients are ids of organisations, few enough", member="recipients", limit=MAX_RECIPIENTS
        )
    for name, value, high in (
        ("max_count", scope.max_count, MAX_COUNT),
        ("delete_within_wd", scope.delete_within_wd, MAX_DELETE_WD),
    ):
        if type(value) is not int or not 1 <= value <= high:
            raise OfferMalformed(f"{name} is a whole number from 1 to {high}", member=name)
    if not {type(scope.derivative_allowed), type(scope.resale_allowed)} <= {bool}:
        raise OfferMalformed("derivative_allowed and resale_allowed are true or false")


def _names_org(recipient: object) -> bool:
    return isinstance(recipient, str) and is_id(recipient, "org")


def territory_of(text: str) -> tuple[str, ...]:
    """The places of an offer's territory, separated by commas; raises OfferMalformed."""
    try:
        return parse_places(text)
    except ListingMalformed as wrong:
        raise OfferMalformed(wrong.detail, **wrong.facts) from wrong


def check_within(
    scope: LicenceScope, conditions: Conditions, *, territory: str, term_months: int, buyer_place: str
) -> None:
    """Whether what an offer gives stays inside what the listing lets be given, and fits its buyer.

    Asked when an offer is made. Raises OfferMalformed, ResaleNotPermitted, DerivativeNotPermitted,
    PurposeNotPermitted, TerritoryNotPermitted, TermEnded, CountExceeded, RecipientNotPermitted or
    RetentionTooLong: each with the rule it is refused by.
    """
    check_scope(scope)
    places = territory_of(territory)
    if scope.resale_allowed:
        raise ResaleNotPermitted("a licence is for its buyer and cannot be sold on")
    if scope.derivative_allowed and not conditions.derivative_allowed:
        raise DerivativeNotPermitted("the listing lets nothing be derived from its data")
    outside = sorted(set(scope.purposes) - conditions.purposes)
    if outside:
        raise PurposeNotPermitted(
            "the listing is not for this purpose", purposes=outside, permitted=sorted(conditions.purposes)
        )
    beyond = [place for place in places if not _inside(place, conditions.territory)]
    if beyond:
        raise TerritoryNotPermitted(
            "the listing does not reach there", places=beyond, permitted=list(conditions.territory)
        )
    if not _inside(buyer_place, places):
        raise TerritoryNotPermitted("the territory does not hold the buyer", permitted=list(places))
    if term_months > conditions.max_term_months:
        raise TermEnded("the listing's longest term is shorter", permitted=conditions.max_term_months)
    if scope.max_count > conditions.max_count:
        raise CountExceeded("the listing gives fewer uses", permitted=conditions.max_count)
    if len(scope.recipients) > conditions.max_recipients:
        raise RecipientNotPermitted(
            "the listing allows fewer recipients", permitted=conditions.max_recipients
        )
    if scope.delete_within_wd > conditions.delete_within_wd:
        raise RetentionTooLong(
            "the listing has copies destroyed sooner", permitted=conditions.delete_within_wd
        )


def _inside(place: str, places: tuple[str, ...]) -> bool:
    """Whether a place is one of these or within one; no places at all are everywhere."""
    return not places or bool(set(places_holding(place)) & set(places))


def licence_end(start: datetime, months: int) -> datetime:
    """The last moment of a licence of so many months: the end, in Shanghai, of the day of the same number.

    Where the last month has no such day, its last day (民法典 Art 202, 203).
    """
    first = shanghai_day(start)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    last_day = monthrange(year, month + 1)[1]
    return end_of_day_shanghai(date(year, month + 1, min(first.day, last_day)))
