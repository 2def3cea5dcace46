"""The kinds of error the house knows.

An error states a fact and carries a stable kebab-case code; `web.problems` alone turns it into HTTP
(RFC 9457). Nothing here knows a status code.
"""

import traceback
from typing import Any, ClassVar


class DomainError(Exception):
    """A fact that stops the caller. `facts` go into the problem's extension members."""

    code: ClassVar[str] = "domain-error"
    title: ClassVar[str] = "The request cannot be carried out"

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class Refusal(DomainError):
    """A domain refusal: a decision of the exchange, recorded on the ledger (`docs/ledger.md`).

    `rule_id` names the rule that decided, where the rule table has one (for example `BR1`). What is `sealed`
    says in public only that this rule refused somebody: what it was about would tell others what they are not
    to know.
    """

    code = "refused"
    title = "The exchange refuses this act"
    rule_id: ClassVar[str | None] = None
    sealed: ClassVar[bool] = False


class Conflict(Refusal):
    """The thing is in a state in which this act is not allowed (`states.md`: HTTP 409, recorded)."""

    code = "wrong-state"
    title = "Not possible in the present state"


class NotPermitted(Refusal):
    """The actor is known and may not do this."""

    code = "not-permitted"
    title = "You may not do this"


class Malformed(DomainError):
    """The input is not of the form asked for: goes to the security log only."""

    code = "malformed"
    title = "The input is malformed"


class TooLarge(Malformed):
    """The input is above its limit."""

    code = "too-large"
    title = "The input is above its limit"


class NotFound(DomainError):
    """Nothing of that name that the caller may see."""

    code = "not-found"
    title = "Not found"


class Gone(NotFound):
    """It was here, and has been taken away for good."""

    code = "gone"
    title = "This is no longer here"


class Unauthenticated(DomainError):
    """No proof of who is calling."""

    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(DomainError):
    """Signed in, but the role does not reach this: least privilege, no domain decision."""

    code = "forbidden"
    title = "Your role does not reach this"


class StepUpNeeded(DomainError):
    """A custodial key asks for a fresh proof of the person."""

    code = "step-up-needed"
    title = "Confirm your password first"


class IdempotencyMismatch(DomainError):
    """The same key came with another body."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used with another body"


class TooMany(DomainError):
    """Too often, or too much at once: goes to the security log only. `retry_after_s` says when it passes."""

    code = "too-many"
    title = "Too much at once: try again later"


class Unavailable(DomainError):
    """Something this needs does not answer now; trying again is safe."""

    code = "unavailable"
    title = "Not available at the moment"


class Upstream(DomainError):
    """Somebody this is asked of on the caller's behalf has failed: nothing is charged."""

    code = "upstream-failed"
    title = "Whoever answers this has failed"


class UpstreamSlow(Upstream):
    """It has not answered in the time that there was."""

    code = "upstream-too-slow"
    title = "Whoever answers this has not answered in time"


class Busy(Unavailable):
    """More is under way than can be done soon: nothing was begun. `retry_after_s` says when to try again."""

    code = "busy"
    title = "More comes in than can be done at once: try again in a moment"


def trace_of(error: BaseException) -> str:
    """Where an error came from, for the log: lines of code, and never what a variable held."""
    return "".join(traceback.format_exception(error))
