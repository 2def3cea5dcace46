"""M2x, "all-units volume": the whole quantity at the rate of the tier it lies in, made monotone.

q · rate(tier of q) falls where a tier begins: six may cost less than five. So what is charged is the
monotone envelope min over q' ≥ q of q' · rate(q'): nobody pays more than a larger quantity costs.
"""

from collections.abc import Mapping
from typing import Any, Final

from pricing.facts import Facts
from pricing.ladder import decimal_fen, read_ladder, whole_fen
from pricing.quote import Quote, Reason, inputs_sha256
from pricing.whole import read_whole

MECHANISM: Final = "M2x"
VERSION: Final = "1"


def volume_quote(facts: Mapping[str, Any]) -> Quote:
    """The quote of a quantity at the rate of its tier, never above what a larger quantity costs.

    Facts as for `tiers`. Results: `total_minor`, `exact_minor`, `raw_minor` (the ladder's own price,
    rounded up) and `charged_quantity` (the quantity whose price is charged). Raises what `tiers` raises.
    """
    read = Facts(facts)
    ladder = read_ladder(read)
    quantity = read.quantity("quantity")
    exact, charged = ladder.cheapest_from(quantity)
    total = whole_fen(exact)
    whole = read_whole(read, total)
    read.description()
    read.close()
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts, read=True),
        results={
            "total_minor": total,
            "exact_minor": decimal_fen(exact),
            "raw_minor": whole_fen(quantity * ladder.rate_at(quantity)),
            "charged_quantity": charged,
            **whole,
        },
        reasons=(
            Reason("all-units", {"quantity": str(quantity), "tiers": len(ladder.tiers)}),
            *((Reason("larger-costs-less", {"quantity": str(charged)}),) if charged != quantity else ()),
        ),
    )
