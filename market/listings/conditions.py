"""What a seller lets be done with a product at most: the conditions of a listing. Pure.

A buyer's licence (`market.orders.scope`) stays inside them. A listing that states none has the widest that
the exchange takes. A licence is never passed on for money: the venue's red lines know no resale of one
(`rules.md` §2.3.5), so there is no condition that would allow it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from market.listings.categories import Label
from market.listings.errors import ListingMalformed

MAX_TERM_MONTHS: Final = 60
MAX_COUNT: Final = 10**6
MAX_DELETE_WD: Final = 60
MAX_RECIPIENTS: Final = 20
MAX_PLACES: Final = 12
MAX_MARKED: Final = 12
MAX_COLUMN_CHARS: Final = 200
_PLACE: Final = re.compile(r"[A-Z]{2}|[1-8][0-9]{5}", re.ASCII)
_REGIONS: Final = {"71": "TW", "81": "HK", "82": "MO"}
_PROVINCE: Final = 2
_CITY: Final = 4
_DIVISION: Final = 6


class Purpose(StrEnum):
    """What data is used for. A licence names one or more; each access declares one of them."""

    INTERNAL_USE = "INTERNAL_USE"
    RISK_CONTROL = "RISK_CONTROL"
    MODEL_TRAINING = "MODEL_TRAINING"
    RESEARCH = "RESEARCH"
    PRODUCT_DEVELOPMENT = "PRODUCT_DEVELOPMENT"
    MARKETING = "MARKETING"
    PUBLIC_SERVICE = "PUBLIC_SERVICE"


PURPOSE_LABELS: Final[Mapping[Purpose, Label]] = {
    Purpose.INTERNAL_USE: Label("内部使用", "Internal use"),
    Purpose.RISK_CONTROL: Label("风险控制", "Risk control"),
    Purpose.MODEL_TRAINING: Label("模型训练", "Model training"),
    Purpose.RESEARCH: Label("科学研究", "Research"),
    Purpose.PRODUCT_DEVELOPMENT: Label("产品开发", "Product development"),
    Purpose.MARKETING: Label("市场营销", "Marketing"),
    Purpose.PUBLIC_SERVICE: Label("公共服务", "Public service"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The most that a licence of the product may give.

    `territory` holds places (ISO 3166-1 alpha-2 or GB/T 2260); empty: anywhere that customs opens.
    `max_count` is how often the right may be exercised (downloads of a file, calls), `delete_within_wd`
    the most working days between the end of a licence and the destruction of the copies. `marking` names the
    numeric columns that tolerate a change of one unit in their last place: there each buyer's copy may carry
    a mark of its own (`market.delivery.marking`).
    """

    purposes: frozenset[Purpose] = frozenset(Purpose)
    territory: tuple[str, ...] = ()
    max_term_months: int = MAX_TERM_MONTHS
    max_recipients: int = MAX_RECIPIENTS
    max_count: int = MAX_COUNT
    delete_within_wd: int = MAX_DELETE_WD
    derivative_allowed: bool = True
    marking: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As the opening of a draft says them and as they are kept."""
        return {
            "purposes": sorted(purpose.value for purpose in self.purposes),
            "territory": list(self.territory),
            "max_term_months": self.max_term_months,
            "max_recipients": self.max_recipients,
            "max_count": self.max_count,
            "delete_within_wd": self.delete_within_wd,
            "derivative_allowed": self.derivative_allowed,
            **({"marking": list(self.marking)} if self.marking else {}),
        }


def conditions_from(document: Mapping[str, Any]) -> Conditions:
    """The reverse of `Conditions.document`; a member that is not there has its default.

    Raises ListingMalformed for unknown members and values out of bounds.
    """
    unknown = sorted(document.keys() - {member.name for member in fields(Conditions)})
    if unknown:
        raise ListingMalformed("no such condition", members=unknown[:MAX_PLACES])
    given = dict(document)
    if "purposes" in given:
        given["purposes"] = frozenset(parse_purposes(given["purposes"]))
    if "territory" in given:
        given["territory"] = parse_places(given["territory"])
    if "marking" in given:
        given["marking"] = parse_columns(given["marking"])
    conditions = Conditions(**given)
    _check(conditions)
    return conditions


def _check(conditions: Conditions) -> None:
    if not conditions.purposes:
        raise ListingMalformed("at least one purpose is allowed", member="purposes")
    for name, value, low, high in (
        ("max_term_months", conditions.max_term_months, 1, MAX_TERM_MONTHS),
        ("max_recipients", conditions.max_recipients, 0, MAX_RECIPIENTS),
        ("max_count", conditions.max_count, 1, MAX_COUNT),
        ("delete_within_wd", conditions.delete_within_wd, 1, MAX_DELETE_WD),
    ):
        if type(value) is not int or not low <= value <= high:
            raise ListingMalformed(f"{name} is a whole number from {low} to {high}", member=name)
    if type(conditions.derivative_allowed) is not bool:
        raise ListingMalformed("derivative_allowed is true or false", member="derivative_allowed")


def parse_purposes(codes: Iterable[str]) -> tuple[Purpose, ...]:
    """Purposes by their codes, sorted, each once. Raises ListingMalformed for an unknown one."""
    try:
        return tuple(sorted({Purpose(code) for code in codes}))
    except ValueError:
        raise ListingMalformed("no such purpose", member="purposes", known=sorted(Purpose)) from None


def parse_columns(names: Iterable[Any]) -> tuple[str, ...]:
    """Columns by their names, sorted, each once. Raises ListingMalformed for names that no column has."""
    given = [names] if isinstance(names, str) else list(names)
    wrong = [name for name in given if not isinstance(name, str) or not _is_column(name)]
    found = tuple(sorted({str(name) for name in given}))
    if wrong or len(found) > MAX_MARKED:
        raise ListingMalformed("marked columns are a few names of columns", member="marking", most=MAX_MARKED)
    return found


def _is_column(name: str) -> bool:
    return 0 < len(name) <= MAX_COLUMN_CHARS and name == name.strip() and name.isprintable()


def parse_places(places: str | Iterable[str]) -> tuple[str, ...]:
    """Places, sorted, each once; a text separates them by commas.

    Raises ListingMalformed for anything but two letters of ISO 3166-1 or six digits of GB/T 2260.
    """
    given = places.split(",") if isinstance(places, str) else places
    found = {place.strip() for place in given}
    wrong = sorted(place[:20] for place in found if _PLACE.fullmatch(place) is None)
    if wrong or len(found) > MAX_PLACES:
        raise ListingMalformed(
            "a territory is places of ISO 3166-1 or GB/T 2260", member="territory", places=wrong
        )
    return tuple(sorted(found))


def places_holding(place: str) -> tuple[str, ...]:
    """A place and all that hold it: county, city, province, country; Hong Kong, Macao, Taiwan stand alone.

    >>> places_holding("440106")
    ('440106', '440100', '440000', 'CN')
    """
    if len(place) != _DIVISION:
        return (place,)
    country = _REGIONS.get(place[:_PROVINCE], "CN")
    steps = (place, f"{place[:_CITY]}00", f"{place[:_PROVINCE]}0000", country)
    return tuple(dict.fromkeys(steps))
