"""The permitted revenue of a year, and how far the actual revenue is from it; pure, exact, in whole fen.

发改价格〔2025〕65号 (`rules.md` §2.6): net cost (operating cost less subsidies), profit at last year's mean
ten-year bond yield and at most six points, and tax; what came in beyond it is deducted next period.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from base.money import half_up

_BP: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the permitted revenue of a year is made of: amounts in fen, rates as shares of one."""

    cost_minor: int
    subsidy_minor: int = 0
    bond_yield: Decimal
    margin: Decimal
    tax_minor: int = 0
    carried_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Reasonable operating cost less subsidies, never below nothing."""
        return max(0, self.cost_minor - self.subsidy_minor)

    @property
    def profit_minor(self) -> int:
        """Net cost × (yield + margin), half up."""
        return half_up(self.net_minor * (self.bond_yield + self.margin))

    @property
    def before_carry_minor(self) -> int:
        return self.net_minor + self.profit_minor + self.tax_minor

    @property
    def permitted_minor(self) -> int:
        """What may come in, after last period's excess is deducted."""
        return max(0, self.before_carry_minor - self.carried_minor)

    def excess_minor(self, actual_minor: int) -> int:
        """What is deducted next period: what a small year leaves unpaid stays owed."""
        return max(0, actual_minor - (self.before_carry_minor - self.carried_minor))


def is_beyond(actual_minor: int, permitted_minor: int, limit: Fraction) -> bool:
    """Whether the actual revenue is further from the permitted than the limit, above or below."""
    return abs(actual_minor - permitted_minor) > limit * permitted_minor


def deviation_bp(actual_minor: int, permitted_minor: int) -> int | None:
    """The deviation in basis points, half away from zero, for display; None where nothing is permitted."""
    if not permitted_minor:
        return None
    part = actual_minor - permitted_minor
    size = (2 * abs(part) * _BP + permitted_minor) // (2 * permitted_minor)
    return size if part >= 0 else -size


def last_day_of_disclosure(year: int, month: int, day: int) -> date:
    """Until when a year is disclosed: in the year after it."""
    return date(year + 1, month, day)
