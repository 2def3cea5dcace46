"""A ladder of tiers: rates per unit, each up to a last unit. What M2, M2x and M3 reckon with.

Rates are whole numbers of 1/`RATE_SCALE` fen, so that every sum is exact. Money is rounded once, at the
end and upwards: half up would make many small purchases cheaper than a large one.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pricing.errors import PriceOutOfBounds, QuantityAboveTiers, TiersMalformed
from pricing.facts import MAX_QUANTITY, RATE_SCALE, Facts, scaled_rate
from pricing.quote import MAX_PRICE_MINOR

MOST_TIERS: Final = 200
_TIER_KEYS: Final = 2


@dataclass(frozen=True, slots=True)
class Ladder:
    """Tiers by their last unit (None: open) and their rate in 1/`RATE_SCALE` fen."""

    tiers: tuple[tuple[int | None, int], ...]

    @property
    def falls(self) -> bool:
        """Whether no rate is above the one before: then buying in parts never pays."""
        before = self.tiers[0][1]
        for _, rate in self.tiers:
            if rate > before:
                return False
            before = rate
        return True

    def graduated(self, quantity: int) -> int:
        """Σ rate × units in each tier, exact. Raises QuantityAboveTiers."""
        total = below = 0
        for up_to, rate in self.tiers:
            if up_to is None or quantity <= up_to:
                return total + (quantity - below) * rate
            total += (up_to - below) * rate
            below = up_to
        raise _above(quantity, below)

    def rate_at(self, quantity: int) -> int:
        """The rate of the tier that a quantity lies in. Raises QuantityAboveTiers."""
        for up_to, rate in self.tiers:
            if up_to is None or quantity <= up_to:
                return rate
        raise _above(quantity, self.tiers[-1][0] or 0)

    def cheapest_from(self, quantity: int) -> tuple[int, int]:
        """The least all-units price of this quantity or a larger one: its exact amount, and that quantity.

        Within a tier the first unit is the cheapest, so only the first units of the later tiers are asked.
        """
        best = quantity * self.rate_at(quantity), quantity
        for (below, _), (_, rate) in pairwise(self.tiers):
            if below is not None and below >= quantity and (below + 1) * rate < best[0]:
                best = (below + 1) * rate, below + 1
        return best


def read_ladder(read: Facts) -> Ladder:
    """The fact `tiers`: `[{"up_to": 1000, "rate_minor": "10"}, …, {"up_to": null, "rate_minor": "1"}]`.

    Raises TiersMalformed for tiers that do not rise, an open tier that is not the last, a gap or overlap
    (there is no way to say one: a tier begins behind the one before), and Malformed.
    """
    plain = _plain(read.raw("tiers"))
    if plain is not None:
        return Ladder(plain)
    tiers: list[tuple[int | None, int]] = []
    below: int | None = 0
    for number, tier in enumerate(read.objects("tiers", most=MOST_TIERS), 1):
        if below is None:
            raise TiersMalformed("only the last tier is open", tier=number - 1)
        up_to = tier.quantity("up_to") if tier.has("up_to") else None
        if up_to is not None and up_to <= below:
            raise TiersMalformed("each tier ends beyond the one before", tier=number, up_to=str(up_to))
        tiers.append((up_to, tier.unit_rate("rate_minor")))
        tier.close()
        below = up_to
    return Ladder(tuple(tiers))


def _plain(told: Any) -> tuple[tuple[int | None, int], ...] | None:
    """Tiers in which nothing is to be said, at one look; None leaves them to the reading that says it."""
    if type(told) is not list or not 0 < len(told) <= MOST_TIERS:
        return None
    tiers: list[tuple[int | None, int]] = []
    below: int | None = 0
    for tier in told:
        if type(tier) is not dict or len(tier) != _TIER_KEYS or below is None:
            return None
        up_to, text = tier.get("up_to", ""), tier.get("rate_minor")
        if up_to is not None and (type(up_to) is not int or not below < up_to <= MAX_QUANTITY):
            return None
        rate = scaled_rate(text) if type(text) is str else None
        if rate is None:
            return None
        tiers.append((up_to, rate))
        below = up_to
    return tuple(tiers)


def whole_fen(exact: int) -> int:
    """An exact amount in 1/`RATE_SCALE` fen, rounded up to whole fen. Raises PriceOutOfBounds if too high."""
    return check_total(-(-exact // RATE_SCALE))


def check_total(total_minor: int) -> int:
    """The total, which may be nothing and is at most `MAX_PRICE_MINOR`; PriceOutOfBounds above that."""
    if total_minor > MAX_PRICE_MINOR:
        raise PriceOutOfBounds(
            "the price is above the limit", price_minor=str(total_minor), limit_minor=str(MAX_PRICE_MINOR)
        )
    return total_minor


def decimal_fen(exact: int) -> str:
    """An exact amount in 1/`RATE_SCALE` fen as a decimal string of fen, without trailing zeros."""
    whole, parts = divmod(exact, RATE_SCALE)
    return f"{whole}.{parts:012d}".rstrip("0") if parts else str(whole)


def _above(quantity: int, last: int) -> QuantityAboveTiers:
    return QuantityAboveTiers(
        "the tiers end below this quantity", quantity=str(quantity), last_unit=str(last)
    )
