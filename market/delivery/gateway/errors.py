"""What the gateway refuses, and what it says when a provider fails."""

from base.errors import (
    Busy,
    Conflict,
    Malformed,
    NotFound,
    Refusal,
    TooLarge,
    TooMany,
    Upstream,
    UpstreamSlow,
)


class InterfaceMalformed(Malformed):
    code = "interface-malformed"
    title = "The interface is not described as asked for"


class InterfaceNotSold(Refusal):
    """Goods of this type are not delivered by an interface."""

    code = "interface-not-sold"
    title = "This type of product is not used by an interface"


class InterfaceErased(Refusal):
    code = "interface-erased"
    title = "What this interface goes to was erased"


class SecretUnknown(NotFound):
    code = "interface-secret-unknown"
    title = "No such secret of yours"


class NotOffered(NotFound):
    """The path or the method is none that the provider offers."""

    code = "interface-not-offered"
    title = "This interface does not answer that"


class TargetMalformed(Malformed):
    """A path or a query that could mean another thing elsewhere."""

    code = "interface-target-malformed"
    title = "The path or the query is not of a plain form"


class TargetTooLong(TooLarge):
    code = "interface-target-too-long"
    title = "The path or the query is too long"


class QueryMalformed(Malformed):
    """What is asked of the table is no filter, column or page of it."""

    code = "interface-query-malformed"
    title = "The table cannot be asked that"


class TooManyCalls(TooMany):
    code = "too-many-calls"
    title = "Too many calls with this key: wait a moment"


class QuotaUnderWay(TooMany):
    """Calls that are being answered may use what is left of the right; those that fail give it back."""

    code = "quota-under-way"
    title = "Calls under way have what is left of this right"


class ProviderBusy(Busy):
    code = "provider-busy"
    title = "As many calls wait for this provider as may"


class AnswerGone(Conflict):
    """The answer to this key was given and is not kept any more; a new key is a new use."""

    code = "answer-gone"
    title = "The answer to this key is not kept any more"


class ProviderFailed(Upstream):
    """The provider did not answer, or not as its interface is described: the call is not charged."""

    code = "provider-failed"
    title = "The provider has not answered as it should: the call is not charged"


class ProviderTooSlow(UpstreamSlow):
    code = "provider-too-slow"
    title = "The provider has not answered in time: the call is not charged"
