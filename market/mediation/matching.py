"""Which listing fits a data request how well: rules, points and reasons that anybody can recompute. Pure.

Nothing is learned and nothing can be bought: no rule knows who the seller is, how often it sells, what it
pays or who brokers for it. Whoever does not meet a must is no match and is told why; the others stand by
their points, and equals by a digest of request and listing that nobody chooses.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from market.listings.categories import Category, ProductType
from market.listings.conditions import Conditions, Purpose, places_holding
from market.requests.wishes import Wishes
from registry.declared import INTERVAL, Frequency
from registry.rules import Level, rank

VERSION: Final = "matching/1"
_TIE: Final = b"databourse/matching-tie/v1\n"
NEAR_NUM, NEAR_DEN = 6, 5  # up to a fifth above the budget is worth talking about


class Criterion(StrEnum):
    """What is asked of a listing, in the order in which it is told."""

    CATEGORY = "CATEGORY"
    PURPOSE = "PURPOSE"
    RECIPIENT = "RECIPIENT"
    TERRITORY = "TERRITORY"
    DELIVERY = "DELIVERY"
    FIELDS = "FIELDS"
    BUDGET = "BUDGET"
    FREQUENCY = "FREQUENCY"
    LICENCE = "LICENCE"
    LEVEL = "LEVEL"


class Verdict(StrEnum):
    """What came of it."""

    MET = "MET"
    PARTLY = "PARTLY"
    NOT_MET = "NOT_MET"
    NOT_SAID = "NOT_SAID"  # by the listing
    NOT_ASKED = "NOT_ASKED"  # by the request; counts for nobody
    NOT_TOLD = "NOT_TOLD"  # to whoever asks; counts for nobody


MUSTS: Final = (Criterion.CATEGORY, Criterion.PURPOSE, Criterion.RECIPIENT)
POINTS: Final = {
    Criterion.TERRITORY: 25,
    Criterion.FIELDS: 20,
    Criterion.DELIVERY: 15,
    Criterion.BUDGET: 15,
    Criterion.FREQUENCY: 10,
    Criterion.LICENCE: 10,
    Criterion.LEVEL: 5,
}
"""The most that each criterion gives; together 100."""
WIDER: Final = 18  # the listing reaches further than was asked
WITHIN: Final = 8  # it has a part of it
NEAR: Final = 5  # a price somewhat above the budget, or one that is to be negotiated


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request wants. `budget_max_minor` is None where it has none, or whoever asks is not told."""

    request_id: str
    buyer_id: str
    buyer_place: str
    category: Category
    geo: str
    purpose: Purpose
    product_type: ProductType | None = None
    budget_max_minor: int | None = None
    budget_told: bool = True
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """What a listing on offer has. `fields` and `frequency` are those of its newest quality report."""

    listing_id: str
    seller_id: str
    category: Category
    geo: str
    product_type: ProductType
    level: Level
    licence_class: str
    list_price_minor: int | None = None
    fields: tuple[str, ...] = ()
    frequency: Frequency | None = None
    conditions: Conditions = field(default_factory=Conditions)
    for_this_buyer: bool = True


@dataclass(frozen=True, slots=True)
class Reason:
    """One criterion, what came of it, and the points it gives of those it could give."""

    criterion: Criterion
    verdict: Verdict
    points: int = 0
    of: int = 0

    def document(self) -> dict[str, Any]:
        return {
            "criterion": self.criterion.value,
            "verdict": self.verdict.value,
            "points": self.points,
            "of": self.of,
        }


