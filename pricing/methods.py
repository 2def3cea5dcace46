"""Every mechanism under the name that `databourse price METHOD` and the pages use."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pricing.cap import capped_quote, permitted_revenue
from pricing.errors import MethodUnknown
from pricing.fixed import fixed_quote
from pricing.negotiated import negotiated_quote
from pricing.quote import Quote

METHODS: Final[Mapping[str, Callable[[Mapping[str, Any]], Quote]]] = {
    "fixed": fixed_quote,
    "negotiated": negotiated_quote,
    "capped": capped_quote,
    "cap": permitted_revenue,
}


def quote(method: str, facts: Mapping[str, Any]) -> Quote:
    """The quote of a method for these facts; raises MethodUnknown, and what the method raises."""
    mechanism = METHODS.get(method)
    if mechanism is None:
        raise MethodUnknown(f"no method {method!r}", known=sorted(METHODS))
    return mechanism(facts)
