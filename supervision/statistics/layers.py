"""Data as a factor of production in the accounts: expenditure, capital formation, effect on regional GDP.

The three layers and two variants of `scenarios.md` Appendix A (the Nanshan method). What the method leaves
open is decided here and marked [D]; `docs/statistics.md` says it in words. Sources: SNA 2008 6.125, 10.109 f.
and SNA 2025 ch. 22 (data are a produced asset, their own-account formation valued at the sum of costs);
OECD, Measuring Capital (2009) ch. 13 (perpetual inventory). Everything is exact: fen and fractions of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

ITEMS: Final = ("collection", "purchase", "cleaning", "storage", "analysis", "security", "circulation")
"""The seven kinds of expenditure that the survey asks for."""
FULL_BP: Final = 10_000
CAPITALISED: Final = frozenset({"collection", "purchase", "cleaning", "analysis"})
"""What makes or acquires the asset. Security and circulation keep and sell it: current in both [D]."""
LEAST_LIFE: Final = 2
"""An asset is used in production for more than one year (SNA 2008 10.11): whole years of life, so two."""


class Variant(StrEnum):
    """Whether the expenditure for storing is capital formation."""

    ACTIVE = "active"
    CAUTIOUS = "cautious"

    @property
    def items(self) -> frozenset[str]:
        """The kinds of expenditure that are capital formation."""
        return CAPITALISED | {"storage"} if self is Variant.ACTIVE else CAPITALISED


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one unit's answer for a year. `spent_minor` has each of ITEMS, in fen, none negative.

    `useful_life` is whole years, None where the answer has none. `source` is `public`, `enterprise` or
    `personal`, and public is what a non-market producer holds [D].
    """

    org_id: str
    year: int
    spent_minor: Mapping[str, int]
    own_use_bp: int
    staff_bp: int
    useful_life: int | None
    on_exchange_minor: int = 0
    off_exchange_minor: int = 0
    region: str = ""
    industry: str = ""
    source: str = ""
    form: str = ""
    stage: str = ""
    right: str = ""
    level: str = ""
    cross_border: bool = False

    @property
    def expenditure(self) -> int:
        """Layer 1: everything spent on data in the year."""
        return sum(self.spent_minor[item] for item in ITEMS)

    @property
    def staff(self) -> Fraction:
        """The part of the expenditure that is staff cost."""
        return Fraction(self.expenditure * self.staff_bp, FULL_BP)

    @property
    def own_use(self) -> Fraction:
        """The part spent on data that the unit itself uses."""
        return Fraction(self.expenditure * self.own_use_bp, FULL_BP)

    @property
    def for_sale(self) -> Fraction:
        """The part spent on data made to be sold."""
        return self.expenditure - self.own_use

    def formation(self, variant: Variant) -> Fraction:
        """Layer 2: gross fixed capital formation in data, of the line's year.

        The own-use part of the capitalised items, where the data serve for more than a year. What is made for
        sale is an output, and becomes capital with whoever buys it, as that unit's purchase: it is counted
        there and not twice [D].
        """
        if self.useful_life is None or self.useful_life < LEAST_LIFE:
            return Fraction(0)
        made = sum(self.spent_minor[item] for item in ITEMS if item in variant.items)
        return Fraction(made * self.own_use_bp, FULL_BP)

    def consumption(self, variant: Variant, year: int) -> Fraction:
        """What a year uses up of this formation: a straight line over its life, from its own year on [D]."""
        if not self.useful_life or not 0 <= year - self.year < self.useful_life:
            return Fraction(0)
        return self.formation(variant) / self.useful_life

    def stock(self, variant: Variant, year: int) -> Fraction:
        """What is left of this formation at the end of a year, in prices of its own year [D]."""
        if not self.useful_life or year < self.year:
            return Fraction(0)
        left = max(self.useful_life - (year - self.year + 1), 0)
        return self.formation(variant) * Fraction(left, self.useful_life)

    def gdp_effect(self, variant: Variant, year: int) -> Fraction:
        """Layer 3: by how much GDP of a year is higher than if all this expenditure were current.

        For a market producer it is the formation of the year: own-account formation is output that was not
        counted, and a purchase that is formation is no intermediate consumption any more. A non-market
        producer's output is the sum of its costs already: there only the consumption of fixed capital is
        added, in every year of the asset's life (SNA 2008 6.130).
        """
        if self.source == PUBLIC:
            return self.consumption(variant, year)
        return self.formation(variant) if year == self.year else Fraction(0)


PUBLIC: Final = "public"


@dataclass(frozen=True, slots=True)
class Layers:
    """The three layers of some lines in a year, exact, in fen."""

    units: int
    lines: int
    without_life: int
    expenditure: Fraction
    items: Mapping[str, int]
    staff: Fraction
    own_use: Fraction
    for_sale: Fraction
    on_exchange: int
    off_exchange: int
    formation: Mapping[Variant, Fraction]
    consumption: Mapping[Variant, Fraction]
    stock: Mapping[Variant, Fraction]
    gdp_effect: Mapping[Variant, Fraction]


def layers(lines: Iterable[Line], *, year: int) -> Layers:
    """The layers of a year. Of earlier years what is left and used up counts (perpetual inventory).

    Lines of later years are left out.
    """
    told = [line for line in lines if line.year <= year]
    now = [line for line in told if line.year == year]

    def each(value: Callable[[Line, Variant], Fraction]) -> dict[Variant, Fraction]:
        return {variant: sum((value(line, variant) for line in told), Fraction(0)) for variant in Variant}

    return Layers(
        units=len({line.org_id for line in now}),
        lines=len(now),
        without_life=sum(line.useful_life is None for line in now),
        expenditure=Fraction(sum(line.expenditure for line in now)),
        items={item: sum(line.spent_minor[item] for line in now) for item in ITEMS},
        staff=sum((line.staff for line in now), Fraction(0)),
        own_use=sum((line.own_use for line in now), Fraction(0)),
        for_sale=sum((line.for_sale for line in now), Fraction(0)),
        on_exchange=sum(line.on_exchange_minor for line in now),
        off_exchange=sum(line.off_exchange_minor for line in now),
        formation=each(lambda line, v: line.formation(v) if line.year == year else Fraction(0)),
        consumption=each(lambda line, v: line.consumption(v, year)),
        stock=each(lambda line, v: line.stock(v, year)),
        gdp_effect=each(lambda line, v: line.gdp_effect(v, year)),
    )


CLASSES: Final = ("region", "industry", "source", "form", "stage", "right", "level", "cross_border")
"""By what the answers are classed; each line is in one class of each."""


def by_class(lines: Iterable[Line], name: str, *, year: int) -> dict[str, Layers]:
    """The layers of every class of one classification; over all classes they add up to `layers`."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(str(getattr(line, name)), []).append(line)
    return {key: layers(found[key], year=year) for key in sorted(found)}


def in_fen(values: Sequence[Fraction]) -> list[int]:
    """Whole fen for display, whose sum is the rounded sum: the largest remainder gets the fen."""
    total = sum(values, Fraction(0))
    rounded = (2 * total.numerator + total.denominator) // (2 * total.denominator)
    floors = [value.numerator // value.denominator for value in values]
    order = sorted(range(len(values)), key=lambda n: (floors[n] - values[n], n))
    for n in order[: rounded - sum(floors)]:
        floors[n] += 1
    return floors
