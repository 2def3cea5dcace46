"""The price plan of a listing: tiers, all units, metered usage or a subscription, by the quantity. Pure.

A plan is the facts of a pricing method without the quantity. It names no buyer, so the same quantity has
the same price for everybody who asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from base.errors import DomainError
from market.listings.categories import Label
from market.listings.errors import PlanMalformed
from pricing.methods import quote
from pricing.quote import Quote, check_price


class PlanMethod(StrEnum):
    """The methods of `docs/pricing.md` that a listing can be priced by."""

    TIERS = "tiers"
    VOLUME = "volume"
    METERED = "metered"
    SUBSCRIPTION = "subscription"


PLAN_LABELS: Final[Mapping[PlanMethod, Label]] = {
    PlanMethod.TIERS: Label("分段累进", "graduated tiers"),
    PlanMethod.VOLUME: Label("按总量定档", "the tier of the whole quantity"),
    PlanMethod.METERED: Label("按用量计费", "metered usage"),
    PlanMethod.SUBSCRIPTION: Label("订阅", "subscription"),
}
_FEN: Final = 100
_TERMS: Final[Mapping[PlanMethod, frozenset[str]]] = {
    PlanMethod.TIERS: frozenset({"tiers"}),
    PlanMethod.VOLUME: frozenset({"tiers"}),
    PlanMethod.METERED: frozenset({"rate_minor", "tiers", "commit_minor", "cap_minor"}),
    PlanMethod.SUBSCRIPTION: frozenset({"fee_minor"}),
}


@dataclass(frozen=True, slots=True)
class PricePlan:
    """A method and its facts, without the quantity."""

    method: PlanMethod
    terms: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """As the draft's opening says it, as it is kept, and as a contract carries it."""
        return {"method": self.method.value, **self.terms}

    def facts(self, quantity: int) -> dict[str, Any]:
        """The facts by which a quantity is priced."""
        return {**self.terms, "quantity": quantity}

    def priced(self, quantity: int, **more: Any) -> Quote:
        """The quote of a quantity; `more` are describing keys and fee rates.

        Raises QuantityAboveTiers, QuantityOutOfBounds, PriceOutOfBounds (also for nothing to pay).
        """
        found = quote(self.method.value, {**self.facts(quantity), **more})
        check_price(found.total_minor)
        return found

    def price_of(self, quantity: int) -> int | None:
        """The price of a quantity in fen; None where the plan has none for it."""
        try:
            return self.priced(quantity).total_minor
        except DomainError:
            return None


def plan_from(document: Mapping[str, Any]) -> PricePlan:
    """A plan as it was told or kept. Members that are None count as left out.

    Raises PlanMalformed with the reason of the method that refuses it.
    """
    told = {name: value for name, value in document.items() if value is not None}
    try:
        method = PlanMethod(told.pop("method", None))
    except ValueError:
        raise PlanMalformed(
            "a plan names its method", member="price_plan", known=[known.value for known in PlanMethod]
        ) from None
    foreign = sorted(set(told) - _TERMS[method])
    if foreign:
        raise PlanMalformed("this method has no such terms", member="price_plan", keys=foreign)
    plan = PricePlan(method, told)
    try:
        quote(method.value, plan.facts(1))
    except DomainError as error:
        raise PlanMalformed(error.detail, member="price_plan", reason=error.code, **error.facts) from None
    return plan


def list_price_of(
    plan: PricePlan | None, *, quantity: int, list_price_minor: int | None, public_data: bool
) -> int | None:
    """The list price: with a plan, what it says of the quantity offered.

    Raises PlanMalformed for another price beside it and for public data, which has one price under its
    cap; and what pricing the quantity raises.
    """
    if plan is None:
        return list_price_minor
    if public_data:
        raise PlanMalformed("public data has one price under its cap", member="price_plan")
    price = plan.priced(quantity).total_minor
    if list_price_minor not in {None, price}:
        raise PlanMalformed(
            "the list price is the plan's for the quantity", member="list_price_minor", price_minor=str(price)
        )
    return price


def rows_of(plan: PricePlan) -> list[tuple[int, int | None, str]]:
    """What a page shows of a plan with tiers: first unit, last unit (None: open), rate in fen."""
    rows, first = [], 1
    for tier in plan.terms.get("tiers", ()):
        up_to = tier.get("up_to")
        rows.append((first, up_to, str(tier["rate_minor"])))
        first = (up_to or 0) + 1
    return rows


def yuan_rate(fen: str) -> str:
    """Fen a unit as yuan a unit, exact: `0.3` → `¥0.003`."""
    return f"¥{format((Decimal(fen) / _FEN).normalize(), 'f')}"
