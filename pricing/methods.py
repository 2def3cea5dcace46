"""Every mechanism under the name that `databourse price METHOD` and the pages use."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pricing.advice import price_advice
from pricing.cap import capped_quote, permitted_revenue
from pricing.composite import composite_quote
from pricing.errors import MethodUnknown
from pricing.fixed import fixed_quote
from pricing.guide import guide_quote
from pricing.knn import knn_quote
from pricing.metered import metered_quote
from pricing.negotiated import negotiated_quote
from pricing.quote import Quote
from pricing.reserve import reserve_advice
from pricing.rsop import rsop_quote
from pricing.second_price import second_price_quote
from pricing.shapley import shapley_quote
from pricing.slice import slice_quote
from pricing.subscription import subscription_quote
from pricing.tiers import tiers_quote
from pricing.versions import versions_quote
from pricing.volume import volume_quote

METHODS: Final[Mapping[str, Callable[[Mapping[str, Any]], Quote]]] = {
    "fixed": fixed_quote,
    "negotiated": negotiated_quote,
    "capped": capped_quote,
    "cap": permitted_revenue,
    "guide": guide_quote,
    "versions": versions_quote,
    "slice": slice_quote,
    "shapley": shapley_quote,
    "composite": composite_quote,
    "knn-shapley": knn_quote,
    "tiers": tiers_quote,
    "volume": volume_quote,
    "metered": metered_quote,
    "subscription": subscription_quote,
    "second-price": second_price_quote,
    "reserve": reserve_advice,
    "rsop": rsop_quote,
    "advice": price_advice,
}

METHOD_OF: Final[Mapping[str, str]] = {
    "M1": "fixed",
    "M2": "tiers",
    "M2x": "volume",
    "M3": "metered",
    "M4": "subscription",
    "M5": "negotiated",
    "M6": "second-price",
    "M7": "rsop",
    "M13": "capped",
}
"""The method by which the price of a trade is quoted, by the mechanism that the quote names."""


def quote(method: str, facts: Mapping[str, Any]) -> Quote:
    """The quote of a method for these facts; raises MethodUnknown, and what the method raises."""
    mechanism = METHODS.get(method)
    if mechanism is None:
        raise MethodUnknown(f"no method {method!r}", known=sorted(METHODS))
    return mechanism(facts)
