"""What requests for data refuse."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class RequestUnknown(NotFound):
    code = "request-unknown"
    title = "No such data request"


class RequestWrongState(Conflict):
    """The request's state does not take this event; `allowed` lists those it takes."""

    code = "request-wrong-state"
    title = "The data request's present state does not allow this"


class RequestWrongRole(NotPermitted):
    """The event belongs to another role."""

    code = "request-wrong-role"
    title = "Another role does this with a data request"


class RequestMovedOn(Conflict):
    """Somebody else moved the request first: of two callers one wins."""

    code = "request-moved-on"
    title = "The data request has moved on"


class RequestMalformed(Malformed):
    """A text, a number or a time of the request is not of its form."""

    code = "request-malformed"
    title = "The data request is malformed"


class RequestOver(Conflict):
    """Its last moment has passed, also while the clock has not closed it yet."""

    code = "request-over"
    title = "The data request has ended"


class TooManyRequests(Conflict):
    """A buyer has so many requests open at once, and a request so many answers."""

    code = "request-limit"
    title = "There are as many as there may be"


class AnsweredBefore(Conflict):
    """One listing answers a request once."""

    code = "request-answered-before"
    title = "This listing answers the request already"


class AnswerUnknown(NotFound):
    code = "request-answer-unknown"
    title = "The data request has no such answer"


class NotYourListing(NotPermitted):
    """A request is answered with a listing of one's own, or of the client one holds a mandate of."""

    code = "request-not-your-listing"
    title = "A data request is answered with a listing of one's own"


class OwnRequest(Refusal):
    """Nobody answers its own request."""

    code = "own-request"
    title = "The provider is the one who asks"
    rule_id: ClassVar[str | None] = "REQ"
