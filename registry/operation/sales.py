"""What binds a sale under a grant, purely: the unit that the cap is set for, the scenario, its users."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from base.calendar import shanghai_day
from registry.operation.errors import OutsideScope, UnitDiffers
from registry.operation.rules import PriceUnit, Scenario, ScenarioState

UNIT_WORDS: Final[Mapping[PriceUnit, frozenset[str]]] = {
    PriceUnit.PRODUCT: frozenset({"个", "件", "份", "套", "产品", "product"}),
    PriceUnit.USE: frozenset({"次使用", "use"}),
    PriceUnit.TIME: frozenset({"年", "year"}),
    PriceUnit.CALL: frozenset({"次", "次调用", "call"}),
    PriceUnit.THOUSAND_CALLS: frozenset({"千次", "千次调用", "thousand calls"}),
}
"""The words of a listing's unit that each unit of a cap is sold by; a time is a year."""


def check_unit(unit: PriceUnit, word: str) -> None:
    """What is sold is counted as its cap is. Raises UnitDiffers, naming the words that would do."""
    if word.strip().casefold() not in UNIT_WORDS[unit]:
        raise UnitDiffers(
            "the cap is set for another unit", unit=word, cap_unit=unit.value, words=sorted(UNIT_WORDS[unit])
        )


def check_sold_under(
    scenario: Scenario, status: ScenarioState, *, users: Collection[str], at: datetime | None
) -> None:
    """A product is sold in its scenario, while that is approved and runs, to its users where it names any.

    Raises OutsideScope naming each respect.
    """
    running = at is None or scenario.starts <= shanghai_day(at) <= scenario.ends
    left = [
        ("scenario", status is not ScenarioState.APPROVED),
        ("term", not running),
        ("user", bool(scenario.users) and bool(set(users) - set(scenario.users))),
    ]
    outside = [name for name, is_outside in left if is_outside]
    if outside:
        raise OutsideScope("not sold so under the scenario of the product", outside=outside)
