"""M1, the fixed price: everybody who asks for the same thing in the same window pays the same."""

from collections.abc import Mapping
from typing import Any, Final

from pricing.facts import Facts
from pricing.quote import Quote, Reason, inputs_sha256
from pricing.whole import read_whole

MECHANISM: Final = "M1"
VERSION: Final = "1"


def fixed_quote(facts: Mapping[str, Any]) -> Quote:
    """The quote of a list price.

    Facts: `price_minor` (fen, tax included); optional `commission_bp`, `platform_bp`, `vat_bp` (the
    whole price is shown then) and the describing keys of `pricing.facts`. Raises Malformed.
    """
    read = Facts(facts)
    price = read.price("price_minor")
    whole = read_whole(read, price)
    read.description()
    read.close()
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={"total_minor": price, **whole},
        reasons=(Reason("list-price", {"price_minor": str(price)}),),
    )
