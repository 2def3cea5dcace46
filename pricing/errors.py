"""What the mechanisms refuse. Amounts in facts are decimal strings of fen."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, Refusal


class MethodUnknown(NotFound):
    code = "pricing-method-unknown"
    title = "No such pricing method"


class PriceOutOfBounds(Malformed):
    """A price is a positive whole number of fen, at most `pricing.quote.MAX_PRICE_MINOR`."""

    code = "price-out-of-bounds"
    title = "A price is a positive amount within the limit"


class OfferTimesMalformed(Malformed):
    """An offer ends after it begins, and begins after the one it answers."""

    code = "offer-times-malformed"
    title = "The times of the offer do not fit together"


class PriceAboveCap(Refusal):
    """Public data is sold at or below its government-guided cap (发改价格〔2025〕65号)."""

    code = "price-above-cap"
    title = "The price is above the public-data cap"
    rule_id: ClassVar[str | None] = "PRICE_CAP"


class MarginAboveLimit(Refusal):
    """The permitted profit rate is the bond yield plus at most six percentage points."""

    code = "margin-above-limit"
    title = "The margin is above six percentage points"
    rule_id: ClassVar[str | None] = "M13-MARGIN"


class OfferOutOfTurn(Conflict):
    """Offers alternate: one's own offer stands until the other side answers or it expires."""

    code = "offer-out-of-turn"
    title = "It is the other side's turn"
    rule_id: ClassVar[str | None] = "M5-TURN"


class OfferNotLatest(Conflict):
    """Only the latest offer can be accepted: a counter-offer ends the one it answers (民法典 Art 488)."""

    code = "offer-not-latest"
    title = "Only the latest offer can be accepted"
    rule_id: ClassVar[str | None] = "M5-LATEST"


class OfferIsOwn(Refusal):
    """An offer is accepted by the other side."""

    code = "offer-is-own"
    title = "The other side has to accept this offer"
    rule_id: ClassVar[str | None] = "M5-OTHER-SIDE"


class OfferExpired(Conflict):
    """An offer can be accepted until it expires, and then no more."""

    code = "offer-expired"
    title = "The offer has expired"
    rule_id: ClassVar[str | None] = "M5-EXPIRY"


class PriceOutsideLimits(Refusal):
    """The accepted price lies outside the provider's floor or the buyer's ceiling.

    The limits are sealed: the refusal never says them.
    """

    code = "price-outside-limits"
    title = "The price is outside a party's own limit"
    rule_id: ClassVar[str | None] = "M5-LIMITS"