@dataclass(frozen=True, slots=True)
class Match:
    """A listing with its reasons. `tie` decides between equal points."""

    listing_id: str
    seller_id: str
    reasons: tuple[Reason, ...]
    tie: str

    @property
    def points(self) -> int:
        return sum(reason.points for reason in self.reasons)

    @property
    def of(self) -> int:
        return sum(reason.of for reason in self.reasons)

    @property
    def fits(self) -> bool:
        """Whether every must is met."""
        return all(one.verdict is Verdict.MET for one in self.reasons if one.criterion in MUSTS)

    def document(self) -> dict[str, Any]:
        return {
            "listing_id": self.listing_id,
            "seller_id": self.seller_id,
            "points": self.points,
            "of": self.of,
            "tie": self.tie,
            "reasons": [reason.document() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class Matching:
    """The matches in their one order, and what is no match, by its id."""

    matches: tuple[Match, ...]
    others: tuple[Match, ...]


def matching(asked: Asked, offerings: Iterable[Offering]) -> Matching:
    """Every offering with its reasons, in an order that does not depend on theirs; the buyer's own is none.

    By points, most first, then by `tie`.
    """
    judged = [judge(asked, one) for one in offerings if one.seller_id != asked.buyer_id]
    fitting = sorted((one for one in judged if one.fits), key=lambda one: (-one.points, one.tie))
    others = sorted((one for one in judged if not one.fits), key=lambda one: one.listing_id)
    return Matching(tuple(fitting), tuple(others))


def merged(one: Matching, other: Matching) -> Matching:
    """Two matchings of one request as if all their offerings had been matched together."""
    return Matching(
        tuple(sorted((*one.matches, *other.matches), key=lambda match: (-match.points, match.tie))),
        tuple(sorted((*one.others, *other.others), key=lambda match: match.listing_id)),
    )


def judge(asked: Asked, offering: Offering) -> Match:
    """One listing against the request, criterion by criterion."""
    wishes = asked.wishes
    reasons = (
        _must(Criterion.CATEGORY, met=offering.category is asked.category),
        _must(Criterion.PURPOSE, met=asked.purpose in offering.conditions.purposes),
        _must(Criterion.RECIPIENT, met=offering.for_this_buyer and _may_receive(asked, offering)),
        _territory(asked.geo, offering.geo),
        _equal(Criterion.DELIVERY, asked.product_type, offering.product_type),
        _fields(wishes.fields, offering.fields),
        _budget(asked, offering.list_price_minor),
        _frequency(wishes.frequency, offering.frequency),
        _equal(Criterion.LICENCE, wishes.licence_class, offering.licence_class),
        _level(wishes.level, offering.level),
    )
    return Match(
        offering.listing_id, offering.seller_id, reasons, tie_of(asked.request_id, offering.listing_id)
    )


def tie_of(request_id: str, listing_id: str) -> str:
    """What decides between equals: SHA-256, in hex, of a domain line and both ids, a line each."""
    return hashlib.sha256(_TIE + f"{request_id}\n{listing_id}\n".encode()).hexdigest()


def departs(sent: Sequence[str], order: Sequence[str]) -> bool:
    """Whether what is sent is another choice or order than the first so many of the neutral one."""
    return list(sent) != list(order[: len(sent)])


def _must(criterion: Criterion, *, met: bool) -> Reason:
    return Reason(criterion, Verdict.MET if met else Verdict.NOT_MET)


def _may_receive(asked: Asked, offering: Offering) -> bool:
    places = offering.conditions.territory
    return not places or bool(set(places_holding(asked.buyer_place)) & set(places))


def _scored(criterion: Criterion, verdict: Verdict, points: int | None = None) -> Reason:
    full = POINTS[criterion]
    given = {Verdict.MET: full}.get(verdict, 0) if points is None else points
    return Reason(criterion, verdict, given, full)


def _territory(wanted: str, offered: str) -> Reason:
    if wanted == offered:
        return _scored(Criterion.TERRITORY, Verdict.MET)
    if offered in places_holding(wanted):
        return _scored(Criterion.TERRITORY, Verdict.PARTLY, WIDER)
    if wanted in places_holding(offered):
        return _scored(Criterion.TERRITORY, Verdict.PARTLY, WITHIN)
    return _scored(Criterion.TERRITORY, Verdict.NOT_MET)


def _equal(criterion: Criterion, wanted: str | None, offered: str) -> Reason:
    if wanted is None:
        return Reason(criterion, Verdict.NOT_ASKED)
    return _scored(criterion, Verdict.MET if wanted == offered else Verdict.NOT_MET)


def _fields(wanted: Sequence[str], offered: Sequence[str]) -> Reason:
    """Names are compared without case; each that is there gives its share, rounded down."""
    if not wanted:
        return Reason(Criterion.FIELDS, Verdict.NOT_ASKED)
    if not offered:
        return _scored(Criterion.FIELDS, Verdict.NOT_SAID)
    known = {name.strip().casefold() for name in offered}
    found = sum(name.casefold() in known for name in wanted)
    if found == len(wanted):
        return _scored(Criterion.FIELDS, Verdict.MET)
    points = POINTS[Criterion.FIELDS] * found // len(wanted)
    return _scored(Criterion.FIELDS, Verdict.PARTLY if found else Verdict.NOT_MET, points)


def _budget(asked: Asked, price_minor: int | None) -> Reason:
    """The list price against the most that the buyer would pay; a price may always be negotiated."""
    most = asked.budget_max_minor
    if not asked.budget_told:
        return Reason(Criterion.BUDGET, Verdict.NOT_TOLD)
    if most is None:
        return Reason(Criterion.BUDGET, Verdict.NOT_ASKED)
    if price_minor is None:
        return _scored(Criterion.BUDGET, Verdict.NOT_SAID, NEAR)
    if price_minor <= most:
        return _scored(Criterion.BUDGET, Verdict.MET)
    if price_minor * NEAR_DEN <= most * NEAR_NUM:
        return _scored(Criterion.BUDGET, Verdict.PARTLY, NEAR)
    return _scored(Criterion.BUDGET, Verdict.NOT_MET)


def _frequency(wanted: Frequency | None, offered: Frequency | None) -> Reason:
    """As often as wanted, or oftener. A closed collection is wanted only where one is asked for."""
    if wanted is None:
        return Reason(Criterion.FREQUENCY, Verdict.NOT_ASKED)
    if offered is None:
        return _scored(Criterion.FREQUENCY, Verdict.NOT_SAID)
    if Frequency.ONCE in {wanted, offered}:
        met = wanted is Frequency.ONCE  # new data beside a whole collection does no harm
    else:
        met = INTERVAL[offered] <= INTERVAL[wanted]
    return _scored(Criterion.FREQUENCY, Verdict.MET if met else Verdict.NOT_MET)


def _level(most: Level | None, offered: Level) -> Reason:
    if most is None:
        return Reason(Criterion.LEVEL, Verdict.NOT_ASKED)
    return _scored(Criterion.LEVEL, Verdict.MET if rank(offered) <= rank(most) else Verdict.NOT_MET)
