"""The scope of a licence: what an offer gives beside price, quantity and term. Pure.

It becomes the usage policy of the contract (`market.orders.policy`), which is asked at every access.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.ids import is_id
from market.listings.conditions import (
    MAX_COUNT,
    MAX_DELETE_WD,
    MAX_RECIPIENTS,
    Conditions,
    Purpose,
    parse_purposes,
)
from market.listings.errors import ListingMalformed
from market.orders.errors import OfferMalformed

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
    if len(scope.recipients) > MAX_RECIPIENTS or not all(is_id(one, "org") for one in scope.recipients):
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
