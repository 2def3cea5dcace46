"""What uses cost under a metered plan: each bill is what the price of all units so far has grown by. Pure.

So the bills sum to the price of the events to the fen, whatever the order and however they are cut, and
never exceed the plan's cap. Units beyond the last tier, and an amount beyond what a price may be, cost
nothing more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from market.listings.plans import PlanMethod, PricePlan, plan_from
from pricing.errors import PriceOutOfBounds
from pricing.facts import MAX_QUANTITY
from pricing.methods import quote
from pricing.quote import MAX_PRICE_MINOR


def metered_plan(contract: Mapping[str, Any]) -> PricePlan | None:
    """The plan by which a contract's uses are charged; None where its price is settled once for all."""
    told = contract["price"].get("plan")
    if told is None or told.get("method") != PlanMethod.METERED:
        return None
    return plan_from(told)


def price_of(plan: PricePlan, units: int) -> int:
    """What so many units cost in fen, from the first one on; it never falls."""
    tiers: Sequence[Mapping[str, Any]] = plan.terms.get("tiers") or ({},)
    billed = min(units, tiers[-1].get("up_to") or MAX_QUANTITY, MAX_QUANTITY)
    if billed == 0:
        return 0
    try:
        return quote(plan.method.value, plan.facts(billed)).total_minor
    except PriceOutOfBounds:
        return min(plan.terms.get("cap_minor") or MAX_PRICE_MINOR, MAX_PRICE_MINOR)


def charge_of(plan: PricePlan, *, before: int, units: int) -> int:
    """What these units cost after those that were billed before."""
    return price_of(plan, before + units) - price_of(plan, before)
