"""M11 where a contract fixes the shares: a revenue through a product that is composed of other products.

Every product names its parts and their shares, which are its whole; what has no parts is a source. A source
gets the sum, over all ways down to it, of the product of the shares on the way.
"""

from collections.abc import Mapping
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from math import lcm
from typing import Any, Final

from base.errors import Malformed
from base.money import BASIS_POINTS, allot
from pricing.errors import CompositeCyclic, SharesDoNotSum, TooMuchToPrice
from pricing.facts import Facts
from pricing.quote import Quote, Reason, inputs_sha256

MECHANISM: Final = "M11"
VERSION: Final = "1"
MAX_PARTS: Final = 2000
MAX_DEPTH: Final = 64


def composite_quote(facts: Mapping[str, Any]) -> Quote:
    """The split of a revenue by the shares that contracts fix.

    Facts: `revenue_minor`, `product`, `composition` (product → part → basis points, together 10,000).
    Results: `payouts_minor{}` of the sources, `shares{}` (exact fractions). Raises CompositeCyclic,
    SharesDoNotSum, TooMuchToPrice, Malformed.
    """
    read = Facts(facts)
    revenue, product = read.amount("revenue_minor"), read.text("product")
    composition = _composition(read)
    read.description()
    read.close()
    shares = _shares(product, composition)
    sources = sorted(name for name in shares if name not in composition)
    scale = lcm(*(shares[name].denominator for name in sources))
    payouts = allot(revenue, [int(shares[name] * scale) for name in sources])
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "payouts_minor": dict(zip(sources, payouts, strict=True)),
            "shares": {name: str(shares[name]) for name in sources},
        },
        reasons=(
            Reason("shares-of-contract", {"sources": len(sources)}),
            Reason("revenue-split", {"revenue_minor": str(revenue)}),
        ),
    )


def _composition(read: Facts) -> dict[str, dict[str, int]]:
    composition: dict[str, dict[str, int]] = {}
    told = read.mapping("composition")
    for product, parts in told.items():
        if not isinstance(parts, Mapping) or not parts or not all(type(name) is str for name in parts):
            raise read.bad("composition", "for each product its parts with their shares")
        if not all(type(share) is int and 0 < share <= BASIS_POINTS for share in parts.values()):
            raise Malformed("a share is 1 to 10000 basis points", product=product)
        if sum(parts.values()) != BASIS_POINTS:
            raise SharesDoNotSum(
                "the shares of a product are 10000 basis points",
                product=product,
                sum_bp=sum(parts.values()),
            )
        composition[product] = dict(parts)
    if sum(map(len, composition.values())) > MAX_PARTS:
        raise TooMuchToPrice("the composition has too many parts", limit=MAX_PARTS)
    return composition


def _shares(product: str, composition: Mapping[str, Mapping[str, int]]) -> dict[str, Fraction]:
    """What part of the product's revenue reaches each part, in whatever number of steps."""
    if product not in composition:
        raise Malformed("the composition does not name the product", product=product)
    try:
        order = list(TopologicalSorter(composition).static_order())[::-1]
    except CycleError as error:
        raise CompositeCyclic("a product contains itself", products=list(error.args[1])) from None
    shares = {product: Fraction(1)}
    depth = {product: 0}
    for name in order:
        if name not in shares:
            continue
        for part, share_bp in composition.get(name, {}).items():
            shares[part] = shares.get(part, Fraction(0)) + shares[name] * Fraction(share_bp, BASIS_POINTS)
            depth[part] = max(depth.get(part, 0), depth[name] + 1)
            if depth[part] > MAX_DEPTH:
                raise TooMuchToPrice("the composition is too deep", limit=MAX_DEPTH)
    return shares
