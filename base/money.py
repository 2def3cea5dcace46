"""Money is whole minor units (fen) with a currency. No float, and every remainder has an owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from base.errors import Malformed

BASIS_POINTS: Final = 10_000
MAX_MINOR: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units. Amounts of unlike currencies do not add."""

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if abs(self.minor) > MAX_MINOR:
            raise Malformed("amount above 64 bits", minor=str(self.minor))

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __str__(self) -> str:
        return f"{self.currency} {yuan(self.minor)}"

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise Malformed("amounts of unlike currencies", left=self.currency, right=other.currency)


def half_up(value: Decimal) -> int:
    """Round a decimal number of fen to whole fen, half away from zero (四舍五入)."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def share_bp(amount_minor: int, basis_points: int) -> int:
    """`basis_points` of an amount in fen, rounded half up; the payer keeps the remainder."""
    return half_up(Decimal(amount_minor) * basis_points / BASIS_POINTS)


def allot(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split fen by weights with the largest-remainder rule; ties go to the earlier part.

    The parts sum to `total_minor` exactly. Refuses negative or all-zero weights.
    """
    if not weights or min(weights) < 0 or sum(weights) == 0:
        raise Malformed("weights must be non-negative and not all zero", weights=list(weights))
    whole = sum(weights)
    parts = [total_minor * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total_minor * weights[i] % whole), i))
    for i in order[: total_minor - sum(parts)]:
        parts[i] += 1
    return parts


def yuan(minor: int) -> str:
    """Fen as yuan with two decimals and grouping, for people: `68000000` → `680,000.00`."""
    sign = "-" if minor < 0 else ""
    whole, fen = divmod(abs(minor), 100)
    return f"{sign}{whole:,}.{fen:02d}"
