"""Whom a product is sold to: the buyer conditions of a listing, asked at an inquiry. Pure.

Only what the registers can tell is asked: what the buyer is registered as (its credit code and roles),
where, and which certificate it holds. They are the same for everybody and public, so that nobody is
treated differently in secret; a listing that states none is for every admitted buyer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from market.listings.categories import Label
from market.listings.conditions import parse_places, places_holding
from market.listings.errors import BuyerConditionsUnmet, ListingMalformed

HIGHEST_GRADE: Final = 1
LOWEST_GRADE: Final = 3


class BuyerKind(StrEnum):
    """What an organisation is, by the first two characters of its credit code (GB 32100-2015, table 1)."""

    ENTERPRISE = "ENTERPRISE"
    AGENCY = "AGENCY"
    INSTITUTION = "INSTITUTION"
    SOCIAL = "SOCIAL"
    COOPERATIVE = "COOPERATIVE"
    OTHER = "OTHER"


KIND_LABELS: Final[Mapping[BuyerKind, Label]] = {
    BuyerKind.ENTERPRISE: Label("企业", "Enterprise"),
    BuyerKind.AGENCY: Label("机关", "Agency"),
    BuyerKind.INSTITUTION: Label("事业单位", "Public institution"),
    BuyerKind.SOCIAL: Label("社会组织", "Social organisation"),
    BuyerKind.COOPERATIVE: Label("农民专业合作社", "Farmers' cooperative"),
    BuyerKind.OTHER: Label("其他组织", "Other organisation"),
}
_KINDS: Final[Mapping[str, BuyerKind]] = {
    "11": BuyerKind.AGENCY,
    "12": BuyerKind.INSTITUTION,
    "51": BuyerKind.SOCIAL,
    "52": BuyerKind.SOCIAL,
    "53": BuyerKind.SOCIAL,
    "91": BuyerKind.ENTERPRISE,
    "93": BuyerKind.COOPERATIVE,
}
# Roles beside BUYER in which the exchange admits an organisation, and which a seller may ask for.
ROLES: Final = ("BROKER", "DATA_MERCHANT", "OPERATING_INSTITUTION", "PUBLIC_AGENCY", "THIRD_PARTY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """What the registers tell of a buyer; `grade` is that of a certificate in force for the sector."""

    uscc: str
    region: str
    roles: frozenset[str]
    grade: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerConditions:
    """Whom a product is sold to. What is empty or None is not asked.

    `roles`: one of them is enough. `regions` are places (ISO 3166-1 alpha-2 or GB/T 2260) of which one
    holds the buyer. `min_grade`: the lowest grade of a broker's certificate in force for the product's
    category (1 is the highest).
    """

    kinds: tuple[BuyerKind, ...] = ()
    roles: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    min_grade: int | None = None

    def document(self) -> dict[str, Any]:
        """As the draft's statement says them in public and as they are kept."""
        return {
            "kinds": [kind.value for kind in self.kinds],
            "roles": list(self.roles),
            "regions": list(self.regions),
            "min_grade": self.min_grade,
        }


def buyers_from(document: Mapping[str, Any]) -> BuyerConditions:
    """The reverse of `BuyerConditions.document`. Raises ListingMalformed."""
    unknown = sorted(document.keys() - {member.name for member in fields(BuyerConditions)})
    if unknown:
        raise ListingMalformed("no such condition for buyers", members=unknown[:10])
    grade = document.get("min_grade")
    if grade is not None and (type(grade) is not int or not HIGHEST_GRADE <= grade <= LOWEST_GRADE):
        raise ListingMalformed("a grade is 1 to 3", member="min_grade")
    return BuyerConditions(
        kinds=_kinds(document.get("kinds", ())),
        roles=_roles(document.get("roles", ())),
        regions=parse_places(document["regions"]) if document.get("regions") else (),
        min_grade=grade,
    )


def _kinds(names: Iterable[str]) -> tuple[BuyerKind, ...]:
    try:
        return tuple(sorted({BuyerKind(name) for name in names}))
    except ValueError:
        raise ListingMalformed("no such kind", member="kinds", known=sorted(BuyerKind)) from None


def _roles(names: Iterable[str]) -> tuple[str, ...]:
    found = tuple(sorted(set(names)))
    if not set(found) <= set(ROLES):
        raise ListingMalformed("no role that is asked for here", member="roles", known=list(ROLES))
    return found


def kind_of(uscc: str) -> BuyerKind:
    """What an organisation is by its credit code."""
    return _KINDS.get(uscc[:2], BuyerKind.OTHER)


def check_buyer(conditions: BuyerConditions, buyer: Buyer) -> None:
    """Refuse, with BuyerConditionsUnmet, a buyer that a listing is not for; `unmet` names what fails."""
    checks = {
        "kinds": not conditions.kinds or kind_of(buyer.uscc) in conditions.kinds,
        "roles": not conditions.roles or bool(buyer.roles & set(conditions.roles)),
        "regions": not conditions.regions
        or bool(set(places_holding(buyer.region)) & set(conditions.regions)),
        "min_grade": conditions.min_grade is None
        or (buyer.grade is not None and buyer.grade <= conditions.min_grade),
    }
    unmet = [name for name, met in checks.items() if not met]
    if unmet:
        raise BuyerConditionsUnmet("the listing is not for this buyer", unmet=unmet)
