"""What FAIR_PRICE holds a sale against: its unit price, and the median and spread of others, exact. Pure."""

from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

from supervision.context import Context, Row


@dataclass(frozen=True, slots=True)
class Compared:
    """A unit price and its comparables, exact."""

    price: Fraction
    median: Fraction
    mad: Fraction
    comparables: int

    @classmethod
    def of(cls, row: Row) -> "Compared":
        def at(name: str) -> Fraction:
            return Fraction(row[f"{name}_amount"], row[f"{name}_quantity"])

        median = (at("median_near") + at("median_far")) / 2
        mad = (abs(at("mad_near") - median) + abs(at("mad_far") - median)) / 2
        return cls(Fraction(row["amount_minor"], row["quantity"]), median, mad, row["sold"] - 1)


@dataclass(frozen=True, slots=True)
class Far:
    """A sale that is far from its comparables: by how many deviations, where so many would be chance's."""

    row: Row
    told: Compared
    distance: Fraction
    limit: Fraction

    @property
    def ratio(self) -> Fraction:
        return self.told.price / self.told.median


def far_of(row: Row, context: Context) -> Far | None:
    """The sale, where it is farther than the rule allows; None where it is not."""
    rules = context.rules
    told = Compared.of(row)
    floor = told.median * rules.fraction("FAIR_PRICE", "least_spread_bp") / 10_000
    spread = told.mad * rules.fraction("FAIR_PRICE", "mad_scale") or floor
    limit = max(rules.fraction("FAIR_PRICE", "deviations_above"), _by_chance(told.comparables))
    one = Far(row, told, (told.price - told.median) / spread, limit)
    crowded = row["crowd"] > told.comparables * rules.fraction("FAIR_PRICE", "crowd_above")
    by_spread = abs(one.distance) > limit and not crowded
    return one if by_spread or one.ratio >= rules.fraction("FAIR_PRICE", "ratio_from") else None


def _by_chance(comparables: int) -> Fraction:
    """The distance that less than one of so many honest prices is expected to reach."""
    return Fraction(NormalDist().inv_cdf(1 - 1 / (2 * comparables))) if comparables > 1 else Fraction(0)
