"""What held quotes refuse."""

from base.errors import Conflict, NotFound


class HeldQuoteUnknown(NotFound):
    code = "held-quote-unknown"
    title = "No such held quote"


class QuoteWithoutPrice(Conflict):
    """The listing has no list price: the provider names one in a trade."""

    code = "quote-without-price"
    title = "This product has no price to hold"


class TooManyQuotes(Conflict):
    """A buyer holds so many quotes at once."""

    code = "quote-limit"
    title = "There are as many held quotes as there may be"


class QuoteExpired(Conflict):
    """Its last moment has passed."""

    code = "quote-expired"
    title = "The quote is not held any more"


class QuoteUsed(Conflict):
    """One quote begins one trade; `trade_id` is it."""

    code = "quote-used"
    title = "The quote has begun a trade already"
