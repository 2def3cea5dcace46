"""By what the goods of a trade are accepted, and within how long: the acceptance terms of an offer. Pure.

Each type of product has its own tests (`rules.md` §2.3.5), and those that are used call by call or over
time have bounds, which are the contract's and not ours. What an offer leaves open is the usual of its type.
A bound without a usual value is asked only where the parties have set one. What was found is judged in
`market.delivery.acceptance`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

import orjson

from base.canonical import canonical
from market.listings.categories import ProductType
from market.orders.deadlines import ACCEPT_FILE_WORKING_DAYS, ACCEPT_SERVICE_WORKING_DAYS
from market.orders.errors import OfferMalformed

MAX_WINDOW_WD: Final = 30
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
Bound: TypeAlias = int | str


class Holds(StrEnum):
    """How what is found stands to a bound."""

    LEAST = "LEAST"
    MOST = "MOST"
    SAME = "SAME"  # a SHA-256, in hex


@dataclass(frozen=True, slots=True)
class Test:
    """One bound of a type: its name, how it holds, its usual value, and the highest that may be agreed.

    A usual value for each unit that is bought is multiplied by the quantity.
    """

    __test__ = False  # no test of pytest's

    name: str
    holds: Holds
    usual: int | None = None
    highest: int = 10**15
    each: bool = False


_DAYS: Final = 366
TESTS: Final[Mapping[ProductType, tuple[Test, ...]]] = {
    ProductType.API: (
        Test("successful_calls", Holds.LEAST, 10, 1_000),
        Test("latency_p95_ms", Holds.MOST, 2_000, 3_600_000),
        Test("available_bp", Holds.LEAST, 9_900, 10_000),  # of ten thousand calls
        Test("measured_days", Holds.LEAST, None, _DAYS),  # over which the calls are made
    ),
    ProductType.TOOL: (
        Test("test_set_sha256", Holds.SAME),  # on which it runs
        Test("test_result_sha256", Holds.SAME),  # what has to come out
        Test("score_micro", Holds.LEAST, None),  # millionths of the metric on the test set
    ),
    ProductType.PRIVACY: (
        Test("tasks", Holds.LEAST, 1, 1_000_000),  # with a receipt each
        Test("spent_micro", Holds.MOST, None),  # millionths of epsilon: the budget
        Test("took_days", Holds.MOST, None, _DAYS),
    ),
    ProductType.COMPUTE: (
        Test("card_hours_milli", Holds.LEAST, 1_000, each=True),  # thousandths of an hour of one card
        Test("took_days", Holds.MOST, None, _DAYS),  # within which they were to be had
    ),
}
NAMES: Final = tuple(dict.fromkeys(test.name for tests in TESTS.values() for test in tests))


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceTerms:
    """The working days of the acceptance window, and the bounds by their names; None is the usual window."""

    within_wd: int | None = None
    bounds: Mapping[str, Bound] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As an offer's opening and the contract say it."""
        return {"within_wd": self.within_wd, "bounds": dict(self.bounds)}

    def text(self) -> str:
        """As a row keeps it."""
        return canonical(self.document()).decode()


def acceptance_of_text(text: str) -> AcceptanceTerms:
    """The reverse of `AcceptanceTerms.text`."""
    return AcceptanceTerms(**orjson.loads(text))


def usual_window(product_type: ProductType) -> int:
    """The working days in which goods of a type are accepted where nothing else is agreed."""
    return ACCEPT_SERVICE_WORKING_DAYS if product_type.by_call else ACCEPT_FILE_WORKING_DAYS


def usual_bounds(product_type: ProductType, quantity: int) -> dict[str, Bound]:
    """What such goods have to show where nothing else is agreed."""
    return {
        test.name: test.usual * quantity if test.each else test.usual
        for test in TESTS.get(product_type, ())
        if test.usual is not None
    }


def agreed_acceptance(
    terms: AcceptanceTerms | None, product_type: ProductType, quantity: int
) -> AcceptanceTerms:
    """What an offer says of the acceptance, with the usual where it leaves it open.

    Raises OfferMalformed for a window or a bound out of its bounds, and for another type's test.
    """
    said = terms or AcceptanceTerms()
    within = usual_window(product_type) if said.within_wd is None else said.within_wd
    if type(within) is not int or not 1 <= within <= MAX_WINDOW_WD:
        raise OfferMalformed(f"an acceptance takes 1 to {MAX_WINDOW_WD} working days", member="within_wd")
    tests = {test.name: test for test in TESTS.get(product_type, ())}
    unknown = sorted(said.bounds.keys() - tests.keys())
    if unknown:
        raise OfferMalformed(
            "this type of product is not accepted by that",
            members=unknown[:10],
            product_type=product_type.value,
            known=sorted(tests),
        )
    for name, bound in said.bounds.items():
        _check(tests[name], bound)
    usual = usual_bounds(product_type, quantity)
    return AcceptanceTerms(within_wd=within, bounds={**usual, **said.bounds})


def _check(test: Test, bound: Bound) -> None:
    if test.holds is Holds.SAME:
        if not isinstance(bound, str) or _DIGEST.fullmatch(bound) is None:
            raise OfferMalformed("a SHA-256 in hex is expected", member=test.name)
    elif type(bound) is not int or not 0 < bound <= test.highest:
        raise OfferMalformed(f"{test.name} is 1 to {test.highest}", member=test.name)
