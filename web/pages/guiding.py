"""A guide price on a seller's page: its range, what it rests on, and what if the terms were others. Pure.

The drawing is plain SVG placed by arithmetic; the table beside it tells the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from base.errors import DomainError
from market.listings.rules import MAX_QUANTITY
from market.listings.tables import Listing
from market.trade.comparables import Comparable, enough_sellers, guide_price
from pricing.guide import LEAST_COMPARABLES
from pricing.quote import MAX_PRICE_MINOR, Quote
from web.pages.forms import Form

WIDTH: Final = 640
HEIGHT: Final = 300
_LEFT: Final = 20
_RIGHT: Final = 520
_TOP: Final = 30
_BOTTOM: Final = 250
_SHARES: Final = (Fraction(1, 2), Fraction(3, 4), Fraction(1), Fraction(5, 4), Fraction(3, 2))
_MAX_PERCENT: Final = 1000
_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """The terms of the question; what cannot be read is as the listing has it, and said to be wrong."""

    quantity: int
    percent: int
    price_minor: int | None
    wrong: bool

    @classmethod
    def read(cls, query: Mapping[str, str], listing: Listing) -> "Asked":
        form = Form({name: [value[:40]] for name, value in query.items()})
        quantity, percent, price = form.whole("quantity"), form.whole("quality"), form.fen("price")
        own = (listing.quantity, 100, listing.list_price_minor)
        fits = (
            type(quantity) is int and 0 < quantity <= MAX_QUANTITY,
            type(percent) is int and 0 < percent <= _MAX_PERCENT,
            type(price) is int and 0 < price <= MAX_PRICE_MINOR,
        )
        told = (quantity, percent, price)
        chosen: list[Any] = [
            one if fit else default for one, fit, default in zip(told, fits, own, strict=True)
        ]
        wrong = any(one is not None and not fit for one, fit in zip(told, fits, strict=True))
        return cls(chosen[0], chosen[1], chosen[2], wrong=wrong)

    @property
    def yuan(self) -> str:
        """The price as a form has it."""
        return "" if self.price_minor is None else f"{Decimal(self.price_minor) / 100:.2f}"


@dataclass(frozen=True, slots=True)
class Step:
    """One quality of the chart: the guide price there, and where its points lie."""

    percent: Fraction
    low_minor: int
    mid_minor: int
    high_minor: int
    x: int
    low_y: int
    mid_y: int
    high_y: int
    place: str  # of the asked price: below, within or above the range; empty where none is asked

    @property
    def shown(self) -> str:
        """The quality in per cent, with a decimal where it has one."""
        return f"{float(self.percent):g}"


@dataclass(frozen=True, slots=True)
class Guide:
    """What the page shows."""

    asked: Asked
    quote: Quote | None
    refusal: DomainError | None
    steps: Sequence[Step]
    price_y: int | None
    comparables: Sequence[Comparable]
    counted: int
    excluded: int
    enough_sellers: bool
    least: int = LEAST_COMPARABLES
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def market(self) -> Mapping[str, Any]:
        """The numbers of the market approach."""
        found: Mapping[str, Any] = self.quote.results["approaches"]["market"] if self.quote else {}
        return found

    def line(self, name: str) -> str:
        """The path of `low`, `mid` or `high` over the qualities."""
        return "M" + "L".join(f"{step.x} {getattr(step, f'{name}_y')}" for step in self.steps)


def guide_of(listing: Listing, comparables: Sequence[Comparable], query: Mapping[str, str]) -> Guide:
    """The guide price of a listing, and of what is asked about it."""
    asked = Asked.read(query, listing)
    counted = [one for one in comparables if one.counts]
    enough = enough_sellers(comparables)

    def at(percent: Fraction) -> Quote:
        quality = Decimal(percent.numerator) / Decimal(percent.denominator * 100)
        return guide_price(listing, comparables, quantity=asked.quantity, quality=f"{quality:f}")

    quote, refusal, quotes = None, None, []
    try:
        quote = at(Fraction(asked.percent))
        quotes = [(asked.percent * share, at(asked.percent * share)) for share in _SHARES]
    except DomainError as error:
        quote, refusal = None, error
    top: int = max([one.results["high_minor"] for _, one in quotes] + [asked.price_minor or 0, 1])

    def y(minor: int) -> int:
        return _BOTTOM - (_BOTTOM - _TOP) * minor // top

    steps = [
        Step(
            percent=percent,
            low_minor=one.results["low_minor"],
            mid_minor=one.results["mid_minor"],
            high_minor=one.results["high_minor"],
            x=_LEFT + (_RIGHT - _LEFT) * i // (len(_SHARES) - 1),
            low_y=y(one.results["low_minor"]),
            mid_y=y(one.results["mid_minor"]),
            high_y=y(one.results["high_minor"]),
            place=_place(asked.price_minor, one),
        )
        for i, (percent, one) in enumerate(quotes)
    ]
    return Guide(
        asked=asked,
        quote=quote,
        refusal=refusal,
        steps=steps,
        price_y=None if asked.price_minor is None else y(asked.price_minor),
        comparables=counted[:_SHOWN] if enough else [],
        counted=len(counted),
        excluded=len(comparables) - len(counted),
        enough_sellers=enough,
    )


def _place(price: int | None, quote: Quote) -> str:
    if price is None:
        return ""
    if price < quote.results["low_minor"]:
        return "below"
    return "above" if price > quote.results["high_minor"] else "within"
