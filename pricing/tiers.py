"""M2, graduated tiers: the units in each tier at the rate of that tier.

T(q) = Σ rateₖ · units in tier k, exact, then rounded up to a whole fen once. So T(0) = 0, T never falls,
one unit more costs at most a rate and the fen of the rounding; and where the rates fall,
T(a + b) ≤ T(a) + T(b) to the fen: nobody saves by buying in parts.
"""

from collections.abc import Mapping
from typing import Any, Final

from pricing.facts import Facts
from pricing.ladder import decimal_fen, read_ladder, whole_fen
from pricing.quote import Quote, Reason, inputs_sha256
from pricing.whole import read_whole

MECHANISM: Final = "M2"
VERSION: Final = "1"
_FALL: Final = Reason("rates-fall")
_RISE: Final = Reason("rates-rise")


def tiers_quote(facts: Mapping[str, Any]) -> Quote:
    """The quote of a quantity by graduated tiers.

    Facts: `tiers` (see `pricing.ladder.read_ladder`), `quantity`; optional fee rates and describing keys.
    Results: `total_minor`, `exact_minor` (before rounding, a decimal string of fen). Raises
    QuantityOutOfBounds, QuantityAboveTiers, TiersMalformed, PriceOutOfBounds, Malformed.
    """
    read = Facts(facts)
    ladder = read_ladder(read)
    quantity = read.quantity("quantity")
    exact = ladder.graduated(quantity)
    total = whole_fen(exact)
    whole = read_whole(read, total)
    read.description()
    read.close()
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts, read=True),
        results={"total_minor": total, "exact_minor": decimal_fen(exact), **whole},
        reasons=(
            Reason("graduated", {"quantity": str(quantity), "tiers": len(ladder.tiers)}),
            _FALL if ladder.falls else _RISE,
        ),
    )
