"""M13, the government-guided price of public data (发改价格〔2025〕65号; `rules.md` §2.6).

The cap bounds the price of one product; the permitted revenue bounds the operator's year: what came
in above it is deducted from the next period, and a deviation above a tenth moves the cap itself.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from base.calendar import months_after
from pricing.errors import MarginAboveLimit, PriceAboveCap, TooMuchToPrice
from pricing.facts import MAX_AMOUNT_MINOR, Facts
from pricing.quote import Quote, Reason, check_price, inputs_sha256
from pricing.whole import read_whole
from registry.operation.revenue import Costs, is_beyond

MECHANISM: Final = "M13"
VERSION: Final = "1"
MARGIN_LIMIT: Final = Decimal("0.06")  # percentage points above the mean 10-year bond yield
REVIEW_YEARS: Final = 3
MAX_PRODUCTS: Final = 1000
TENTH: Final = Fraction(1, 10)  # a deviation above it adjusts the cap
_PLACES: Final = 6


def check_cap(price_minor: int, cap_minor: int) -> None:
    """Refuse a price above its cap with PriceAboveCap; the cap itself is allowed."""
    check_price(price_minor)
    if price_minor > cap_minor:
        raise PriceAboveCap(
            "the price is above the cap", price_minor=str(price_minor), cap_minor=str(cap_minor)
        )


def capped_quote(facts: Mapping[str, Any]) -> Quote:
    """The quote of one product of public data.

    Facts: `price_minor`, `cap_minor` (fen), optional `cap_basis` (who set the cap, and where), the fee
    rates and the describing keys. Raises PriceAboveCap, Malformed.
    """
    read = Facts(facts)
    price, cap = read.price("price_minor"), read.amount("cap_minor")
    check_cap(price, cap)
    basis = {"basis": read.text("cap_basis")} if read.has("cap_basis") else {}
    whole = read_whole(read, price)
    read.description()
    read.close()
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={"total_minor": price, **whole},
        reasons=(
            Reason("list-price", {"price_minor": str(price)}),
            Reason("within-cap", {"cap_minor": str(cap), **basis}),
        ),
    )


def permitted_revenue(facts: Mapping[str, Any]) -> Quote:
    """The permitted revenue of a year, and the yearly test of the actual revenue against it.

    Facts, in fen: `cost_minor` (reasonable operating cost), `subsidy_minor`, `actual_minor`; rates:
    `bond_yield` (last year's mean 10-year government bond yield), `margin` (at most 0.06); optional
    `tax_minor` (part of the permitted revenue), `carried_minor` (excess of the last period), `products`
    (`cap_minor` and expected `units` of each: do the caps fit into the permitted revenue?), and `reviewed_on`
    with `on` (has the review of three years passed?).

    Results: `cost_net_minor`, `profit_minor` (net cost × rate, half up), `permitted_minor`,
    `deviation` (actual ÷ permitted − 1 as a decimal string with six places, null where nothing is
    permitted), `adjust_cap` (decided on the exact fraction), `excess_minor` (deducted next period), and where
    asked `at_caps_minor`, `caps_fit`, `review_due_on`, `review_overdue`.
    Raises MarginAboveLimit, Malformed.
    """
    read = Facts(facts)
    cost, subsidy = read.amount("cost_minor"), read.amount("subsidy_minor")
    bond_yield, margin = read.rate("bond_yield"), read.rate("margin")
    actual = read.amount("actual_minor")
    tax, carried = read.amount("tax_minor", 0), read.amount("carried_minor", 0)
    at_caps = _at_caps(read) if read.has("products") else None
    review = _review(read) if read.has("reviewed_on") else None
    read.description()
    read.close()
    if margin > MARGIN_LIMIT:
        raise MarginAboveLimit("the margin is above six points", margin=str(margin), limit=str(MARGIN_LIMIT))
    costs = Costs(
        cost_minor=cost,
        subsidy_minor=subsidy,
        bond_yield=bond_yield,
        margin=margin,
        tax_minor=tax,
        carried_minor=carried,
    )
    net, profit, permitted = costs.net_minor, costs.profit_minor, costs.permitted_minor
    rate, excess = bond_yield + margin, costs.excess_minor(actual)
    adjust = is_beyond(actual, permitted, TENTH)
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "cost_net_minor": net,
            "profit_minor": profit,
            "permitted_minor": permitted,
            "deviation": _ratio(actual - permitted, permitted) if permitted else None,
            "adjust_cap": adjust,
            "excess_minor": excess,
            **({} if at_caps is None else {"at_caps_minor": at_caps, "caps_fit": at_caps <= permitted}),
            **(
                {}
                if review is None
                else {"review_due_on": review[0].isoformat(), "review_overdue": review[1]}
            ),
        },
        reasons=(
            Reason("net-cost", {"cost_minor": str(cost), "subsidy_minor": str(subsidy)}),
            Reason("permitted-profit", {"rate": str(rate), "profit_minor": str(profit)}),
            *((Reason("tax", {"tax_minor": str(tax)}),) if tax else ()),
            *((Reason("excess-deducted", {"carried_minor": str(carried)}),) if carried else ()),
            Reason("deviation-above-tenth" if adjust else "deviation-within-tenth"),
            *((Reason("excess-carried", {"excess_minor": str(excess)}),) if excess else ()),
            *_of_caps(at_caps, permitted),
            *((Reason("review-due", {"due_on": str(review[0])}),) if review and review[1] else ()),
        ),
    )


def _at_caps(read: Facts) -> int:
    """What the products bring in if each unit is sold at its cap."""
    total = 0
    for product in read.objects("products", most=MAX_PRODUCTS):
        total += product.amount("cap_minor") * product.quantity("units")
        product.close()
    if total > MAX_AMOUNT_MINOR:
        raise TooMuchToPrice("the products bring in more than the limit", limit_minor=str(MAX_AMOUNT_MINOR))
    return total


def _of_caps(at_caps: int | None, permitted: int) -> list[Reason]:
    if at_caps is None:
        return []
    values = {"at_caps_minor": str(at_caps), "permitted_minor": str(permitted)}
    return [Reason("caps-within-permitted" if at_caps <= permitted else "caps-above-permitted", values)]


def _review(read: Facts) -> tuple[date, bool]:
    """When the caps are reviewed next, and whether that day has passed. It is the last on which they hold."""
    last, today = read.day("reviewed_on"), read.day("on")
    until = months_after(last, 12 * REVIEW_YEARS)
    return until, today > until


def _ratio(part: int, whole: int) -> str:
    """A fraction as a decimal string with six places, half away from zero, in exact arithmetic."""
    scaled = (2 * abs(part) * 10**_PLACES + whole) // (2 * whole)
    units, decimals = divmod(scaled, 10**_PLACES)
    sign = "-" if part < 0 and scaled else ""
    return f"{sign}{units}.{decimals:0{_PLACES}d}"
