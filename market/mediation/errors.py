"""What mediation refuses. What is the broker's own record is no act on the market: it is not stated."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, Refusal


class PresentationUnknown(NotFound):
    code = "presentation-unknown"
    title = "No such list of matches"


class RequestNotOpen(Conflict):
    """Matches are sent while the request is open and before its end."""

    code = "matching-request-over"
    title = "The data request is not open any more"


class NotAMatch(Refusal):
    """What is sent as a match is none by the rules that everybody can read."""

    code = "not-a-match"
    title = "This listing is no match of the request"
    rule_id: ClassVar[str | None] = "MATCHING"


class OrderUnexplained(Refusal):
    """A broker that departs from the neutral order says why, to its client and to supervision."""

    code = "matching-order-unexplained"
    title = "Another order than the neutral one needs its reason"
    rule_id: ClassVar[str | None] = "MATCHING"


class MatchesMalformed(Malformed):
    code = "matches-malformed"
    title = "The list of matches is malformed"


class DealUnknown(NotFound):
    code = "deal-unknown"
    title = "No such deal"


class DealMalformed(Malformed):
    code = "deal-malformed"
    title = "The deal is malformed"


class DealStageWrong(Malformed):
    """The stage does not lead there (`allowed`: where it does), or a trade (`trade_id`) says otherwise."""

    code = "deal-stage-wrong"
    title = "The deal's stage does not lead there"


class DealTradeUnfit(Malformed):
    """The trade is not of this broker and client, or belongs to another deal."""

    code = "deal-trade-unfit"
    title = "This trade does not belong to the deal"


class ExpensesNotToAgree(Malformed):
    """Expenses are agreed once, by the client, before the outcome is known (Civil Code 964)."""

    code = "deal-expenses-not-open"
    title = "These expenses cannot be agreed now"
