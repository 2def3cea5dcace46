"""M14, advice to a seller which list price to try in the next window: UCB1 over a grid of prices.

One public price holds for everybody in a window, and the advice is a function of public history only:
there is no fact that names a buyer. UCB1 (Auer, Cesa-Bianchi, Fischer 2002) tries each price once, then
the one with the highest mean + √(2 ln n / nⱼ), rewards being the share of the highest price that an
offer brought in. The seller decides; nothing here sets a price. `Decimal` at 40 digits, whose ln and sqrt
are exactly rounded, so that the advice is the same on every machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final

from base.errors import Malformed
from pricing.facts import Facts
from pricing.quote import Quote, Reason, check_price, inputs_sha256

MECHANISM: Final = "M14"
VERSION: Final = "1"
MOST_PRICES: Final = 100
MOST_WINDOWS: Final = 10_000
_EXACT: Final = Context(prec=40)
_PLACES: Final = Decimal("0.000001")
_LEAST_HORIZON: Final = 3  # below e the logarithm does not say anything


@dataclass(slots=True)
class Tried:
    """What a price of the grid has brought: offers seen, and offers taken."""

    price_minor: int
    offered: int = 0
    sold: int = 0


def price_advice(facts: Mapping[str, Any]) -> Quote:
    """Which price of a grid to post next.

    Facts: `grid` (`[{"price_minor": …}, …]`, rising) or `low_minor`, `high_minor` and `horizon` (how many
    offers are to come; the grid then has ⌈(T / ln T)^⅓⌉ prices), `history` (windows: `price_minor`,
    `offered`, `sold`; may be empty), describing keys.

    Results: `advised_minor`, `grid_minor`, `scores` (decimal strings with six places, null: untried).
    Raises PriceOutOfBounds, Malformed.
    """
    read = Facts(facts)
    grid = _read_grid(read)
    tried = {price: Tried(price) for price in grid}
    for window in read.objects("history", most=MOST_WINDOWS, least=0):
        price, offered, sold = (
            window.price("price_minor"),
            window.quantity("offered"),
            window.quantity("sold"),
        )
        window.close()
        if price not in tried or sold > offered:
            raise Malformed("a window has a price of the grid and sells no more than it offers")
        tried[price].offered += offered
        tried[price].sold += sold
    read.description()
    read.close()
    scores = _scores(list(tried.values()))
    untried = [price for price, score in zip(grid, scores, strict=True) if score is None]
    if untried:
        advised, reason = untried[0], Reason("price-untried", {"price_minor": str(untried[0])})
    else:
        best = max(range(len(grid)), key=lambda n: (scores[n], grid[n]))
        advised, reason = grid[best], Reason("highest-bound", {"price_minor": str(grid[best])})
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "advised_minor": advised,
            "grid_minor": grid,
            "scores": [None if score is None else str(score.quantize(_PLACES)) for score in scores],
        },
        reasons=(reason,),
    )


def _scores(tried: Sequence[Tried]) -> list[Decimal | None]:
    """The upper confidence bound of each price; None where it was never offered."""
    highest = max(one.price_minor for one in tried)
    total = sum(one.offered for one in tried)
    doubled = _EXACT.multiply(Decimal(2), _EXACT.ln(Decimal(total))) if total else Decimal(0)
    return [
        None
        if not one.offered
        else _EXACT.add(
            _EXACT.divide(Decimal(one.price_minor * one.sold), Decimal(highest * one.offered)),
            _EXACT.sqrt(_EXACT.divide(doubled, Decimal(one.offered))),
        )
        for one in tried
    ]


def _read_grid(read: Facts) -> list[int]:
    if not read.has("grid"):
        return _spread(read.price("low_minor"), read.price("high_minor"), read.count("horizon"))
    grid = []
    for item in read.objects("grid", most=MOST_PRICES):
        grid.append(item.price("price_minor"))
        item.close()
    if grid != sorted(set(grid)):
        raise Malformed("the prices of a grid rise", key="grid")
    return grid


def _spread(low: int, high: int, horizon: int) -> list[int]:
    """Evenly spaced prices from low to high: ⌈(T / ln T)^⅓⌉ of them, at least two, no more than there are."""
    if low >= high:
        raise Malformed("a grid goes from a lower price to a higher one", key="high_minor")
    horizon = max(horizon, _LEAST_HORIZON)
    logarithm, wanted = _EXACT.ln(Decimal(horizon)), 1
    while _EXACT.multiply(Decimal(wanted**3), logarithm) < horizon and wanted < MOST_PRICES:
        wanted += 1
    count = min(max(2, wanted), high - low + 1)
    grid = [low + (high - low) * n // (count - 1) for n in range(count)]
    for price in grid:
        check_price(price)
    return grid
