"""What the mechanisms refuse. Amounts in facts are decimal strings of fen."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, Refusal, TooLarge


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


class QuantityOutOfBounds(Malformed):
    """A quantity is a whole number of units, from 0 up to `pricing.facts.MAX_QUANTITY`."""

    code = "quantity-out-of-bounds"
    title = "A quantity is not negative and within the limit"


class TiersMalformed(Malformed):
    """Tiers are told in order by their last unit, each beyond the one before; only the last may be open."""

    code = "tiers-malformed"
    title = "The tiers do not follow one another"


class QuantityAboveTiers(Refusal):
    """The ladder ends below this quantity: nobody has named a price for it."""

    code = "quantity-above-tiers"
    title = "The price tiers end below this quantity"
    rule_id: ClassVar[str | None] = "M2-RANGE"


class MeterEventConflict(Malformed):
    """The same event id came with another quantity or time: only one can have happened."""

    code = "meter-event-conflict"
    title = "A metered event was told in two ways"


class BillingMalformed(Malformed):
    """Bills follow one another, close no earlier than they end, and a commitment is within the cap."""

    code = "billing-malformed"
    title = "The bills of the plan do not fit together"


class SubscriptionMalformed(Malformed):
    """A subscription's days lie in its period, in order, each change on a day of its own."""

    code = "subscription-malformed"
    title = "The days of the subscription do not fit together"


class BidsMalformed(Malformed):
    """An auction has at least one bid, each bidder bids once, and either all bids were committed or none."""

    code = "bids-malformed"
    title = "The bids of the auction do not fit together"


class AuctionOneSided(Refusal):
    """With everybody on one side of a split there is nobody from whom a price could be learnt."""

    code = "auction-one-sided"
    title = "All bids are on one side"
    rule_id: ClassVar[str | None] = "M7-SIDES"


class BeaconMalformed(Malformed):
    """A beacon's randomness is the SHA-256 of its signature, of a chain and round that are known."""

    code = "beacon-malformed"
    title = "The beacon is not of its form"


class BeaconBeforeClose(Refusal):
    """A split drawn from what was known before the bids closed can be bid for."""

    code = "beacon-before-close"
    title = "The beacon was known before the bids closed"
    rule_id: ClassVar[str | None] = "M7-BEACON"


class TooMuchToPrice(TooLarge):
    """The facts are of their form, and too many: a mechanism bounds its own work."""

    code = "too-much-to-price"
    title = "These facts are more than this mechanism takes"


class VersionsMalformed(Malformed):
    """A ladder of versions names each amount once, in rising order."""

    code = "versions-malformed"
    title = "The amounts of the versions do not rise"


class QueryMalformed(Malformed):
    """A query is `Q(x,y) :- R(x),S(x,y)`: known relations of that width, a head of variables of the body."""

    code = "query-malformed"
    title = "The query is not of its form"


class SliceNotForSale(Refusal):
    """No set of priced views says what the query asks."""

    code = "slice-not-for-sale"
    title = "The priced views do not give this slice"
    rule_id: ClassVar[str | None] = "M10-PRICED"


class CompositeCyclic(Malformed):
    """A product is composed of others, and of itself in no number of steps."""

    code = "composite-cyclic"
    title = "The composite product contains itself"


class SharesDoNotSum(Malformed):
    """The contribution shares that a contract fixes are the whole: 10,000 basis points (`rules.md` §2.6)."""

    code = "shares-do-not-sum"
    title = "The shares do not sum to the whole"


class NothingToShare(Refusal):
    """No source has a positive value: there is nothing by which to split."""

    code = "nothing-to-share"
    title = "No source contributes anything"
    rule_id: ClassVar[str | None] = "M11-POSITIVE"


class ComparablesTooFew(Refusal):
    """The market approach alone, and fewer than five comparables."""

    code = "comparables-too-few"
    title = "There are too few comparables"
    rule_id: ClassVar[str | None] = "M8-COMPARABLES"
