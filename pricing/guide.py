"""M8, a guide price by three approaches (数据资产评估指导意见, 中评协〔2023〕17号; `rules.md` §2.6).

- cost: Σ costs × (1 + profit) × (1 − depreciation) × quality × risk
- income: Σ incomeₜ × share ÷ (1 + rate)ᵗ, the first income after one period
- market: the median of comparables × quality × volume × timeliness × scenario × exclusivity

A range, not a verdict: low and high are what the approaches span (the market's own span is its median ± the
scaled median deviation), mid is their mean by the weights that are told, and how far the approaches lie apart
is said. Everything is exact until the last rounding to the fen. Trades that are suspected of washing, and
those between related parties, are no comparables; nothing here knows who the buyer is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Any, Final

from base.errors import Malformed
from pricing.errors import ComparablesTooFew, PriceOutOfBounds
from pricing.facts import Facts, exact_number
from pricing.quote import MAX_PRICE_MINOR, Quote, Reason, inputs_sha256

MECHANISM: Final = "M8"
VERSION: Final = "1"
MAD_SCALE: Final = Fraction(14826, 10000)  # a normal distribution's standard deviation is so many MADs
LEAST_COMPARABLES: Final = 5
MAX_COMPARABLES: Final = 10_000
COSTS: Final = ("build", "acquire", "clean", "label", "store", "manage", "comply")
FACTORS: Final = ("quality", "volume", "timeliness", "scenario", "exclusivity")
_MAX_PERIODS: Final = 100
_MAX_FACTOR: Final = 100
_MAX_WEIGHT: Final = 1000
_MAX_QUANTITY: Final = 10**12
_PLACES: Final = 6


@dataclass(frozen=True, slots=True)
class Approach:
    """What one approach says, exact, with the numbers that it comes from."""

    low: Fraction
    mid: Fraction
    high: Fraction
    told: Mapping[str, Any]

    @classmethod
    def of(cls, value: Fraction, **told: Any) -> "Approach":
        return cls(value, value, value, told)


def guide_quote(facts: Mapping[str, Any]) -> Quote:
    """The guide price of a product.

    Facts: at least one of `cost`, `income` and `market` (their keys stand in docs/pricing.md), optional
    `weights` (of the approaches, else equal). Results: `low_minor`, `mid_minor`, `high_minor`,
    `disagreement` (the widest distance between two approaches ÷ mid), `approaches{}`. Raises
    ComparablesTooFew where the market alone is asked and has fewer than five, PriceOutOfBounds, Malformed.
    """
    read = Facts(facts)
    found: dict[str, Approach] = {}
    market: Market | None = None
    if read.has("cost"):
        found["cost"] = _by_cost(read.object("cost"))
    if read.has("income"):
        found["income"] = _by_income(read.object("income"))
    if read.has("market"):
        market = read_market(read.object("market"))
        if market.enough:
            found["market"] = by_market(market)
    weights = _weights(read)
    read.description()
    read.close()
    if not found:
        if market is None:
            raise Malformed("facts: cost, income or market is missing", key="cost")
        raise ComparablesTooFew(
            "the market alone has too few comparables",
            comparables=len(market.prices),
            least=LEAST_COMPARABLES,
        )
    weight = {name: weights.get(name, Fraction(1)) for name in found}
    whole = sum(weight.values())
    if not whole:
        raise Malformed("weights: the approaches that can be used have none", key="weights")
    low = min(one.low for one in found.values())
    high = max(one.high for one in found.values())
    mid = sum((found[name].mid * weight[name] for name in found), Fraction(0)) / whole
    if high > MAX_PRICE_MINOR:
        raise PriceOutOfBounds("the guide price is above the limit", limit_minor=str(MAX_PRICE_MINOR))
    mids = [one.mid for one in found.values()]
    apart = (max(mids) - min(mids)) / mid if mid else Fraction(0)
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "low_minor": rounded(low),
            "mid_minor": rounded(mid),
            "high_minor": rounded(high),
            "disagreement": decimal(apart),
            "approaches": {
                name: {
                    "low_minor": rounded(one.low),
                    "mid_minor": rounded(one.mid),
                    "high_minor": rounded(one.high),
                    "weight": decimal(weight[name] / whole),
                    **one.told,
                }
                for name, one in found.items()
            },
        },
        reasons=(
            Reason("guide-range", {"approaches": len(found), "disagreement": decimal(apart)}),
            *(_of_market(market) if market is not None else ()),
        ),
    )


def _of_market(market: "Market") -> list[Reason]:
    reasons = [Reason("comparables-used", {"comparables": len(market.prices)})]
    if market.excluded:
        reasons.append(Reason("comparables-excluded", {"excluded": market.excluded}))
    if not market.enough:
        reasons.append(Reason("comparables-too-few", {"least": LEAST_COMPARABLES}))
    return reasons


def _by_cost(read: Facts) -> Approach:
    costs = read.object("costs")
    spent = sum(costs.amount(name, 0) for name in COSTS)
    costs.close()
    profit = _factor(read, "profit", 0, most=1)
    lost = _factor(read, "depreciation", 0, most=1)
    quality, risk = _factor(read, "quality", 1, most=1), _factor(read, "risk", 1, most=1)
    read.close()
    value = spent * (1 + profit) * (1 - lost) * quality * risk
    return Approach.of(value, cost_minor=spent)


def _by_income(read: Facts) -> Approach:
    incomes = read.sequence("income_minor", most=_MAX_PERIODS)
    if not all(type(income) is int and 0 <= income <= MAX_PRICE_MINOR for income in incomes):
        raise read.bad("income_minor", "whole fen for each period")
    share, rate = _factor(read, "share", 1, most=1), _factor(read, "discount", 0, most=1)
    read.close()
    value = sum((income * share / (1 + rate) ** t for t, income in enumerate(incomes, 1)), Fraction(0))
    return Approach.of(value, periods=len(incomes))


@dataclass(frozen=True, slots=True)
class Market:
    """Unit prices that may be compared, how many were left out, and how this product differs."""

    prices: tuple[Fraction, ...]
    excluded: int
    quantity: Fraction
    factor: Fraction

    @property
    def enough(self) -> bool:
        return len(self.prices) >= LEAST_COMPARABLES


def read_market(read: Facts) -> Market:
    """`comparables[]` (`price_minor`, `quantity`, `wash_flagged`, `related_party`), `quantity`, factors."""
    prices = []
    told = read.objects("comparables", most=MAX_COMPARABLES, least=0)
    for one in told:
        price = Fraction(one.price("price_minor"), one.count("quantity") if one.has("quantity") else 1)
        left_out = [one.flag("wash_flagged"), one.flag("related_party")]
        one.close()
        if not any(left_out):
            prices.append(price)
    quantity = Fraction(read.count("quantity")) if read.has("quantity") else Fraction(1)
    if quantity > _MAX_QUANTITY:
        raise read.bad("quantity", "a number of units within the limit")
    factor = Fraction(1)
    for name in FACTORS:
        factor *= _factor(read, name, 1, most=_MAX_FACTOR)
    read.close()
    return Market(tuple(prices), len(told) - len(prices), quantity, factor)


def by_market(market: Market) -> Approach:
    """The median with the span of its scaled deviation; never below zero."""
    middle, deviation = median_and_deviation(market.prices)
    at = market.quantity * market.factor
    spread = MAD_SCALE * deviation
    return Approach(
        max(Fraction(0), middle - spread) * at,
        middle * at,
        (middle + spread) * at,
        {
            "comparables": len(market.prices),
            "excluded": market.excluded,
            "median_minor": decimal(middle),
            "mad_minor": decimal(deviation),
            "factor": decimal(market.factor),
        },
    )


def median_and_deviation(prices: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """The median and the median absolute deviation from it (MAD), exact. At least one price."""
    middle = Fraction(median(prices))
    return middle, Fraction(median(abs(price - middle) for price in prices))


def _factor(read: Facts, name: str, default: int, *, most: int) -> Fraction:
    return read.fraction(name, most=most) if read.has(name) else Fraction(default)


def _weights(read: Facts) -> dict[str, Fraction]:
    if not read.has("weights"):
        return {}
    weights: dict[str, Fraction] = {}
    for name, told in read.mapping("weights").items():
        weight = exact_number(told)
        if name not in ("cost", "income", "market") or weight is None or not 0 <= weight <= _MAX_WEIGHT:
            raise read.bad("weights", "for cost, income or market a number that is not negative")
        weights[name] = weight
    return weights


def rounded(value: Fraction) -> int:
    """A number of fen that is not negative, half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def decimal(value: Fraction) -> str:
    """A number that is not negative with six decimals, half up, for display."""
    whole, places = divmod(rounded(value * 10**_PLACES), 10**_PLACES)
    return f"{whole}.{places:0{_PLACES}d}".rstrip("0").rstrip(".")
